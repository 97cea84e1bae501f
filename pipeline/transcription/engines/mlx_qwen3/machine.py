"""The loaded model as the scheduler sees it: encode, prefill, step, and what fits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engines.mlx_qwen3.decoding import BatchDecoder, BegunStep, NewRow
from pipeline.transcription.engines.mlx_qwen3.encoding import BatchEncoder, mel_features
from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Floats, Kernels, SlotCache, Tokens
from pipeline.transcription.engines.mlx_qwen3.loading import LoadedModel
from pipeline.transcription.engines.mlx_qwen3.memory import GIB, MemoryBudget, shape_of
from pipeline.transcription.engines.mlx_qwen3.rows import Row
from pipeline.transcription.engines.mlx_qwen3.scheduler import OutOfMemory, StageSeconds

_LONGEST_PREFIX_TOKENS = 300
"""Room for the template and a list of context terms."""


class Qwen3Machine:
    """`scheduler.Machine` over a loaded checkpoint.

    Raises ModelUnavailable when the memory limit does not hold the model and one segment of `options.max_segment_s`.
    """

    def __init__(self, loaded: LoadedModel, options: MlxQwen3Options, kernels: Kernels) -> None:
        import mlx.core as mx

        self._loaded = loaded
        self._max_new_tokens = options.max_new_tokens
        shape = shape_of(loaded.model.config, loaded.weight_bytes, loaded.dtype.size)
        longest = int(13 * options.max_segment_s) + _LONGEST_PREFIX_TOKENS + self.token_limit(options.max_segment_s)
        try:
            self.budget = MemoryBudget(
                int(options.max_memory_gb * GIB),
                shape,
                longest,
                options.max_segment_s,
                group_s=kernels.group_s,
                most_conv_chunks=kernels.conv_chunks,
                convolutions_at_once=1 + kernels.ahead,
            )
        except ValueError as error:
            raise ModelUnavailable(
                f"{options.model}: {error}; raise transcription.mlx_qwen3.max_memory_gb, take a smaller model, or set "
                "quantize_bits"
            ) from error
        mx.set_cache_limit(self.budget.allocator_cache_bytes)
        mx.set_memory_limit(self.budget.limit_bytes)  # beyond it MLX waits for the device before it begins more
        self._encoder = BatchEncoder(loaded.model.audio_tower, kernels, self.budget.conv_chunks)
        self.decoder = BatchDecoder(loaded.model, kernels)
        self.cache: SlotCache = self.decoder.cache
        self.width = shape.width

    def encode(self, rows: Sequence[Row], seconds: StageSeconds) -> list[Any]:
        import mlx.core as mx

        with _memory_errors():
            before = time.perf_counter()
            features = mel_features([row.request.samples for row in rows], self._loaded.dtype)
            mx.eval(features)
            between = time.perf_counter()
            audio = self._encoder(features)
            seconds.features += between - before
            seconds.encoder += time.perf_counter() - between
        return audio

    def prefill(self, rows: Sequence[Row], audio: list[Any]) -> tuple[list[int], Tokens, Floats]:
        with _memory_errors():
            return self.decoder.prefill(
                [NewRow(row.prompt, sound, row.first_among) for row, sound in zip(rows, audio, strict=True)]
            )

    def begin(self, tokens: Tokens) -> BegunStep:
        with _memory_errors():
            return self.decoder.begin(tokens)

    def finish(self, begun: BegunStep) -> tuple[Tokens, Floats]:
        with _memory_errors():
            return self.decoder.finish(begun)

    def release(self, slots: Sequence[int]) -> None:
        self.decoder.release(slots)

    def fits_rows(self, longest_row_tokens: int) -> int:
        return self.budget.rows(longest_row_tokens)

    def fits_group(self, audio_s: float, rows: int, longest_s: float) -> bool:
        return self.budget.fits_group(audio_s, rows, longest_s)

    def token_limit(self, audio_s: float) -> int:
        from mlx_qwen3_asr.generate import resolve_max_new_tokens

        return resolve_max_new_tokens(self._max_new_tokens, audio_duration_sec=audio_s)


@contextmanager
def _memory_errors() -> Iterator[None]:
    """MLX reports a refused allocation as a RuntimeError; only its text tells it from others."""
    import mlx.core as mx

    try:
        yield
    except MemoryError as error:
        mx.clear_cache()
        raise OutOfMemory(str(error) or "MemoryError") from error
    except RuntimeError as error:
        words = str(error).lower()
        if not any(sign in words for sign in ("allocat", "out of memory", "insufficient memory")):
            raise
        mx.clear_cache()
        raise OutOfMemory(" ".join(str(error).split())[:200]) from error
