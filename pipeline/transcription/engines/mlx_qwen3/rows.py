"""A segment on its way through the batch, and the result it ends in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from pipeline.records import Word
from pipeline.transcription.engine import SegmentRequest, SegmentResult
from pipeline.transcription.engines.mlx_qwen3.prompts import LANGUAGES, Prompt, Prompter

SAMPLE_RATE_HZ = 16_000
MIN_SAMPLES = 400
"""25 ms. Shorter input gives the package's transform nothing to reflect, or a single frame."""
END_TOKENS = frozenset((151643, 151645))
"""<|endoftext|> and <|im_end|>, fixed in the package as here."""

_LONGEST_PATTERN = 10
"""Tokens of the longest pattern the package looks for. Unless the last token came up within as many before it, no
pattern is repeated: that spares looking, which takes longer than all else the host does for a token."""


@dataclass(slots=True, eq=False)
class Row:
    """One segment being decoded."""

    request: SegmentRequest
    prompt: Prompt
    token_limit: int
    first_among: tuple[int, ...] = ()
    """Tokens of which the first is one; any where empty."""
    slot: int = -1
    started_s: float = 0.0
    tokens: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    ended_by: str | None = None
    """`end`, `length`, `repetition`, `time`, `not_finite`; None while it goes on."""

    @property
    def audio_s(self) -> float:
        return len(self.request.samples) / SAMPLE_RATE_HZ

    @property
    def most_tokens(self) -> int:
        """Prompt and longest reply: the most memory it may need."""
        return len(self.prompt.prefix) + int(13 * self.audio_s) + 2 + len(self.prompt.suffix) + self.token_limit

    def restart(self) -> None:
        """Forget what was decoded, since its place in the batch was needed."""
        self.slot = -1
        self.tokens.clear()
        self.log_probabilities.clear()

    def take(self, token: int, log_probability: float) -> None:
        """Append a token and see whether the row ends, by the package's rules and in their order."""
        from mlx_qwen3_asr.generate import detect_repetition

        if not math.isfinite(log_probability):
            self.ended_by = "not_finite"
            return
        if token in END_TOKENS:
            self.ended_by = "end"
            return
        self.tokens.append(token)
        self.log_probabilities.append(log_probability)
        if len(self.tokens) >= self.token_limit:
            self.ended_by = "length"
        elif token in self.tokens[-1 - _LONGEST_PATTERN : -1] and detect_repetition(self.tokens):
            self.ended_by = "repetition"


def refusal(request: SegmentRequest, longest_s: float) -> str | None:
    """Why a segment cannot be recognised at all; None when it can."""
    seconds = len(request.samples) / SAMPLE_RATE_HZ
    if request.samples.ndim != 1:
        return f"samples have shape {request.samples.shape}, not (samples,): one channel at a time"
    if len(request.samples) < MIN_SAMPLES:
        return f"segment of {1000 * seconds:.0f} ms is too short to recognise (25 ms are needed)"
    if seconds > longest_s * 1.05:
        return f"segment of {seconds:.1f} s is over the longest input of {longest_s:g} s: cut it first"
    if not np.isfinite(request.samples).all():
        return "samples hold NaN or infinite values: set them to zero first"
    return None


def unknown_language(request: SegmentRequest) -> bool:
    """Whether the model does not know the call's language: then it gives no text, as every other engine."""
    return request.language is not None and request.language not in LANGUAGES


def not_understood(request: SegmentRequest) -> SegmentResult:
    return SegmentResult(key=request.key, text="", language=request.language, flags=("language_unsupported",))


def failed(request: SegmentRequest, why: str, *flags: str) -> SegmentResult:
    """A result without text."""
    return SegmentResult(key=request.key, text="", language=request.language, error=why, flags=flags)


def finished(row: Row, prompter: Prompter, time_limit_s: float) -> SegmentResult:
    """The result of a row that ended. `confidence` is exp of the mean log-probability of its text tokens."""
    if row.ended_by == "time":
        return failed(row.request, f"decoding ran over its limit of {time_limit_s:g} s")
    if row.ended_by == "not_finite":
        return failed(row.request, "the model computed NaN: its weights are damaged, or the precision is too low")
    parsed = prompter.parse(row.tokens, row.request.language)
    flags = {"length": ("decode_truncated",), "repetition": ("decode_loop",)}.get(row.ended_by or "", ())
    spoken = row.log_probabilities[parsed.text_tokens] if parsed.text else []
    return SegmentResult(
        key=row.request.key,
        text=parsed.text,
        language=parsed.language,
        confidence=min(1.0, math.exp(sum(spoken) / len(spoken))) if spoken else None,
        flags=flags,
    )


def with_words(result: SegmentResult, words: tuple[Word, ...] | None) -> SegmentResult:
    """The same result with word times, or flagged `word_times_missing` where none can be found."""
    return SegmentResult(
        key=result.key,
        text=result.text,
        language=result.language,
        words=words,
        confidence=result.confidence,
        flags=result.flags if words is not None else (*result.flags, "word_times_missing"),
        error=result.error,
    )
