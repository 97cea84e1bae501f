"""Dictated stretches that belong to something that was taken, though nothing in their own words says so.

Who dictates is interrupted, begins anew, is misheard and corrects. So beside what was taken belong to it:

- its beginning, said before it was said whole: `six... it's worn off... six two nine`;
- its parts, where the other side reads them back as one;
- what it replaces, and what replaces it: `double three, no, it's changed: oh nine four`, `2290, they're swapped`;
- what is nearly the same number, said right after it;
- marks and codes beside it: `N1H 4R7`, `six two dash`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.redaction.around import OWN_WORDS, is_repair
from analysis.redaction.other_numbers import Others
from analysis.redaction.runs import Run, is_nearly
from analysis.redaction.spans import PersonalSpan
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn

_RANK = 9
_NAMES = frozenset(("CARD", "CODE", "PHONE", "IBAN", "ID", "ACCOUNT", "BIRTH", "ADDRESS", "EMAIL", "NAME"))
_WINDOW = 8
"""Stretches that are looked back at."""
_TURNS_BACK = 3
_BETWEEN_WORDS = 8
"""Within one turn, from what is taken back to what is said in its place."""
_MOST_AROUND = 10
"""Words on one side of what stands alone in its sentence."""
_LEAST, _LEAST_NEAR = 2, 3
_SENTENCE_END = re.compile(r"[.?!…;]|[-–—] |[–—]")
_BESIDE = re.compile(
    r"[ \t]*,?[ \t]*(?:(?:dash|hyphen|underscore|slash|stroke)(?!\w)|(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z\d]{2,8}(?![\w'%]))"
)
_MOST_BESIDE = 4


@dataclass(slots=True)
class _Stretch:
    number: int
    """Of its turn."""
    turn: Turn
    run: Run
    name: str | None
    """Of what it was taken as."""
    bare: bool
    """Nothing else is said in its sentence."""

    @property
    def is_plain(self) -> bool:
        return not (self.run.counted or self.run.amount or self.run.days)


def find_belonging(talk: Talk, found: Sequence[PersonalSpan], others: Others) -> Iterator[PersonalSpan]:
    """`found`: without overlaps, in order. Linear in the length of the talk."""
    yield from _beside(talk.text, found)
    window: deque[_Stretch] = deque(maxlen=_WINDOW)
    for stretch in _stretches(talk, found, others):
        before = [other for other in window if stretch.number - other.number <= _TURNS_BACK]
        if stretch.name is None:
            stretch.name = _follows(talk, stretch, before)
            if stretch.name is not None:
                yield _span(stretch, stretch.name)
        if stretch.name is not None:
            for other in _leading_to(talk, stretch, before):
                other.name = stretch.name
                yield _span(other, stretch.name)
        window.append(stretch)


def _span(stretch: _Stretch, name: str) -> PersonalSpan:
    return PersonalSpan(stretch.run.start, stretch.run.end, name, _RANK)


def _stretches(talk: Talk, found: Sequence[PersonalSpan], others: Others) -> Iterator[_Stretch]:
    """All but those that were taken as something else, and those of orders and prices."""
    starts = [span.start for span in found]
    language = talk.main_language
    for number, (turn, runs) in enumerate(zip(talk.turns, talk.runs(language), strict=True)):
        for run in runs:
            index = bisect_right(starts, run.start) - 1
            span = found[index] if index >= 0 and found[index].end >= run.end else None
            name = span.name if span is not None and span.name in _NAMES else None
            if name is not None or (span is None and not others.covering(run.start)):
                yield _Stretch(number, turn, run, name, _is_bare(talk.text, turn, run))


def _is_bare(text: str, turn: Turn, run: Run) -> bool:
    """Its sentence holds nothing else but what is said around a dictated part."""
    before = range(run.first - 1, max(-1, run.first - _MOST_AROUND - 1), -1)
    after = range(run.last + 1, min(len(turn.words), run.last + _MOST_AROUND + 1))
    return all(_is_bare_side(text, turn, places, step) for places, step in ((before, -1), (after, 1)))


def _is_bare_side(text: str, turn: Turn, places: Sequence[int], step: int) -> bool:
    for index in places:
        left, right = sorted((index, index - step))
        if _SENTENCE_END.search(text, turn.words[left].end, turn.words[right].start):
            return True
        if turn.words[index].text not in OWN_WORDS:
            return False
    return len(places) < _MOST_AROUND


def _follows(talk: Talk, stretch: _Stretch, before: Sequence[_Stretch]) -> str | None:
    """The name of what was taken that this stretch continues, replaces, repeats in part or gets wrong, or None."""
    if before and before[-1].name is not None and _is_next_part(stretch, before[-1]):
        return before[-1].name
    if not stretch.is_plain or not before:
        return None
    latest, said = before[-1], stretch.run.said
    if latest.name is not None and (_corrects(stretch, latest) or _goes_on(talk, latest, stretch)):
        return latest.name
    for other in reversed(before):
        if other.name is None or not other.is_plain:
            continue
        if is_nearly(said, other.run.said) and (stretch.bare or stretch.number - other.number <= 1):
            return other.name
        heard = stretch.bare and stretch.turn.role != other.turn.role and stretch.number - other.number == 1
        if heard and (_is_part(said, other.run.said) or _is_part(other.run.said, said)):
            return other.name
    return None


def _is_next_part(stretch: _Stretch, latest: _Stretch) -> bool:
    """`2951, then a 7`."""
    between = [word.text for word in stretch.turn.words[latest.run.last + 1 : stretch.run.first][:_BETWEEN_WORDS]]
    if stretch.number != latest.number or "then" not in between or stretch.run.counted or stretch.run.days:
        return False
    return len(between) < _BETWEEN_WORDS and all(word in OWN_WORDS for word in between)


def _is_part(part: str, whole: str) -> bool:
    """Two digits alone are somewhere in any long number: at its beginning or end they are a part of it."""
    if len(part) < _LEAST:
        return False
    return part in whole if len(part) >= _LEAST_NEAR else whole.startswith(part) or whole.endswith(part)


def _corrects(stretch: _Stretch, latest: _Stretch) -> bool:
    """It stands right after what was taken, and something between says that it is meant instead."""
    apart = stretch.number - latest.number
    if apart > 1 or (len(stretch.run.said) < _LEAST and not stretch.bare):
        return False
    if apart == 0:
        between = stretch.turn.words[latest.run.last + 1 : stretch.run.first]
        return len(between) <= _BETWEEN_WORDS and any(is_repair(word) for word in between)
    if not stretch.bare or stretch.run.first > _BETWEEN_WORDS:
        return False
    return any(map(is_repair, stretch.turn.words[: stretch.run.last + _MOST_AROUND]))


def _goes_on(talk: Talk, earlier: _Stretch, later: _Stretch) -> bool:
    """One number, dictated digit by digit in turns of one side, with no more than `mm-hm` between."""
    if earlier.turn.role != later.turn.role or later.number - earlier.number not in (1, 2):
        return False
    spelled = all(
        part.bare
        and part.is_plain
        and len(part.run.said) >= _LEAST
        and (part.run.is_spelled or talk.text[part.run.start].isdigit())
        for part in (earlier, later)
    )
    between = talk.turns[earlier.number + 1 : later.number]
    return spelled and not any(word.text not in OWN_WORDS for turn in between for word in turn.words)


def _leading_to(talk: Talk, stretch: _Stretch, before: Sequence[_Stretch]) -> Iterator[_Stretch]:
    """What was said before and is known by this stretch: its beginning, its parts, what it replaces."""
    said = stretch.run.said
    open_ones = [other for other in before if other.name is None and other.is_plain]
    same_side = [other for other in open_ones if other.turn.role == stretch.turn.role]
    for other in same_side:
        if other.run.said and said.startswith(other.run.said) and (len(other.run.said) >= _LEAST or other.bare):
            yield other
    latest = before[-1] if before else None
    is_day = stretch.name == "BIRTH" and latest is not None and latest.run.days > 0
    if latest is not None and latest.name is None and (latest.is_plain or is_day):
        long = is_day or len(latest.run.said) >= _LEAST
        replaced = latest.number == stretch.number and long and _corrects(stretch, latest)
        if replaced or _goes_on(talk, latest, stretch):
            yield latest
    other_side = [
        other for other in before if other.turn.role != stretch.turn.role and stretch.number - other.number == 1
    ]
    parts = [other for other in other_side if not other.run.counted and other.run.said and other.run.said in said]
    if stretch.bare and len(parts) > 1 and sum(len(part.run.said) for part in parts) >= len(said):
        yield from (part for part in parts if part.name is None)


def _beside(text: str, found: Sequence[PersonalSpan]) -> Iterator[PersonalSpan]:
    """Marks that are said, and codes of letters and digits, with nothing between."""
    for span in found:
        if span.name not in _NAMES:
            continue
        end = span.end
        for _ in range(_MOST_BESIDE):
            match = _BESIDE.match(text, end)
            if match is None:
                break
            end = match.end()
        if end > span.end:
            yield PersonalSpan(span.end, end, span.name, _RANK)
