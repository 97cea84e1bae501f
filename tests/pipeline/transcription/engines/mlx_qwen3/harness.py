"""The engine's parts over a tiny checkpoint, with the decoded token ids at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlx.core as mx

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.transcription.engine import Samples, SegmentRequest
from pipeline.transcription.engines.mlx_qwen3.device import limits_of
from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Kernels
from pipeline.transcription.engines.mlx_qwen3.kernels.plain import MlxKernels
from pipeline.transcription.engines.mlx_qwen3.loading import load_checkpoint
from pipeline.transcription.engines.mlx_qwen3.machine import Qwen3Machine
from pipeline.transcription.engines.mlx_qwen3.prompts import Prompter
from pipeline.transcription.engines.mlx_qwen3.scheduler import Scheduler


class RecordingTokenizer:
    """The package's tokenizer, remembering what it was asked to decode."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.decoded: list[tuple[int, ...]] = []

    def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
        self.decoded.append(tuple(ids))
        text: str = self._tokenizer.decode(ids, skip_special_tokens=skip_special_tokens)
        return text

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)


def request(key: str, samples: Samples, language: str | None = "en", context: str = "") -> SegmentRequest:
    return SegmentRequest(key=key, samples=samples, language=language, context=context)


def one_by_one(folder: Path, requests: Sequence[SegmentRequest]) -> dict[str, tuple[int, ...]]:
    """Token ids by key, from the package's own Session."""
    from mlx_qwen3_asr import Session

    session = Session(str(folder), dtype=mx.float32)
    recorder: Any = RecordingTokenizer(session.tokenizer)
    session.tokenizer = recorder
    tokens: dict[str, tuple[int, ...]] = {}
    for item in requests:
        session.transcribe(item.samples, language=item.language, context=item.context)
        tokens[item.key] = recorder.decoded[-1]
    return tokens


class Batch:
    """A loaded checkpoint under a scheduler."""

    def __init__(self, folder: Path, kernels: Kernels | None = None, **settings: Any) -> None:
        options = MlxQwen3Options(model=str(folder), **settings)
        self.loaded = load_checkpoint(folder, options, setting="model")
        self.recorder: Any = RecordingTokenizer(self.loaded.tokenizer)
        kernels = kernels or MlxKernels(self.loaded.dtype)
        self.machine = Qwen3Machine(self.loaded, options, kernels)
        # the time limit is no subject of these tests, and the machine may be busy
        self.limits = replace(limits_of(options, kernels), segment_time_s=3600.0)

    def scheduler(self, rows: int | None = None) -> Scheduler:
        limits = self.limits if rows is None else replace(self.limits, rows=rows)
        return Scheduler(self.machine, Prompter(self.recorder), limits)

    def tokens(self, requests: Sequence[SegmentRequest], rows: int | None = None) -> dict[str, tuple[int, ...]]:
        """Token ids by key."""
        found: dict[str, tuple[int, ...]] = {}
        for result in self.scheduler(rows).run(requests):
            assert result.error is None, result.error
            found[result.key] = self.recorder.decoded[-1]
        return found
