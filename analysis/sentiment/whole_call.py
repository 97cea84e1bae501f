"""From chunks to the call: the mood of what shows one, trend, lowest point, who turned the mood.

Most of a call is small talk and plain business, so a mean over its chunks is neutral whatever happened in it. A role's
mood is made of the chunks that show one: each weighs its seconds, up to `longest_line_s`, by how little neutral it is,
and a few seconds of neutral speech (`neutral_s`) stand against them, so that one "great, thanks" makes no happy
customer, one clear complaint is not drowned by ten minutes of account numbers, and a fault explained at length is no
worse than one told in a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.conversation.speech import utterances
from analysis.conversation.turns import without_backchannels
from analysis.records import CallSentiment, Change, ChunkPlace, ChunkSentiment, RoleSentiment, Sentiment
from pipeline.config.areas.sentiment import CallMoodSettings
from pipeline.records import Role, TranscriptChunk

QUARTERS = 4
SECONDS_PER_WORD = 0.4
"""150 words a minute."""


@dataclass(frozen=True, slots=True)
class _Scored:
    chunk: TranscriptChunk
    sentiment: Sentiment


def summarise_call(
    chunks: Sequence[TranscriptChunk],
    sentiments: Sequence[ChunkSentiment],
    duration_s: float,
    settings: CallMoodSettings,
    *,
    role_reasons: Mapping[Role, str] | None = None,
    language: str | None = None,
) -> CallSentiment:
    """Join the chunks of one call.

    Args:
        chunks: all chunks of the call, both channels.
        sentiments: one per chunk, same order.
        duration_s: of the call; its quarters are those of the trend.
        role_reasons: what to say about a role besides its value (fusion: which side stood alone).
        language: of the call, ISO 639-1; where it is known, a listener's "mm-hm" turns no mood.
    """
    scored = [
        _Scored(chunk, found.sentiment)
        for chunk, found in zip(chunks, sentiments, strict=True)
        if found.sentiment is not None
    ]
    roles = tuple(
        _role(
            role,
            chunks=chunks,
            sentiments=sentiments,
            scored=scored,
            duration_s=duration_s,
            settings=settings,
            note=(role_reasons or {}).get(role),
        )
        for role in Role
        if any(chunk.role is role for chunk in chunks)
    )
    turned = _turn(
        _Floor(chunks, duration_s, language), [line for line in scored if line.chunk.role is Role.CLIENT], settings
    )
    return CallSentiment(
        roles=roles,
        chunks=tuple(sentiments),
        mood_turned_by=turned.by.role if turned else None,
        mood_turned_at_s=turned.at_s if turned else None,
        mood_turned_to=turned.to if turned else None,
        mood_turned_line=place_of(turned.by) if turned else None,
    )


def place_of(chunk: TranscriptChunk) -> ChunkPlace:
    return ChunkPlace(channel=chunk.channel, chunk=chunk.ordinal, start_s=chunk.start_s)


def mean_sentiment(weighted: Sequence[tuple[Sentiment, float]]) -> Sentiment:
    """Probabilities averaged with weights > 0 (seconds of speech)."""
    total = sum(weight for _, weight in weighted)
    negative = sum(sentiment.negative * weight for sentiment, weight in weighted) / total
    positive = sum(sentiment.positive * weight for sentiment, weight in weighted) / total
    neutral = sum(sentiment.neutral * weight for sentiment, weight in weighted) / total
    whole = negative + neutral + positive
    return Sentiment(negative / whole, neutral / whole, positive / whole)


def mood_of(weighted: Sequence[tuple[Sentiment, float]], neutral_s: float) -> Sentiment:
    """Mood of a role from its chunks with their seconds; neutral where none shows a mood.

    A chunk counts by its seconds times (1 - P(neutral))², squared so that hundreds of plain chunks with a hundredth of
    mood in each do not add up; `neutral_s` seconds of neutral count beside them.
    """
    telling = [(sentiment, seconds * (1.0 - sentiment.neutral) ** 2) for sentiment, seconds in weighted]
    counting = [(sentiment, weight) for sentiment, weight in telling if weight > 0]
    return mean_sentiment([*counting, (Sentiment(0.0, 1.0, 0.0), neutral_s)])


def _weight(chunk: TranscriptChunk) -> float:
    # A recogniser without times gives zero-length chunks: they still count, a little.
    return max(chunk.duration_s, 0.01)


def _seconds(chunk: TranscriptChunk) -> float:
    """Length of the chunk; from its words where a recogniser gives no times."""
    return chunk.duration_s if chunk.duration_s > 0 else SECONDS_PER_WORD * max(1, len(chunk.text.split()))


def _role(
    role: Role,
    *,
    chunks: Sequence[TranscriptChunk],
    sentiments: Sequence[ChunkSentiment],
    scored: Sequence[_Scored],
    duration_s: float,
    settings: CallMoodSettings,
    note: str | None,
) -> RoleSentiment:
    of_role = [line for line in scored if line.chunk.role is role]
    if not of_role:
        reasons = [
            found.reason
            for chunk, found in zip(chunks, sentiments, strict=True)
            if chunk.role is role and found.reason is not None
        ]
        common = max(sorted(set(reasons)), key=reasons.count) if reasons else "no chunk with a value"
        return RoleSentiment(role=role, sentiment=None, reason=common)
    low = [line for line in of_role if line.chunk.duration_s >= settings.lowest_min_s] or of_role
    lowest = min(low, key=lambda line: (line.sentiment.score, line.chunk.start_s))
    return RoleSentiment(
        role=role,
        sentiment=mood_of(
            [(line.sentiment, min(_seconds(line.chunk), settings.longest_line_s)) for line in of_role],
            settings.neutral_s,
        ),
        reason=note,
        quarters=_quarters(of_role, duration_s),
        lowest_score=lowest.sentiment.score,
        lowest_at_s=lowest.chunk.start_s,
        lowest_line=place_of(lowest.chunk),
    )


def _quarters(scored: Sequence[_Scored], duration_s: float) -> tuple[float | None, ...]:
    """Mean score per quarter of the call; a chunk counts in each quarter by the seconds it lies in it."""
    end_s = max([duration_s, *(line.chunk.end_s for line in scored)])
    means: list[float | None] = []
    for quarter in range(QUARTERS):
        start_s, stop_s = end_s * quarter / QUARTERS, end_s * (quarter + 1) / QUARTERS
        inside = [
            (line.sentiment.score, min(line.chunk.end_s, stop_s) - max(line.chunk.start_s, start_s)) for line in scored
        ]
        weights = [(score, seconds) for score, seconds in inside if seconds > 0]
        total = sum(seconds for _, seconds in weights)
        means.append(sum(score * seconds for score, seconds in weights) / total if total > 0 else None)
    return tuple(means)


@dataclass(frozen=True, slots=True)
class _Turned:
    by: TranscriptChunk
    at_s: float
    to: Change


class _Floor:
    """Who has the floor when: what is said, without what a listener says inside another's turn."""

    def __init__(self, chunks: Sequence[TranscriptChunk], duration_s: float, language: str | None) -> None:
        self._chunks = chunks
        self._duration_s = duration_s
        self._language = language

    def last_before(self, moment_s: float) -> TranscriptChunk | None:
        """The chunk whose words were the last to begin before the moment; in a call without words, the last chunk."""
        said = without_backchannels(utterances(self._chunks, self._duration_s, self._language))
        begun = [chunk for chunk in said if chunk.start_s < moment_s]
        if begun:
            last = max(begun, key=lambda chunk: (chunk.start_s, chunk.end_s))
            own = [chunk for chunk in self._chunks if chunk.channel == last.channel and chunk.start_s <= last.start_s]
            if own:
                return max(own, key=lambda chunk: chunk.start_s)
        earlier = [chunk for chunk in self._chunks if chunk.start_s < moment_s]
        return max(earlier, key=lambda chunk: (chunk.start_s, chunk.end_s), default=None)


def _turn(floor: _Floor, client: Sequence[_Scored], settings: CallMoodSettings) -> _Turned | None:
    """Who turned the client's mood, and when.

    The client's scores, in time order, are cut in two where that leaves the least squared deviation from the two
    means (one change point; weights are seconds of speech). The turn counts when the means differ by
    `turn_min_change`, and on each side at least `turn_min_chunks` chunks, and more than half, clearly belong to it
    (by half of `turn_min_change` beyond the middle of the two means): one bad moment or a polite goodbye is not a turn.
    A turn is dated by the first client chunk after the cut and credited to whoever had the floor last before that chunk
    began (the client, when nobody spoke in between); a listener's "mm-hm" takes no floor.
    """
    ordered = sorted(client, key=lambda line: (line.chunk.start_s, line.chunk.ordinal))
    least = settings.turn_min_chunks
    cuts = range(least, len(ordered) - least + 1)
    if not cuts:
        return None
    cut = min(cuts, key=lambda cut: _level(ordered[:cut])[1] + _level(ordered[cut:])[1])
    before, after = _level(ordered[:cut])[0], _level(ordered[cut:])[0]
    middle, sign = (before + after) / 2, math.copysign(1.0, after - before)
    if abs(after - before) < settings.turn_min_change or not (
        _holds(ordered[:cut], middle, -sign, settings) and _holds(ordered[cut:], middle, sign, settings)
    ):
        return None
    first = ordered[cut].chunk
    by = floor.last_before(first.start_s)
    return None if by is None else _Turned(by, first.start_s, Change.BETTER if after > before else Change.WORSE)


def _holds(side: Sequence[_Scored], middle: float, sign: float, settings: CallMoodSettings) -> bool:
    """Whether enough chunks lie clearly beyond the middle, upwards (sign 1) or downwards (-1)."""
    clear = sum(sign * (line.sentiment.score - middle) >= settings.turn_min_change / 2 for line in side)
    return clear >= settings.turn_min_chunks and 2 * clear > len(side)


def _level(scored: Sequence[_Scored]) -> tuple[float, float]:
    """Weighted mean score and weighted squared deviation from it."""
    weights = [_weight(line.chunk) for line in scored]
    total = sum(weights)
    mean = sum(line.sentiment.score * weight for line, weight in zip(scored, weights, strict=True)) / total
    error = sum(weight * (line.sentiment.score - mean) ** 2 for line, weight in zip(scored, weights, strict=True))
    return mean, error
