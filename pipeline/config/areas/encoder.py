"""The sentence encoder that sentiment, topics, summaries and redaction share: config.yaml's `encoder`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.base import Area
from pipeline.config.influence import IDENTITY, NOTHING


class EncoderSettings(Area):
    """Sentences to vectors whose directions agree where the meanings do; an ONNX graph with its `tokenizer.json`."""

    engine: Annotated[Literal["onnx", "off"], IDENTITY] = "onnx"
    """onnx, or off: each step then does without, as it also does where the weights are absent."""
    model: Annotated[str, IDENTITY] = "sentence-transformers/all-MiniLM-L6-v2"
    """Folder with the weights, or a hub repository (then `revision` pins it). The default is an English encoder out of
    installed packages; docs/topics.md has the settings of one for many languages."""
    revision: Annotated[str | None, IDENTITY] = "sha256-8d5048e544feafad534d3ad26e7f3a05569b24cc"
    """Commit of the repository (the default's is the content of its files); ignored for a folder."""
    onnx_file: Annotated[str, IDENTITY] = "model.onnx"
    """The graph's file in the folder or repository, such as onnx/model.onnx; `tokenizer.json` is at the top."""
    languages: Annotated[tuple[str, ...] | None, IDENTITY] = ("en",)
    """ISO 639-1 codes it knows; null for any. For a text in another language the steps do without it."""
    prefix: Annotated[str, IDENTITY] = ""
    """Put before every text, where the encoder was trained so (the E5 family: "query: ")."""
    pooling: Annotated[Literal["mean", "first"], IDENTITY] = "mean"
    """How the vectors of a text's tokens become one: their mean, or the first token's."""
    max_tokens: Annotated[int, Field(ge=8, le=8192), IDENTITY] = 128
    """Longer texts are cut off after this many tokens."""
    threads: Annotated[int, Field(ge=1, le=64), NOTHING] = 1
    """Threads of one analysis process that encode."""
    cached_texts: Annotated[int, Field(ge=0, le=10_000_000), NOTHING] = 20_000
    """Vectors kept in memory, those used last (1.5 kB each): a text that several steps read is encoded once."""
    allow_download: Annotated[bool, NOTHING] = True
    """Whether weights may be fetched from the hub."""
    hub_timeout_s: Annotated[float, Field(gt=0, le=60), NOTHING] = 3.0
    """Longest wait for the hub's first answer."""
