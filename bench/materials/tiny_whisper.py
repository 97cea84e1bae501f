"""A Whisper in CTranslate2's format, of seeded random weights, written without torch: tiny, or of a real shape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MELS, FRAMES, PLACES = 80, 1500, 448
WORDS = (
    "hello bank card account please thank you number yes no money today call help my is the a to of".split()  # noqa: SIM905
)
LANGUAGES = ("en", "zh", "de", "es", "ru", "fr", "ar")
SPECIALS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    *(f"<|{language}|>" for language in LANGUAGES),
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Dimensions of the network; the vocabulary is filled up with words that are never said."""

    width: int = 32
    heads: int = 2
    layers: int = 1
    inner: int = 64
    vocabulary: int = 0
    """Least number of entries."""
    end_bias: float = 1.5
    """How readily a decode ends."""


SMALL = Shape(width=768, heads=12, layers=12, inner=3072, vocabulary=51_865, end_bias=-30.0)
"""The shape of `openai/whisper-small` (Radford et al. 2022, table 1): 244 million parameters. Never ends by itself."""


def build_tiny_whisper(folder: Path, seed: int = 0, shape: Shape | None = None) -> Path:
    """Writes model.bin, config.json, tokenizer.json, vocabulary.json; returns the folder."""
    from ctranslate2.specs import whisper_spec

    shape = shape or Shape()
    times = [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    unsaid = max(0, shape.vocabulary - len(WORDS) - 1 - len(SPECIALS) - len(times))
    words = [f"Ġ{word}" for word in WORDS] + [""]  # "" marks multilingual models
    words += [f"Ġunsaid{i}" for i in range(unsaid)]
    vocabulary = words + list(SPECIALS) + times
    spec = whisper_spec.WhisperSpec(shape.layers, shape.heads, shape.layers, shape.heads)
    random = np.random.default_rng(seed)
    end = vocabulary.index(SPECIALS[0])
    _fill_encoder(spec.encoder, random, shape)
    _fill_decoder(spec.decoder, random, shape, len(vocabulary), end)
    spec.register_vocabulary(vocabulary)
    spec.config.lang_ids = [vocabulary.index(f"<|{language}|>") for language in LANGUAGES]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [end]
    spec.config.alignment_heads = [(0, 0), (0, 1)]
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(vocabulary)), "utf-8")
    return folder


def _array(random: np.random.Generator, *shape: int, scale: float = 0.3) -> Any:
    return random.standard_normal(shape, np.float32) * np.float32(scale)


def _norm(spec: Any, width: int) -> None:
    spec.gamma, spec.beta = np.ones(width, np.float32), np.zeros(width, np.float32)


def _linear(spec: Any, random: np.random.Generator, out: int, into: int, scale: float = 0.3) -> None:
    spec.weight, spec.bias = _array(random, out, into, scale=scale), np.zeros(out, np.float32)


def _attention(spec: Any, random: np.random.Generator, width: int, own: bool) -> None:
    _norm(spec.layer_norm, width)
    if own:
        _linear(spec.linear[0], random, 3 * width, width)
    else:
        _linear(spec.linear[0], random, width, width)
        _linear(spec.linear[1], random, 2 * width, width)
    _linear(spec.linear[-1], random, width, width, scale=1.0)


def _feed_forward(spec: Any, random: np.random.Generator, shape: Shape) -> None:
    _norm(spec.layer_norm, shape.width)
    _linear(spec.linear_0, random, shape.inner, shape.width)
    _linear(spec.linear_1, random, shape.width, shape.inner)


def _fill_encoder(spec: Any, random: np.random.Generator, shape: Shape) -> None:
    width = shape.width
    spec.conv1.weight, spec.conv1.bias = _array(random, width, MELS, 3), np.zeros(width, np.float32)
    spec.conv2.weight, spec.conv2.bias = _array(random, width, width, 3), np.zeros(width, np.float32)
    spec.position_encodings.encodings = _array(random, FRAMES, width, scale=0.02)
    _norm(spec.layer_norm, width)
    for layer in spec.layer:
        _attention(layer.self_attention, random, width, own=True)
        _feed_forward(layer.ffn, random, shape)


def _fill_decoder(spec: Any, random: np.random.Generator, shape: Shape, size: int, end: int) -> None:
    width = shape.width
    spec.embeddings.weight = _array(random, size, width)
    spec.position_encodings.encodings = _array(random, PLACES, width, scale=1.0)
    _norm(spec.layer_norm, width)
    for layer in spec.layer:
        _attention(layer.self_attention, random, width, own=True)
        _attention(layer.attention, random, width, own=False)
        _feed_forward(layer.ffn, random, shape)
    spec.projection.weight = _array(random, size, width)
    bias = np.full(size, -30.0, np.float32)  # no time stamps and no specials in the text …
    bias[: len(WORDS)] = 0.0
    bias[end] = shape.end_bias  # … except the end
    bias[end + 2 : end + 2 + len(LANGUAGES)] = -15.0
    spec.projection.bias = bias


def _tokenizer(vocabulary: list[str]) -> dict[str, Any]:
    specials = [
        {
            "id": index,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for index, token in enumerate(vocabulary)
        if token.startswith("<|")
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": specials,
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "WordLevel",
            "vocab": {token: index for index, token in enumerate(vocabulary) if not token.startswith("<|")},
            "unk_token": vocabulary[0],
        },
    }
