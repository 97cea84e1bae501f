"""Probability of a chosen label from the probabilities of the tokens that spell it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence

TokenLogprob = tuple[bytes, float]
"""UTF-8 bytes of a token and the natural logarithm of its probability."""


def label_probabilities(tokens: Sequence[TokenLogprob], fields: Iterable[str]) -> dict[str, dict[str, float]]:
    """field -> {label chosen: probability}; fields that are not found are left out.

    The probability is the product over the tokens that overlap the label's characters: under a grammar that is the
    label's probability among those allowed, each token given those before it.
    """
    fields = tuple(fields)
    if not fields or not tokens:
        return {}
    text = b"".join(piece for piece, _ in tokens)
    found: dict[str, dict[str, float]] = {}
    for name in fields:
        quoted = re.escape(json.dumps(name, ensure_ascii=False).encode())
        match = re.search(quoted + rb'\s*:\s*("(?:[^"\\]|\\.)*")', text)
        if match is None:
            continue
        try:
            label = json.loads(match.group(1))
        except ValueError:
            continue
        start, end = match.start(1) + 1, match.end(1) - 1
        logprob = sum(_overlapping(tokens, start, end))
        if math.isfinite(logprob):
            found[name] = {label: min(1.0, math.exp(logprob))}
    return found


def _overlapping(tokens: Sequence[TokenLogprob], start: int, end: int) -> Iterable[float]:
    position = 0
    for piece, logprob in tokens:
        if position < end and position + len(piece) > start:
            yield logprob
        position += len(piece)
