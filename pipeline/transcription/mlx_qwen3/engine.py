"""The Transcriber: Qwen3-ASR on MLX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.config.mlx_qwen3 import MlxQwen3Options
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engine import EngineDescription, SegmentRequest, SegmentResult, Transcriber
from pipeline.transcription.mlx_qwen3.loading import LoadedModel, load_checkpoint
from pipeline.transcription.mlx_qwen3.weights import HubAccess, locate


def build(options: MlxQwen3Options) -> Transcriber:
    """An engine that has loaded nothing yet."""
    return MlxQwen3Transcriber(options)


class MlxQwen3Transcriber:
    """`Transcriber` over one loaded checkpoint; everything happens in the thread that calls it."""

    def __init__(self, options: MlxQwen3Options) -> None:
        self._options = options
        self._loaded: LoadedModel | None = None
        self._session: Any = None

    def load(self) -> EngineDescription:
        options = self._options
        try:
            import mlx.core as mx
            from mlx_qwen3_asr import Session
        except ImportError as error:
            raise ModelUnavailable(f"mlx_qwen3: MLX cannot be imported here ({error}); use another engine") from error
        hub = HubAccess(allow_download=options.allow_download, timeout_s=options.hub_timeout_s)
        folder = locate(options.model, options.revision, hub, setting="transcription.mlx_qwen3.model")
        self._loaded = load_checkpoint(folder, options, setting="transcription.mlx_qwen3.model")
        self._session = Session(self._loaded.model, dtype=self._loaded.dtype)
        return EngineDescription(
            engine="mlx_qwen3",
            model=options.model,
            revision=options.revision,
            demonstration=False,
            max_segment_s=options.max_segment_s,
            takes_context=True,
            languages=None,
            detail=f"{mx.default_device()}, {self._loaded.dtype}",
        )

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        for request in requests:
            result = self._session.transcribe(request.samples, language=request.language, context=request.context)
            yield SegmentResult(
                key=request.key,
                text=result.text,
                language=result.language,
                flags=("decode_truncated",) if result.truncated else (),
            )

    def close(self) -> None:
        self._loaded = self._session = None
