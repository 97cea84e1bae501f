"""The Transcriber: Qwen3-ASR on MLX, many segments decoded together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.config.mlx_qwen3 import MlxQwen3Options
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engine import EngineDescription, SegmentRequest, SegmentResult, Transcriber
from pipeline.transcription.mlx_qwen3.blas import blas_probe
from pipeline.transcription.mlx_qwen3.prompts import LANGUAGES
from pipeline.transcription.mlx_qwen3.scheduler import Limits, Scheduler, StageSeconds
from pipeline.transcription.mlx_qwen3.weights import HubAccess, locate

_SETTING = "transcription.mlx_qwen3.model"


def build(options: MlxQwen3Options) -> Transcriber:
    """An engine that has loaded nothing yet."""
    return MlxQwen3Transcriber(options)


class MlxQwen3Transcriber:
    """`Transcriber` over one loaded checkpoint. MLX's arrays belong to the thread that calls `load`.

    `confidence` of a result is exp of the mean natural log-probability that greedy decoding gave its text tokens
    (0..1, the geometric mean of their probabilities): comparable between segments of one model, no calibrated chance
    of being right.
    """

    def __init__(self, options: MlxQwen3Options) -> None:
        self._options = options
        self._scheduler: Scheduler | None = None

    def load(self) -> EngineDescription:
        try:
            import mlx.core as mx
            import mlx_qwen3_asr  # noqa: F401 - found out here, not in the middle of a call
        except ImportError as error:
            raise ModelUnavailable(f"mlx_qwen3: MLX cannot be imported here ({error}); use another engine") from error
        from pipeline.transcription.mlx_qwen3.kernels import choose_kernels
        from pipeline.transcription.mlx_qwen3.loading import load_checkpoint
        from pipeline.transcription.mlx_qwen3.machine import Qwen3Machine
        from pipeline.transcription.mlx_qwen3.prompts import Prompter

        options = self._options
        hub = HubAccess(allow_download=options.allow_download, timeout_s=options.hub_timeout_s)
        folder = locate(options.model, options.revision, hub, setting=_SETTING)
        probe = blas_probe(options.blas_probe_ms, options.min_gflops)
        loaded = load_checkpoint(folder, options, setting=_SETTING)
        kernels = choose_kernels(loaded.dtype)
        machine = Qwen3Machine(loaded, options, kernels)
        limits = Limits(
            rows=options.batch_size,
            look_ahead=options.look_ahead_segments,
            group_s=options.encoder_batch_s,
            segment_s=options.max_segment_s,
            segment_time_s=options.segment_time_limit_s,
        )
        self._scheduler = Scheduler(machine, Prompter(loaded.tokenizer), limits)
        bits = "" if loaded.bits is None else f", {loaded.bits}-bit weights"
        return EngineDescription(
            engine="mlx_qwen3",
            model=options.model,
            revision=None if Path(options.model).expanduser().is_dir() else options.revision,
            demonstration=False,
            max_segment_s=options.max_segment_s,
            takes_context=True,
            languages=frozenset(LANGUAGES),
            detail=f"{mx.default_device()}, {loaded.dtype}{bits}, {kernels.name} kernels; {probe.message}",
        )

    @property
    def seconds(self) -> StageSeconds:
        """Wall seconds by stage since `load`, for benchmarks."""
        return StageSeconds() if self._scheduler is None else self._scheduler.seconds

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        if self._scheduler is None:
            raise RuntimeError("transcribe was called before load")
        yield from self._scheduler.run(requests)

    def close(self) -> None:
        if self._scheduler is None:
            return
        self._scheduler = None
        import mlx.core as mx

        mx.clear_cache()
