"""Which language is spoken: the first token of the language's name, in a reply of the model's own form."""

from __future__ import annotations

import math
from collections.abc import Collection

from pipeline.transcription.engine import HeardLanguage, Samples, SegmentRequest
from pipeline.transcription.engines.mlx_qwen3.prompts import Prompter
from pipeline.transcription.engines.mlx_qwen3.rows import MIN_SAMPLES, SAMPLE_RATE_HZ, Row
from pipeline.transcription.engines.mlx_qwen3.scheduler import Machine, OutOfMemory, StageSeconds


class LanguageHearing:
    """One prefill, no decoding. May be asked while other rows are under way: it takes a slot and gives it back.

    Args:
        longest_s: seconds of speech it listens to at most.
        min_probability: a language less likely than this is a guess.
    """

    def __init__(self, machine: Machine, prompter: Prompter, longest_s: float, min_probability: float) -> None:
        self._machine = machine
        self._prompter = prompter
        self._longest = int(longest_s * SAMPLE_RATE_HZ)
        self._min_probability = min_probability

    def __call__(self, samples: Samples, seconds: StageSeconds, among: Collection[str] = ()) -> HeardLanguage | None:
        """The likeliest language, `among` some if any are named. None where the reply begins no language's name, or
        that of several, and where all those named begin like others. Raises MemoryError."""
        question = self._prompter.language_question()
        names = tuple(token for token, code in question.codes.items() if code in among)
        if len(samples) < MIN_SAMPLES or (among and not names):
            return None
        request = SegmentRequest(key="language", samples=samples[: self._longest], language=None)
        row = Row(request=request, prompt=question.prompt, token_limit=1, first_among=names)
        try:
            slots, tokens, log_probabilities = self._machine.prefill([row], self._machine.encode([row], seconds))
        except OutOfMemory as error:
            raise MemoryError(str(error)) from error
        self._machine.release(slots)
        code = question.codes.get(int(tokens[0]))
        if code is None:
            return None
        probability = min(1.0, math.exp(float(log_probabilities[0])))
        return HeardLanguage(code=code, probability=probability, sure=probability >= self._min_probability)
