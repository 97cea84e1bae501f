"""What two channels share, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

from pipeline.audio.channels.likeness import Copy
from pipeline.overheard.said import Said

REACH_S = 1.1
"""Echo comes up to a second late."""
MIN_LIKENESS = 0.2
"""A run of words is a copy from here on. Measured over six calls of two people: at most 0.11."""
MIN_LIKENESS_OF_MANY = 0.15
"""The same for a run of at least `_MANY` shared words, which are evidence themselves (a reverberant room: 0.2)."""
_MANY = 4
MIN_WORD_LIKENESS = 0.15
"""The same for a single word beside such a run: a shorter stretch, and less than that is chance."""
UNMATCHED_LIKENESS = 0.3
"""A segment without a word in common is overheard from here on: the recogniser made something else of the echo."""
SAME_LEVEL_DB = 4.5
"""Also: a word in which this channel is louder than the other, by at least so much more than in the rest of the copy,
is the side's own voice over the echo. Measured: own words 15 dB and more, words of an echo 1 dB."""
_OWN_SHARE, _OWN_SHARE_OF_SHARED = 0.25, 0.5
"""Of a word's time in which it is so. A word that the other channel has as well is its neighbour more often."""
SAME_TIME_S = 0.03
_LEVEL_OF_REPEATS_DB = 3.0
_MOST_BETWEEN = 4
"""Words that the recogniser heard differently within a run of shared ones, on either side."""
_TIME_ERROR_S = 0.5
_TIME_ERROR_WITHOUT_TIMES_S = 2.0
_WORD_MARGIN_S = 0.1
_FEW = 2
"""Words."""
_MOSTLY = 0.6

Hear = Callable[[float, float], Copy | None]
"""How far a stretch (start and end in seconds) of this channel is a copy of the other one's; a stretch of its `Copy`
begins at its start."""


class Owner(Enum):
    """Whose a shared stretch is."""

    OTHER = "other"
    """This channel only overheard it."""
    OWN = "own"
    UNCLEAR = "unclear"
    """Both have it at the same time and about as loud: a mix, or a mono copy."""


@dataclass(frozen=True, slots=True)
class Run:
    """Words of one segment that the other channel has as well."""

    words: tuple[Said, ...]
    owner: Owner
    louder_db: float
    """By how much the other channel is louder."""


def runs_of(words: Sequence[Said], nearby: Sequence[Said], hear: Hear, *, timed: bool) -> list[Run]:
    """What a segment shares with another channel.

    Args:
        words: of the segment, in order.
        nearby: of the other channel, in order of time, up to REACH_S around the segment.
        timed: whether the times are the recogniser's.
    """
    if not words or not nearby:
        return []
    found: list[Run] = []
    taken = 0
    for stretch in _matches(words, nearby):
        run = _heard(words, stretch, taken, hear, timed=timed)
        if run is not None:
            found.append(run)
            taken = words.index(run.words[-1]) + 1
    return found or _unmatched(words, nearby, hear, timed=timed)


@dataclass(frozen=True, slots=True)
class _Match:
    """The words `first` to `last` of the segment (`last` not included) against the other channel's."""

    first: int
    last: int
    delays_s: tuple[float, ...]
    """By how much each shared word comes later than in the other channel."""
    shared: frozenset[int]
    """Places of the shared words."""


def _matches(words: Sequence[Said], other: Sequence[Said]) -> list[_Match]:
    """Runs of equal words; between them at most `_MOST_BETWEEN` that the recogniser heard differently."""
    blocks = SequenceMatcher(None, [w.key for w in other], [w.key for w in words], autojunk=False).get_matching_blocks()
    matches: list[_Match] = []
    reached = -1
    for block in blocks[:-1]:  # the last one is always empty
        delays = tuple(words[block.b + n].middle_s - other[block.a + n].middle_s for n in range(block.size))
        places = frozenset(range(block.b, block.b + block.size))
        last = matches[-1] if matches else None
        if last is not None and max(block.b - last.last, block.a - reached) <= _MOST_BETWEEN:
            matches[-1] = _Match(last.first, block.b + block.size, last.delays_s + delays, last.shared | places)
        else:
            matches.append(_Match(block.b, block.b + block.size, delays, places))
        reached = block.a + block.size
    return matches


def _heard(words: Sequence[Said], match: _Match, taken: int, hear: Hear, *, timed: bool) -> Run | None:
    """The run, grown by words beside it that are part of the copy; None where the sound is no copy.

    `taken`: how many words belong to earlier runs.
    """
    inside = words[match.first : match.last]
    start_s, end_s = inside[0].start_s - _WORD_MARGIN_S, inside[-1].end_s + _WORD_MARGIN_S
    copy = hear(start_s, end_s)
    needed = MIN_LIKENESS_OF_MANY if len(match.delays_s) >= _MANY else MIN_LIKENESS
    if copy is None or copy.likeness < needed or copy.louder_db is None:
        return None
    delay_s = sorted(match.delays_s)[len(match.delays_s) // 2]
    if abs(delay_s - copy.delay_s) > (_TIME_ERROR_S if timed else _TIME_ERROR_WITHOUT_TIMES_S):
        return None
    owner = whose(copy, end_s - start_s)
    if owner is None:
        return None
    begin_s = words[0].start_s - _WORD_MARGIN_S
    whole = hear(begin_s, words[-1].end_s + _WORD_MARGIN_S)
    if whole is None or abs(whole.delay_s - copy.delay_s) > SAME_TIME_S:
        return Run(tuple(inside), owner, copy.louder_db)
    copied = [_word_of(whole, word, begin_s) >= MIN_WORD_LIKENESS for word in words]
    first, last = _grown(copied, match, taken, timed=timed)
    overheard = [
        words[index]
        for index in range(first, last)
        if not (timed and _own_voice(whole, copy.louder_db, words[index], begin_s, shared=index in match.shared))
    ]
    return Run(tuple(overheard), owner, copy.louder_db) if overheard else None


def _grown(copied: Sequence[bool], match: _Match, taken: int, *, timed: bool) -> tuple[int, int]:
    """First and last of the run with the words beside it that are part of the copy.

    Where the times are only estimated, these are the last ones at an edge of the segment, where the estimate is good.
    """
    first, last = match.first, match.last
    if timed:
        while first > taken and copied[first - 1]:
            first -= 1
        while last < len(copied) and copied[last]:
            last += 1
        return first, last
    if taken == 0 and first <= _FEW and all(copied[:first]):
        first = 0
    if len(copied) - last <= _FEW and all(copied[last:]):
        last = len(copied)
    return first, last


def _word_of(copy: Copy, word: Said, begin_s: float) -> float:
    return copy.within(word.start_s - _WORD_MARGIN_S - begin_s, word.end_s + _WORD_MARGIN_S - begin_s)


def _own_voice(copy: Copy, louder_db: float, word: Said, begin_s: float, *, shared: bool = False) -> bool:
    """Whether the side itself says the word over the echo. `shared`: the other channel has the word, too."""
    share = _OWN_SHARE_OF_SHARED if shared else _OWN_SHARE
    here_db = copy.louder_within(word.start_s - begin_s, word.end_s - begin_s, share)
    return here_db is not None and here_db < 0 and louder_db - here_db >= SAME_LEVEL_DB


def _unmatched(words: Sequence[Said], nearby: Sequence[Said], hear: Hear, *, timed: bool) -> list[Run]:
    """A segment that is all echo, in which the recogniser heard other words."""
    start_s, end_s = words[0].start_s, words[-1].end_s
    talk_s = sum(max(0.0, min(word.end_s, end_s) - max(word.start_s, start_s - REACH_S)) for word in nearby)
    if talk_s < _MOSTLY * (end_s - start_s):
        return []
    copy = hear(start_s, end_s)
    if copy is None or copy.likeness < UNMATCHED_LIKENESS or copy.louder_db is None:
        return []
    if whose(copy, end_s - start_s) is not Owner.OTHER or copy.louder_db < SAME_LEVEL_DB:
        return []
    if min(_word_of(copy, word, start_s) for word in words) < MIN_WORD_LIKENESS:
        return []
    overheard = [word for word in words if not (timed and _own_voice(copy, copy.louder_db, word, start_s))]
    return [Run(tuple(overheard), Owner.OTHER, copy.louder_db)] if overheard else []


def whose(copy: Copy, duration_s: float) -> Owner | None:
    """Whose a stretch is that both channels have; None where each said it itself.

    A copy is never earlier than what it copies; at the same time the louder one is the original. Who repeats a word
    does so after it was said, and as loud: that is no echo.
    """
    assert copy.louder_db is not None
    if abs(copy.delay_s) >= duration_s / 2 and abs(copy.louder_db) < _LEVEL_OF_REPEATS_DB:
        return None
    if abs(copy.delay_s) >= SAME_TIME_S:
        return Owner.OTHER if copy.delay_s > 0 else Owner.OWN
    if abs(copy.louder_db) >= SAME_LEVEL_DB:
        return Owner.OTHER if copy.louder_db > 0 else Owner.OWN
    return Owner.UNCLEAR
