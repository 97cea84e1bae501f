"""The Transcriber: Qwen3-ASR on MLX, many segments decoded together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.errors import EarshotError, ModelTooSlow, ModelUnavailable
from pipeline.transcription.engine import (
    EngineDescription,
    HeardLanguage,
    Samples,
    SegmentRequest,
    SegmentResult,
    Transcriber,
)
from pipeline.transcription.engines.expected import qwen3_aligner, qwen3_weights
from pipeline.transcription.engines.mlx_qwen3.hearing import LanguageHearing
from pipeline.transcription.engines.mlx_qwen3.kernels.blas import blas_probe
from pipeline.transcription.engines.mlx_qwen3.prompts import LANGUAGES
from pipeline.transcription.engines.mlx_qwen3.rows import with_words
from pipeline.transcription.engines.mlx_qwen3.scheduler import Scheduler, StageSeconds
from pipeline.transcription.engines.mlx_qwen3.weights import locate
from pipeline.weights.hub import Hub

if TYPE_CHECKING:
    from pipeline.transcription.engines.mlx_qwen3.word_times import WordPlacer

_SETTING = "transcription.mlx_qwen3.model"


def build(options: MlxQwen3Options, hub: Hub | None = None, *, pass_over_slow: bool = False) -> Transcriber:
    """An engine that has loaded nothing yet. `hub`: the one all engines share; None for its own by the options.

    With `pass_over_slow` its `load` raises ModelTooSlow, before it looks for weights, where MLX sits on a slow BLAS.
    """
    return MlxQwen3Transcriber(options, hub, pass_over_slow)


class MlxQwen3Transcriber:
    """`Transcriber` over one loaded checkpoint. MLX's arrays belong to the thread that calls `load`.

    `confidence` of a result is exp of the mean natural log-probability that greedy decoding gave its text tokens
    (0..1, the geometric mean of their probabilities). It is comparable between segments of one model, but not a
    calibrated probability of being right.
    """

    def __init__(self, options: MlxQwen3Options, hub: Hub | None = None, pass_over_slow: bool = False) -> None:
        self._options = options
        self._pass_over_slow = pass_over_slow
        self._hub = hub or Hub(allow_download=options.allow_download, timeout_s=options.hub_timeout_s)
        self._scheduler: Scheduler | None = None
        self._placer: WordPlacer | None = None
        self._hearing: LanguageHearing | None = None

    def load(self) -> EngineDescription:
        try:
            import mlx.core as mx
            import mlx_qwen3_asr  # noqa: F401 - fail here, not in the middle of a call
        except ImportError as error:
            raise ModelUnavailable(f"mlx_qwen3: MLX cannot be imported here ({error}); use another engine") from error
        from pipeline.transcription.engines.mlx_qwen3.device import kernels_for_device, limits_of
        from pipeline.transcription.engines.mlx_qwen3.loading import load_checkpoint
        from pipeline.transcription.engines.mlx_qwen3.machine import Qwen3Machine
        from pipeline.transcription.engines.mlx_qwen3.prompts import Prompter

        options = self._options
        probe = blas_probe(options.blas_probe_ms, options.min_gflops)
        if probe.slow and self._pass_over_slow:
            raise ModelTooSlow(probe.message)
        found = locate(qwen3_weights(options), self._hub)
        loaded = load_checkpoint(found.folder, options, setting=_SETTING)
        kernels = kernels_for_device(loaded.dtype)
        machine = Qwen3Machine(loaded, options, kernels)
        prompter, limits = Prompter(loaded.tokenizer), limits_of(options, kernels)
        self._scheduler = Scheduler(machine, prompter, limits)
        self._hearing = LanguageHearing(machine, prompter, options.max_segment_s, options.language_min_probability)
        if options.word_times:
            self._placer = self._load_placer(loaded.dtype)
        bits = "" if loaded.bits is None else f", {loaded.bits}-bit weights"
        return EngineDescription(
            engine="mlx_qwen3",
            model=found.model,
            revision=found.revision,
            demonstration=False,
            max_segment_s=options.max_segment_s,
            takes_context=True,
            languages=frozenset(LANGUAGES),
            looks_ahead=limits.look_ahead,
            window_s=self._window_s(),
            detail=f"{mx.default_device()}, {loaded.dtype}{bits}, {kernels.name} kernels; {probe.message}",
        )

    @property
    def seconds(self) -> StageSeconds:
        """Wall seconds by stage since `load`, for benchmarks."""
        return StageSeconds() if self._scheduler is None else self._scheduler.seconds

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        if self._scheduler is None:
            raise RuntimeError("transcribe was called before load")
        if self._placer is None:
            yield from self._scheduler.run(requests)
            return
        samples: dict[str, Samples] = {}

        def remembered(request: SegmentRequest) -> SegmentRequest:
            samples[request.key] = request.samples
            return request

        for result in self._scheduler.run(map(remembered, requests)):
            heard = samples.pop(result.key)
            if result.error is None and result.text:
                yield with_words(result, self._placer(heard, result.text, result.language))
            else:
                yield result

    def hear_language(self, samples: Samples, among: Collection[str] = ()) -> HeardLanguage | None:
        """See `HearsLanguage`."""
        if self._hearing is None:
            raise EarshotError("mlx_qwen3.hear_language: call load() first")
        return self._hearing(samples, self.seconds, among)

    def _window_s(self) -> float | None:
        options = self._options
        if not options.word_times or options.window_s is None:
            return None
        return min(options.window_s, options.max_segment_s)

    def _load_placer(self, dtype: Any) -> WordPlacer:
        from pipeline.transcription.engines.mlx_qwen3.word_times import WordPlacer, load_aligner

        wanted = qwen3_aligner(self._options)
        found = locate(wanted, self._hub)
        return WordPlacer(
            aligner=load_aligner(found.folder, dtype, setting=wanted.setting),
            silence_db=self._options.word_silence_db,
            min_word_ms=self._options.word_min_ms,
        )

    def close(self) -> None:
        if self._scheduler is None:
            return
        self._scheduler = self._placer = self._hearing = None
        import mlx.core as mx

        mx.clear_cache()
