"""A summary of the call's own lines: LexRank (Erkan & Radev 2004) with priors for calls.

Every sentence is a node, the cosine of TF-IDF vectors the weight between two; the stationary distribution of a random
walk says how central each is. The walk restarts where calls say what matters: the client's opening turns, turns with
numbers, promises. Sentences are then taken by maximal marginal relevance (Carbonell & Goldstein 1998) up to a length.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.text import content_stems, sentences, words
from pipeline.config.language import ExtractiveSummarySettings
from pipeline.records import Role, TranscriptChunk

_ITERATIONS = 60
_NUMBER = re.compile(r"\d")
_SHORT_WORDS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of a call."""

    chunk: TranscriptChunk
    text: str
    stems: tuple[str, ...]
    length: int
    """Words."""


def lines_of(chunks: Sequence[TranscriptChunk], language: str | None) -> list[Line]:
    """Sentences in order of time, those without any word left out."""
    ordered = sorted(chunks, key=lambda one: (one.start_s, one.channel))
    return [
        Line(chunk, text, tuple(content_stems(text, language)), len(words(text)))
        for chunk in ordered
        for text in sentences(chunk.text)
        if words(text)
    ]


def choose_lines(
    lines: Sequence[Line], settings: ExtractiveSummarySettings, max_words: int | None = None
) -> list[Line]:
    """The lines that sum the call up, in order of time; at most `max_words` words together, at least one line."""
    usable = [line for line in lines if line.stems and line.length >= _SHORT_WORDS] or list(lines)
    if not usable:
        return []
    limit = max_words or min(settings.max_words, max(1, int(settings.max_share * sum(line.length for line in lines))))
    vectors = _vectors(usable)
    similarity = [[_cosine(left, right) for right in vectors] for left in vectors]
    central = _walk(similarity, _priors(usable), settings.damping)
    chosen: list[int] = []
    left = limit
    rest = set(range(len(usable)))
    top = max(central) or 1.0
    while rest:
        best = max(
            sorted(rest),
            key=lambda i: (
                central[i] / top * (1 - settings.redundancy)
                - settings.redundancy * max((similarity[i][j] for j in chosen), default=0.0)
            ),
        )
        rest.discard(best)
        if usable[best].length <= left or not chosen:
            chosen.append(best)
            left -= usable[best].length
    return [usable[i] for i in sorted(chosen)]


def _vectors(lines: Sequence[Line]) -> list[dict[str, float]]:
    """TF-IDF over the call's own lines, of unit length."""
    frequency = Counter(stem for line in lines for stem in set(line.stems))
    count = len(lines)
    vectors = []
    for line in lines:
        weights = {
            stem: (1 + math.log(times)) * math.log(1 + count / frequency[stem])
            for stem, times in Counter(line.stems).items()
        }
        norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        vectors.append({stem: weight / norm for stem, weight in weights.items()})
    return vectors


def _cosine(left: dict[str, float], right: dict[str, float]) -> float:
    if len(right) < len(left):
        left, right = right, left
    return sum(weight * right.get(stem, 0.0) for stem, weight in left.items())


def _priors(lines: Sequence[Line]) -> list[float]:
    """Where the walk restarts; sums to 1."""
    roles = {line.chunk.role for line in lines}
    priors = []
    client_lines = 0
    for place, line in enumerate(lines):
        weight = math.sqrt(len(line.stems) + 1)
        if line.chunk.role == Role.CLIENT or Role.CLIENT not in roles:
            client_lines += 1
            weight *= 2.0 if client_lines <= 3 else 1.2
        if _NUMBER.search(line.text):
            weight *= 1.2
        if line.text.rstrip().endswith("?"):
            weight *= 0.8
        if place == 0:
            weight *= 1.2
        priors.append(weight)
    total = sum(priors) or 1.0
    return [weight / total for weight in priors]


def _walk(similarity: Sequence[Sequence[float]], priors: Sequence[float], damping: float) -> list[float]:
    """Stationary distribution by power iteration."""
    totals = [sum(row) or 1.0 for row in similarity]
    rank = list(priors)
    for _ in range(_ITERATIONS):
        rank = [
            (1 - damping) * priors[i] + damping * sum(rank[j] * similarity[j][i] / totals[j] for j in range(len(rank)))
            for i in range(len(rank))
        ]
    return rank
