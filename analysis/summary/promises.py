"""Action items a call's own words hold: promises, verbatim, with who and by when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.records import ActionItem
from analysis.summary.learned.features import features_of
from analysis.summary.learned.promise_weights import PromiseWeights, shipped_for
from analysis.summary.reading.moments import by_when
from analysis.summary.reading.promising import POINTS_BACK, promising_clauses
from analysis.summary.reading.readings import Reading, read
from analysis.summary.reading.sentences import sentences_of
from analysis.summary.reading.settling import only_if, superseded
from analysis.summary.reading.substance import Substance
from analysis.summary.reading.wording import LANGUAGES, Act
from pipeline.records import Role, TranscriptChunk

LEARNED_FROM = 0.65
"""Probability from which a sentence promises that no rule sees. In calls left out of the fit it tells 16 more
rightly and three wrongly; in fourteen dialogues full of plans, in which nobody promises, three."""
RULES_FROM = 0.1
"""Probability from which what the rules see as one does."""


def promises_in(
    chunks: Sequence[TranscriptChunk], language: str | None, limit: int, substance: Substance | None = None
) -> tuple[ActionItem, ...]:
    """The promises of a call; none in a language whose wording is not known. A language of None counts as English.

    `substance`: of an encoder that knows English; without it the rules alone decide.
    """
    if language is not None and language.partition("-")[0].lower() not in LANGUAGES:
        return ()
    weights = shipped_for(substance.space) if substance is not None else None
    readings = read(sentences_of(chunks), substance if weights is not None else None)
    return promises(readings, promised(readings, weights), limit)


def promised(readings: Sequence[Reading], weights: PromiseWeights | None) -> dict[Reading, list[str]]:
    """The sentences that promise, each with the clauses that do: by the rules, and by what was learned where `weights`
    are for the vectors of the readings."""
    found = {reading: _clauses(reading, readings, weights) for reading in readings}
    return {reading: clauses for reading, clauses in found.items() if clauses}


def _clauses(reading: Reading, readings: Sequence[Reading], weights: PromiseWeights | None) -> list[str]:
    by_rule = promising_clauses(reading, readings)
    if weights is None:
        return by_rule
    likely = weights.probability(features_of(reading, readings, by_rule=bool(by_rule)), reading.vector)
    if by_rule:
        return by_rule if likely >= RULES_FROM else []
    return [reading.text] if likely >= LEARNED_FROM and not _never_promises(reading, readings) else []


def _never_promises(reading: Reading, readings: Sequence[Reading]) -> bool:
    """Questions, threats, what the other is told to do, what is corrected, and what answers "and if not?"."""
    acts = reading.acts & {Act.THREAT, Act.INSTRUCTION}
    return bool(acts) or reading.sentence.asks or superseded(reading, readings) or only_if(reading, readings)


def promises(
    readings: Sequence[Reading], clauses_of: Mapping[Reading, list[str]], limit: int
) -> tuple[ActionItem, ...]:
    """What is promised in the call, as it was said, in order of time; who, and by when if said."""
    found: dict[str, ActionItem] = {}
    for reading, clauses in clauses_of.items():
        before = _told_of(reading, readings)
        whole = [f"{before.text} {clauses[0]}", *clauses[1:]] if before is not None else clauses
        if before is not None:
            found.pop(before.text.casefold(), None)
        for clause in whole:
            who = reading.sentence.role.value if reading.sentence.role is not Role.UNKNOWN else None
            found.setdefault(clause.casefold(), ActionItem(what=clause, who=who, by_when=by_when(clause)))
    return tuple(found.values())[:limit]


def _told_of(reading: Reading, readings: Sequence[Reading]) -> Reading | None:
    """The sentence that names what a promise points back to: "I've sent another one, it'll be with you on Friday"."""
    before = readings[reading.place - 1] if reading.place else None
    if before is None or before.sentence.turn != reading.sentence.turn or not POINTS_BACK.match(reading.text):
        return None
    return before if before.acts & {Act.PROMISE, Act.RESULT} and not before.sentence.asks else None
