"""The batched Qwen3-ASR engine on MLX: config.yaml's `transcription.mlx_qwen3`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.config.base import Area
from pipeline.config.influence import IDENTITY, NOTHING, TRANSCRIPT

DEFAULT_MODEL = "Qwen/Qwen3-ASR-0.6B"
DEFAULT_REVISION = "5eb144179a02acc5e5ba31e748d22b0cf3e303b0"
DEFAULT_ALIGNER = "Qwen/Qwen3-ForcedAligner-0.6B"
DEFAULT_ALIGNER_REVISION = "c7cbfc2048c462b0d63a45797104fc9db3ad62b7"


class MlxQwen3Options(Area):
    """Qwen3-ASR decoded many segments at a time on MLX (Metal on a Mac, CPU elsewhere)."""

    model: Annotated[str, IDENTITY] = Field(default=DEFAULT_MODEL, min_length=1)
    """Folder with config.json, *.safetensors, vocab.json and merges.txt, or a hub repository `owner/name`:
    Qwen/Qwen3-ASR-0.6B, Qwen/Qwen3-ASR-1.7B (revision 7278e1e70fe206f11671096ffdd38061171dd6e5), or an
    8-bit or 4-bit MLX conversion of them. A relative folder begins with `./`."""
    revision: Annotated[str | None, IDENTITY] = Field(default=DEFAULT_REVISION, pattern=r"^[0-9a-f]{40}$")
    """Commit of the hub repository, 40 hex digits. Required for a repository, ignored for a folder."""
    allow_download: Annotated[bool, NOTHING] = True
    """Whether weights that are not on disk may be fetched from the hub (the size is logged first above 100 MB)."""
    hub_timeout_s: Annotated[float, NOTHING] = Field(default=5.0, gt=0, le=9)
    """Seconds to wait for the hub's first answer; without one the engine is not used in this run. The smaller of this
    and `transcription.hub_timeout_s` applies."""
    precision: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """Arithmetic of the activations. auto: float32 on a CPU (its half precision is slow), bfloat16 on a GPU."""
    quantize_bits: Literal[4, 8] | None = None
    """Quantise the decoder's weights while loading, bits per weight. Leave empty for a checkpoint that is
    already quantised, and on a CPU, where quantised products are slow."""
    quantize_encoder_bits: Annotated[Literal[4, 8, 16], TRANSCRIPT.when("quantize_bits", 4, 8)] = 8
    """Bits of the audio encoder when `quantize_bits` is set; 16 leaves it unchanged. 4 bits harm the encoder most."""
    quantize_group_size: Annotated[Literal[32, 64, 128], TRANSCRIPT.when("quantize_bits", 4, 8)] = 64
    """Weights that share one scale when `quantize_bits` is set."""
    batch_size: Annotated[int | None, NOTHING] = Field(default=None, ge=1, le=256)
    """Most segments decoded together; fewer if `max_memory_gb` requires it. Empty: 16 on a CPU, 64 on a GPU."""
    look_ahead_segments: Annotated[int | None, NOTHING] = Field(default=None, ge=1, le=4096)
    """Segments read ahead of decoding, to sort them by length. Empty: four times `batch_size`."""
    encoder_batch_s: Annotated[float | None, NOTHING] = Field(default=None, ge=30, le=3600)
    """Most audio encoded at once, in seconds; less if `max_memory_gb` requires it. Empty: 120 on a CPU, 600 on a
    GPU."""
    max_memory_gb: Annotated[float, NOTHING] = Field(default=8.0, ge=0.01, le=1024)
    """Peak memory of weights, caches and activations together, GiB (2**30 bytes); the batch shrinks to stay below."""
    max_new_tokens: int | None = Field(default=None, ge=1, le=4096)
    """Most tokens per segment. Empty: 12 per second of audio plus 32, at least 128, at most 512."""
    max_segment_s: Annotated[float, NOTHING] = Field(default=30.0, ge=1, le=30)
    """Longest segment accepted, in seconds. The package itself splits segments above 30."""
    segment_time_limit_s: Annotated[float, NOTHING] = Field(default=100.0, gt=0)
    """Time limit for decoding one segment, in seconds; after it the segment is abandoned and the others in its batch
    continue. Keep it below `transcription.segment_time_limit_s`, at which the whole process is restarted."""
    language_min_probability: Annotated[float, TRANSCRIPT.unless_default()] = Field(default=0.5, ge=0, le=1)
    """A call's language less likely than this is a guess: speech is decoded in it, and it is not reported."""
    window_s: Annotated[float | None, TRANSCRIPT.when("word_times", True)] = Field(default=30.0, gt=0, le=30)
    """With `word_times`: segments of one channel are joined up to this many seconds and split again by word times.
    null, or without word times: each segment is decoded by itself."""
    word_times: bool = False
    """Give every word its time with the forced aligner (a second model of 0.6B)."""
    aligner_model: Annotated[str, TRANSCRIPT.when("word_times", True)] = Field(default=DEFAULT_ALIGNER, min_length=1)
    """Folder or hub repository of the forced aligner."""
    aligner_revision: Annotated[str | None, TRANSCRIPT.when("word_times", True)] = Field(
        default=DEFAULT_ALIGNER_REVISION, pattern=r"^[0-9a-f]{40}$"
    )
    """Commit of the aligner's hub repository, 40 hex digits. Required for a repository, ignored for a folder."""
    word_silence_db: Annotated[float, TRANSCRIPT.when("word_times", True)] = Field(default=45.0, gt=0, le=120)
    """A stretch this far below the segment's loudest 20 ms counts as silence, dB: no word time lies in it."""
    word_min_ms: Annotated[int, TRANSCRIPT.when("word_times", True)] = Field(default=20, ge=1, le=500)
    """Shortest word, milliseconds."""
    blas_probe_ms: Annotated[int, NOTHING] = Field(default=20, ge=5, le=1000)
    """How long the probe for a slow BLAS may multiply matrices, milliseconds."""
    min_gflops: Annotated[float, NOTHING] = Field(default=20.0, gt=0)
    """Below this rate of float32 products a CPU counts as running the reference BLAS, GFLOP/s."""

    @model_validator(mode="after")
    def _repositories_are_pinned(self) -> Self:
        for name, model, revision in (
            ("revision", self.model, self.revision),
            ("aligner_revision", self.aligner_model, self.aligner_revision),
        ):
            if revision is None and not is_local(model):
                msg = (
                    f"`{name}` is empty but `{model}` is a hub repository: give the commit (40 hex digits), or a folder"
                )
                raise ValueError(msg)
        if self.revision == DEFAULT_REVISION and self.model != DEFAULT_MODEL and not is_local(self.model):
            msg = (
                f"`revision` {DEFAULT_REVISION} is a commit of {DEFAULT_MODEL}, not of `model` {self.model}: "
                f"give that repository's own commit (40 hex digits)"
            )
            raise ValueError(msg)
        return self


def is_local(model: str) -> bool:
    """Whether a `model` value names a folder (absolute, relative with a dot, home) and not a hub repository."""
    return model.startswith(("/", "./", "../", "~", ".")) or model.count("/") != 1 or "\\" in model
