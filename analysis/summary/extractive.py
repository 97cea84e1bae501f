"""A summary of the call's own lines, without a model.

Each sentence is scored by its place (calls begin with their reason and end with what was agreed), how dense it is
in words that carry meaning, how much of it recurs in the call, and who says it; sentences are then taken greedily up to
a length, those that repeat what is taken being worth less. Measured against LexRank (Erkan & Radev 2004) and coverage
of frequent words on the same dialogues: `python -m bench.summaries`. Linear in the length of the call.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.calls import in_order
from analysis.text import content_stems, sentences, words
from pipeline.config.areas.language import ExtractiveSummarySettings
from pipeline.records import Role, TranscriptChunk

_MIN_STEMS = 2
"""Lines with fewer words that carry meaning ("yes please", "thank you") are taken last."""
_FULL_LENGTH = 6
"""Shorter lines are worth less: they seldom stand by themselves."""
_SHORT_PENALTY = 0.1
_EMPTY_PENALTY = 2.0
_ENDING_LINES = 3
_MOST_RECURRENCES = 2


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
    ordered = in_order(chunks)
    return [
        Line(chunk, text, tuple(content_stems(text, language)), len(words(text)))
        for chunk in ordered
        for text in sentences(chunk.text)
        if words(text)
    ]


def choose_lines(
    lines: Sequence[Line], settings: ExtractiveSummarySettings, max_words: int | None = None
) -> list[Line]:
    """The lines that sum the call up, in order of time.

    Args:
        lines: all sentences in order of time.
        settings: weights and lengths.
        max_words: longest summary; default the shorter of `settings.max_words` and `settings.max_share` of the call.

    Returns:
        At least one line where there is any, even one that is longer than the limit.
    """
    limit = max_words or min(settings.max_words, max(1, int(settings.max_share * sum(line.length for line in lines))))
    scores = line_scores(lines, settings)
    covered: set[str] = set()
    chosen: list[int] = []
    rest = list(range(len(lines)))
    while rest and limit > 0:
        best = max(rest, key=lambda index: scores[index] - settings.redundancy * _repeated(lines[index], covered))
        rest.remove(best)
        if lines[best].length <= limit or not chosen:
            chosen.append(best)
            covered.update(lines[best].stems)
            limit -= lines[best].length
            rest = [index for index in rest if lines[index].length <= limit]
    return [lines[index] for index in sorted(chosen)]


def line_scores(lines: Sequence[Line], settings: ExtractiveSummarySettings) -> list[float]:
    """How much each line tells, without regard to the others that are taken; lines in order of time."""
    lines_with = Counter(stem for line in lines for stem in set(line.stems))
    has_client = any(line.chunk.role == Role.CLIENT for line in lines)
    scores = []
    for index, line in enumerate(lines):
        stems = set(line.stems)
        recurring = sum(min(_MOST_RECURRENCES, lines_with[stem] - 1) for stem in stems)
        ends = index >= len(lines) - _ENDING_LINES and len(stems) >= _MIN_STEMS
        score = settings.opening_weight * math.exp(-index / settings.opening_lines)
        score += settings.density_weight * len(stems) / line.length
        score += settings.recurrence_weight * recurring / max(3, line.length)
        score += settings.ending_weight * ends
        score += settings.client_weight * (has_client and line.chunk.role == Role.CLIENT)
        score -= settings.question_penalty * line.text.endswith("?")
        score -= _SHORT_PENALTY * max(0, _FULL_LENGTH - line.length)
        score -= _EMPTY_PENALTY * (len(stems) < _MIN_STEMS)
        scores.append(score)
    return scores


def _repeated(line: Line, covered: set[str]) -> float:
    """Share of the line's meaning that is in the summary already."""
    stems = set(line.stems)
    return len(stems & covered) / len(stems) if stems else 0.0
