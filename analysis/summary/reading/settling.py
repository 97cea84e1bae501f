"""What came of a call: which of its sentences settle something, which promise, what stays open."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from analysis.clauses.gaps import class_of, has_verb
from analysis.summary.reading.readings import SMALL_TALK, Reading, answer_to, both_speak, question_before
from analysis.summary.reading.wording import Act
from analysis.text import words
from pipeline.records import Role

_SETTLES = frozenset({Act.RESULT, Act.FINDING, Act.DECLINE, Act.OFFER})
_WEIGHTS: Mapping[Act, float] = {
    Act.RESULT: 3.0, Act.PROMISE: 2.6, Act.FINDING: 2.0, Act.DECLINE: 1.8, Act.INSTRUCTION: 1.2,
}  # fmt: skip
"""Of what an agent's sentence does, for the outcome; the greatest counts. Set by hand on the calls that
docs/summaries.md names, like the other figures here."""
_OUTCOMES = frozenset({*_WEIGHTS, Act.OFFER, Act.DECISION})
_STATEMENT = 1.0
_CLIENT_WEIGHTS: Mapping[Act, float] = {Act.DECISION: 1.8, Act.RESULT: 1.6}
_ACCEPTED_OFFER = 2.4
_REFUSAL = 2.6
_FIGURE_BONUS = 0.4
_LATE_BONUS = 1.2
_NEAR_BONUS = 1.0
_CONDITION_MALUS = 1.2
_LEAST_OUTCOME = 1.9
_LEAST_DONE = 1.7
_FEWEST_WORDS_OF_ANGER = 5
FEWEST_STEMS = 2
"""Words that carry meaning, of a sentence that is not the best of its part."""
_MORE_OF_OUTCOME = 2
_MOST_DONE = 3
_REPEATED = 1.5
_UNLIKE = 0.3
"""Cosine up to which two sentences of a call have nothing in common but the call."""
_WITHIN = 1.2
"""How far below the best sentence of the outcome another may be."""
_REACH_OF_CORRECTION = 4
SAME = 0.85
"""Cosine above which two sentences say the same."""


def settled(
    readings: Sequence[Reading], reason: Sequence[Reading], promised: Collection[Reading]
) -> dict[Reading, float]:
    """What may be the outcome or a part of it, with its score. A promise weighs as one, whatever its words."""
    first = reason[0].place if reason else -1
    telling = [reading for reading in readings if not reading.polite and reading.place > first]
    last = telling[-1].place if telling else 0
    scores = {}
    for reading in telling:
        if (
            reading.sentence.breaks_off
            or reading in reason
            or reading.identifies
            or Act.THREAT in reading.acts
            or Act.UNKNOWN in reading.acts
        ):
            continue
        weight = _weight(reading, readings)
        if weight is not None and reading in promised and reading.by(Role.AGENT):
            weight = max(weight, _WEIGHTS[Act.PROMISE])
        if weight is None or (Act.INSTRUCTION in reading.acts and not both_speak(readings)):
            continue
        late = (reading.place - first) / max(1, last - first)
        score = (
            weight + _FIGURE_BONUS * reading.figures + _LATE_BONUS * late + _NEAR_BONUS * max(0.0, reading.near(reason))
        )
        score -= _CONDITION_MALUS * (Act.CONDITION in reading.acts or only_if(reading, readings)) + max(
            0.0, reading.small_talk
        )
        if not superseded(reading, readings):
            scores[reading] = score
    return scores


def _weight(reading: Reading, readings: Sequence[Reading]) -> float | None:
    """By what the sentence does; None where it settles nothing."""
    client_only = reading.sentence.role is Role.CLIENT
    if reading.sentence.asks and Act.OFFER not in reading.acts:
        return None
    if client_only and _REPORTED.search(reading.text):
        return None
    if client_only or reading.sentence.role is Role.UNKNOWN:
        own = max((_CLIENT_WEIGHTS[act] for act in reading.acts & _CLIENT_WEIGHTS.keys()), default=0.0)
        if Act.DECISION in reading.acts and Act.DECLINE in reading.acts:
            own = _REFUSAL
        if {Act.DECISION, Act.REQUEST} <= reading.acts and _settled_later(reading, readings):
            own = 0.0  # the client insists, and gets what was asked for
        if client_only:
            return own or None
        return max([own, *(_WEIGHTS[act] for act in reading.acts & _WEIGHTS.keys())]) or None
    if Act.OFFER in reading.acts:
        own = max((_WEIGHTS[act] for act in reading.acts & _WEIGHTS.keys()), default=_STATEMENT)
        answer = answer_to(reading, readings)
        if any(says_yes(after.text) or Act.DECISION in after.acts for after in answer):
            own = max(own, _ACCEPTED_OFFER)
        elif reading.sentence.asks:
            return None
        return None if any(_NO.match(after.text) or Act.DECLINE in after.acts for after in answer) else own
    if takes_up(reading, readings):
        return max((_WEIGHTS[act] for act in reading.acts & _WEIGHTS.keys()), default=_ACCEPTED_OFFER)
    return max((_WEIGHTS[act] for act in reading.acts & _WEIGHTS.keys()), default=_STATEMENT)


def takes_up(reading: Reading, readings: Sequence[Reading]) -> bool:
    """Whether an agent says again the day, time or number that the client has just chosen: "Friday at four it is"."""
    before = [
        other
        for other in readings[: reading.place]
        if other.sentence.turn == reading.sentence.turn - 1 and other.by(Role.CLIENT) and not other.identifies
    ]
    chosen = {word for other in before for word in other.figures_said}
    return reading.names_moment and reading.figures_said <= chosen and Act.FINDING not in reading.acts


def _settled_later(wish: Reading, readings: Sequence[Reading]) -> bool:
    """Whether the agent settles something after a client's wish."""
    return any(
        after.sentence.role is Role.AGENT and after.acts & {Act.RESULT, Act.PROMISE} and not after.polite
        for after in readings[wish.place + 1 :]
    )


_YES = re.compile(
    r"^(?:(?:oh|okay|ok|well|um|uh|alright|all right)[, .]*)*(?:yes|yeah|yep|sure|fine|okay|ok|great|perfect|that's"
    r"|that is|that would|that works|please|lovely|good|alright|all right|i'll|i will|then i|wonderful|let's|go ahead"
    r"|sounds|brilliant|it'll have to|it will have to|that'll do|that will do|go on|i suppose|works for me"
    r"|might as well|if you could|if you would)\b"
    r"|\bsounds (?:fair|good|great|fine|okay|reasonable|right)\b|\bi(?:'d| would) like that\b",
    re.IGNORECASE,
)
_NO = re.compile(r"(?:(?:oh|well|um|uh)[, .]*)*(?:no|nope|not)\b(?! (?:problem|worries))", re.IGNORECASE)


_REPORTED = re.compile(r"\b(?:says?|said|told|thought|promised|claims?|claimed)\b", re.IGNORECASE)
"""A client tells what others said."""


def says_yes(text: str) -> bool:
    """Whether an answer agrees."""
    return _YES.search(text) is not None


def superseded(reading: Reading, readings: Sequence[Reading]) -> bool:
    """Whether it is corrected in the turns right after it."""
    after = readings[reading.place + 1 : reading.place + 1 + _REACH_OF_CORRECTION]
    return any(
        Act.CORRECTION in later.acts
        and later.sentence.turn <= reading.sentence.turn + 1
        and later.figures == reading.figures
        for later in after
    )


def outcome(settled: Mapping[Reading, float], reason: Sequence[Reading]) -> list[Reading]:
    """What came of it. Where nobody wants anything, only what does something."""
    if not reason:
        settled = {reading: score for reading, score in settled.items() if reading.acts & _OUTCOMES}
    full = {
        reading: score
        for reading, score in settled.items()
        if len(reading.stems) >= FEWEST_STEMS
        or Act.RESULT in reading.acts
        or (reading.stems and Act.PROMISE in reading.acts)
    }
    settled = full or settled
    if not settled:
        return []
    best = max(settled, key=lambda reading: (settled[reading], reading.place))
    if settled[best] < _LEAST_OUTCOME:
        return []
    least = max(_LEAST_OUTCOME, settled[best] - _WITHIN)
    ends = best.acts & {Act.RESULT, Act.PROMISE}
    rest = {
        reading: score
        for reading, score in full.items()
        if reading is not best and not (ends and _only_instructs(reading))
    }
    return sorted([best, *_most_telling(rest, least, [best], _MORE_OF_OUTCOME)], key=lambda reading: reading.place)


def _only_instructs(reading: Reading) -> bool:
    """It tells the client what to do, and settles nothing."""
    return Act.INSTRUCTION in reading.acts and not reading.acts & {*_SETTLES, Act.PROMISE}


def _most_telling(scores: Mapping[Reading, float], least: float, said: Sequence[Reading], most: int) -> list[Reading]:
    """Best first, those that repeat what is said or chosen being worth less (Carbonell & Goldstein 1998)."""
    chosen: list[Reading] = []
    rest = dict(scores)
    while rest and len(chosen) < most:
        worth = {
            reading: score - _REPEATED * max(0.0, reading.near([*said, *chosen]) - _UNLIKE)
            for reading, score in rest.items()
        }
        best = max(worth, key=lambda reading: (worth[reading], reading.place))
        if worth[best] < least:
            break
        chosen.append(best)
        del rest[best]
    return chosen


def done(
    settled: Mapping[Reading, float],
    outcome: Sequence[Reading],
    promised: Collection[Reading],
    readings: Sequence[Reading],
) -> list[Reading]:
    rest = {
        reading: score
        for reading, score in settled.items()
        if reading not in outcome
        and reading not in promised
        and (reading.by(Role.AGENT) or Act.RESULT in reading.acts)
        and (reading.acts & _SETTLES or _states(reading))
        and len(reading.stems) >= FEWEST_STEMS
        and not (_asks(reading) and any(after.identifies for after in answer_to(reading, readings)))
    }
    return sorted(_most_telling(rest, _LEAST_DONE, outcome, _MOST_DONE), key=lambda reading: reading.place)


def _asks(reading: Reading) -> bool:
    """A recogniser ends a question without a verb with a full stop, too: "The last four digits of your card." """
    return reading.sentence.asks or not has_verb(words(reading.text))


def _states(reading: Reading) -> bool:
    """It does nothing by its wording, and is about the matter, and no piece of a sentence: "for two hundred chairs"."""
    said = words(reading.text)
    piece = class_of(said[0]) == "preposition" and not has_verb(said)
    return not reading.acts and reading.small_talk < -SMALL_TALK and not piece


_IF = re.compile(r"(?:and |so |but |what |okay |well |oh )*(?:if|unless)\b", re.IGNORECASE)


def only_if(reading: Reading, readings: Sequence[Reading]) -> bool:
    """Whether it answers "and if not?"."""
    question = question_before(reading, readings)
    return question is not None and _IF.match(question.text) is not None


def open_points(readings: Sequence[Reading], reason: Sequence[Reading], outcome: Sequence[Reading]) -> list[Reading]:
    settled_at = outcome[-1].place if outcome else -1
    last_result = max(
        (
            reading.place
            for reading in readings
            if Act.RESULT in reading.acts and Act.UNKNOWN not in reading.acts and not reading.polite
        ),
        default=-1,
    )
    found = []
    for reading in readings:
        if reading in outcome or reading in reason or reading.polite:
            continue
        after = reading.place > (settled_at if reading.sentence.role is Role.CLIENT else last_result)
        unknown = Act.UNKNOWN in reading.acts and not reading.sentence.asks and after
        cross = Act.THREAT in reading.acts and reading.by(Role.CLIENT) and outcome and reading.place > settled_at
        cross = cross and len(words(reading.text)) >= _FEWEST_WORDS_OF_ANGER
        waits = Act.INSTRUCTION in reading.acts and not both_speak(readings)
        errand = (
            reading.by(Role.AGENT)
            and _only_instructs(reading)
            and reading.figures
            and bool(outcome)
            and Act.CONDITION not in reading.acts
        )
        unanswered = reading.by(Role.CLIENT) and reading.sentence.asks and reading.acts & {Act.REQUEST} and not outcome
        if unknown or cross or waits or unanswered or errand:
            found.append(reading)
    return found[-2:]
