"""Action items a call's own words hold: promises, verbatim, with who and by when."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.records import ActionItem
from analysis.summary.reading.moments import by_when
from analysis.summary.reading.promising import POINTS_BACK, promising_clauses
from analysis.summary.reading.readings import Reading, read
from analysis.summary.reading.sentences import sentences_of
from analysis.summary.reading.wording import LANGUAGES, Act
from pipeline.records import Role, TranscriptChunk


def promises_in(chunks: Sequence[TranscriptChunk], language: str | None, limit: int) -> tuple[ActionItem, ...]:
    """The promises of a call; none in a language whose wording is not known. A language of None counts as English."""
    if language is not None and language.partition("-")[0].lower() not in LANGUAGES:
        return ()
    return promises(read(sentences_of(chunks), None), limit)


def promises(readings: Sequence[Reading], limit: int) -> tuple[ActionItem, ...]:
    """What is promised in the call, as it was said, in order of time; who, and by when if said."""
    found: dict[str, ActionItem] = {}
    for reading in readings:
        clauses = promising_clauses(reading, readings)
        before = _told_of(reading, readings) if clauses else None
        if before is not None:
            found.pop(before.text.casefold(), None)
            clauses[0] = f"{before.text} {clauses[0]}"
        for clause in clauses:
            who = reading.sentence.role.value if reading.sentence.role is not Role.UNKNOWN else None
            found.setdefault(clause.casefold(), ActionItem(what=clause, who=who, by_when=by_when(clause)))
    return tuple(found.values())[:limit]


def _told_of(reading: Reading, readings: Sequence[Reading]) -> Reading | None:
    """The sentence that names what a promise points back to: "I've sent another one, it'll be with you on Friday"."""
    before = readings[reading.place - 1] if reading.place else None
    if before is None or before.sentence.turn != reading.sentence.turn or not POINTS_BACK.match(reading.text):
        return None
    return before if before.acts & {Act.PROMISE, Act.RESULT} and not before.sentence.asks else None
