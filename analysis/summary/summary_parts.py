"""What the sentences of a call say to its summary: reason, details, what was done, outcome, promises, open points.

Each part is made of sentences of the call, chosen by who says them and when, by what they do (`wording`), by figures,
and by the sentence encoder: how much of small talk is in them and how near they are to the reason (`substance`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from analysis.records import SummaryPart
from analysis.summary.dictation import asks_for_matter, dictated
from analysis.summary.reading.readings import POLITE, Reading, is_conversation, question_before
from analysis.summary.reading.sentences import asks
from analysis.summary.reading.settling import (
    FEWEST_STEMS,
    SAME,
    done,
    open_points,
    outcome,
    settled,
)
from analysis.summary.reading.wording import Act, acts_of
from analysis.text import words
from pipeline.records import Role

_WANTS = frozenset({Act.PURPOSE, Act.REQUEST, Act.PROBLEM})
_MORE_OF_REASON = 2
_LATER_TURN = 0.7
"""What a client says first is likelier the reason than what he adds when answered."""
_FEWEST_WORDS_OF_FURTHER = 5
_INTRODUCES = 1.5
_BARE = 1.2
"""What a sentence loses that only says who calls, or that is a word or two and does nothing."""
# Answers to these are personal data or nothing to a summary.
_PERSONAL = re.compile(
    r"\b(?:your (?:\w+ )?names?|names?,? please|the name on|spell|birth|born|address|post ?code|zip|phone|mobile"
    r"|(?:what|which)(?:'s| is)? (?:the |his |her |their )?(?:first |last |full |sur)?name(?! of)|maiden|passcode|reg"
    r"|registration|(?:number|licence|license) plate"
    r"|numbers?|e-?mail|password|pin|code|digits|security|identity|repeat|say that|reference|who am i|calling from"
    r"|are you|have you|hold|wait|hear me|there)\b",
    re.IGNORECASE,
)
_RHETORICAL = re.compile(r"\b(?:i hope|isn't it|aren't (?:you|they)|doesn't it|eh|huh)\W*$", re.IGNORECASE)
_SPELLS = re.compile(r"(?:\b\w[ ,-]+){3}")
_ASKS_WHY = re.compile(r"\b(?:why|what(?: is|'s) the reason)\b", re.IGNORECASE)
_ANSWERED_BRIEFLY = re.compile(r"(?:yes|no|yeah|nope|yep)\b", re.IGNORECASE)
_BRIEF_ANSWER = 5
"""Words."""
_LONGEST_ANSWER = 14
_FEWEST_TO_CONFIRM = 3
"""Words that a question says anew, for which a bare "yes" is worth telling."""
_MOST_DETAILS = 4


@dataclass(frozen=True, slots=True)
class SummaryParts:
    """The sentences of each part, in order of time."""

    of: Mapping[SummaryPart, tuple[Reading, ...]]
    missing: Mapping[SummaryPart, str] = field(default_factory=dict)
    """Why a part that a summary should have is empty."""


def summary_parts_of(readings: Sequence[Reading], promised: Collection[Reading]) -> SummaryParts:
    """`promised`: the sentences that promise, in order of time."""
    if not is_conversation(readings):
        return SummaryParts({}, dict.fromkeys((SummaryPart.REASON, SummaryPart.OUTCOME), "nobody is spoken to"))
    reason = _reason(readings)
    settling = settled(readings, reason, promised)
    ended = outcome(settling, reason)
    acted = done(settling, ended, promised, readings)
    opened = open_points(readings, reason, ended)
    details = _details(readings, [*reason, *ended, *acted])
    missing = {}
    if not reason:
        missing[SummaryPart.REASON] = "nobody says what the call is about"
    if not ended:
        missing[SummaryPart.OUTCOME] = "nobody says what came of it"
    parts = {
        SummaryPart.REASON: reason,
        SummaryPart.DETAIL: details,
        SummaryPart.DONE: acted,
        SummaryPart.OUTCOME: ended,
        SummaryPart.PROMISE: promised,
        SummaryPart.OPEN: [reading for reading in opened if reading not in promised],
    }
    return SummaryParts({part: tuple(chosen) for part, chosen in parts.items()}, missing)


# ------------------------------------------------------------------------------------------ reason


def _reason(readings: Sequence[Reading]) -> list[Reading]:
    scores = reason_scores(readings)
    if not scores:
        return []
    best = max(scores, key=lambda reading: (scores[reading], -reading.place))
    chosen = [best]
    beside = [
        reading
        for reading in readings
        if reading is not best
        and reading.sentence.turn == best.sentence.turn
        and abs(reading.place - best.place) <= _MORE_OF_REASON
        and not (reading.polite or reading.identifies or reading.acts & {Act.INSTRUCTION, Act.CORRECTION})
        and not (reading.sentence.asks and not reading.acts & _WANTS)
        and (
            reading.acts & _WANTS
            or reading.figures
            or (len(reading.stems) >= FEWEST_STEMS and reading.place > best.place)
        )
        and reading.near([best]) < SAME
    ]
    beside.sort(key=lambda reading: (not reading.acts & _WANTS, abs(reading.place - best.place)))
    chosen += beside[:_MORE_OF_REASON]
    last = max(reading.place for reading in chosen)
    further = [
        reading
        for index, reading in enumerate(readings[last + 1 :], start=last + 1)
        if reading.by(Role.CLIENT)
        and reading.sentence.role is best.sentence.role
        and (Act.FURTHER in reading.acts or _announced(reading, readings[index - 1]))
        and not reading.polite
        and len(words(reading.text)) >= _FEWEST_WORDS_OF_FURTHER
        and reading.near(chosen) < SAME
    ]
    return sorted([*chosen, *further[:1]], key=lambda reading: reading.place)


def _announced(reading: Reading, before: Reading) -> bool:
    """Whether it follows "there's another thing"."""
    brief = len(words(before.text)) < _FEWEST_WORDS_OF_FURTHER
    return Act.FURTHER in before.acts and brief and before.sentence.turn == reading.sentence.turn


def reason_scores(readings: Sequence[Reading]) -> dict[Reading, float]:
    scores: dict[Reading, float] = {}
    so_far: dict[Role, int] = {}
    first_turn: dict[Role, int] = {}
    for reading in readings:
        if reading.polite or reading.identifies or Act.CORRECTION in reading.acts:
            continue
        role = reading.sentence.role
        nth = so_far.get(role, 0)
        so_far[role] = nth + 1
        later_turn = reading.sentence.turn > first_turn.setdefault(role, reading.sentence.turn)
        if role is Role.AGENT and (Act.PURPOSE not in reading.acts or reading.sentence.asks):
            continue
        answers = question_before(reading, readings)
        if answers is not None and not (nth == 0 and reading.acts & _WANTS):
            continue
        score = 3.0 * math.exp(-nth / 2.0)
        score += (
            2.0 * (Act.PURPOSE in reading.acts)
            + 1.5 * (Act.REQUEST in reading.acts)
            + 1.2 * (Act.PROBLEM in reading.acts)
        )
        score -= 1.0 * (Act.THREAT in reading.acts and Act.PROBLEM not in reading.acts) + 0.5 * max(
            0.0, reading.small_talk
        )
        score -= 0.8 * (len(words(reading.text)) < 4) + _INTRODUCES * _introduces(reading)
        score -= _BARE * (len(words(reading.text)) < 3 and not reading.acts) + 0.5 * (
            reading.sentence.asks and Act.REQUEST not in reading.acts
        )
        score -= _LATER_TURN * later_turn
        score -= 2.0 * (role is Role.AGENT and Act.RESULT in reading.acts and not reading.acts & _WANTS)
        scores[reading] = score
    return scores


_INTRODUCTION = re.compile(
    r"(?:(?:good )?(?:morning|afternoon|evening)|mate|hi|hello|hey)?[,. ]*(?:it's|it is|this is|i'm|i am)"
    r" (?!(?:about|an?|the|my|our|your|just|not|been|still|for|to|regarding|because|in|on|with|at|only|so|very|too"
    r"|really|also|actually|here|there|that|\w+ing|\w+ed)\b)\w",
    re.IGNORECASE,
)


def _introduces(reading: Reading) -> bool:
    """Somebody says who he is, and nothing that is wanted: "it's Joanne, Alfie's mum"."""
    return not reading.acts & _WANTS and _INTRODUCTION.match(reading.text) is not None


def _why(answer: Reading, readings: Sequence[Reading]) -> Reading:
    """What tells the reason in the turn of an answer that begins with something else."""
    turn = [reading for reading in readings[answer.place :] if reading.sentence.turn == answer.sentence.turn]
    because = (
        reading
        for reading in turn
        if Act.PROBLEM in reading.acts and Act.DECISION not in reading.acts and not reading.polite
    )
    return next(because, answer)


def _details(readings: Sequence[Reading], said: Sequence[Reading]) -> list[Reading]:
    """Questions of the agent with the client's answers, as far as the answers are not in `said`."""
    known = {word for reading in said for word in reading.told_words}
    found: list[Reading] = []
    asked: set[int] = set()
    for first in readings:
        question = question_before(first, readings)
        if question is None or first in said or question.place in asked or not first.by(Role.CLIENT):
            continue
        asked.add(question.place)
        reading = _why(first, readings) if _ASKS_WHY.search(question.text) else first
        if question.sentence.role is Role.CLIENT or question.acts & POLITE:
            continue
        if asks_for_matter(question.text):
            answer = dictated(question, readings, said)
            if answer is not None and answer.told_words - known:
                found += [_without_greeting(question), answer]
                known |= answer.told_words
            continue
        if any(asked.search(question.text) for asked in (_PERSONAL, _SPELLS, _RHETORICAL)):
            continue
        if (
            reading.acts & {Act.CORRECTION, Act.THREAT}
            or reading.sentence.asks
            or len(words(reading.text)) > _LONGEST_ANSWER
        ):
            continue
        told = set() if " or " in question.text else question.told_words  # of a choice the answer repeats a part
        fresh = reading.told_words - known - told
        if _ANSWERED_BRIEFLY.match(reading.text) and len(words(reading.text)) <= _BRIEF_ANSWER:
            fresh = question.told_words - known  # the question says it, the answer confirms it
            fresh = fresh if len(fresh) >= _FEWEST_TO_CONFIRM else set()
        if fresh and not (reading.polite and reading.acts):
            found += [_without_greeting(question), reading]
            known |= fresh
    return found[: 2 * _MOST_DETAILS]


def _without_greeting(question: Reading) -> Reading:
    """ "Swift Parcels, Karim speaking, can I have your order number?" without the company and the name."""
    text = question.text
    for comma in reversed([index for index, letter in enumerate(text) if letter == ","]):
        before, after = text[:comma], text[comma + 1 :].strip()
        greeted = Act.GREETING in acts_of(before) or Act.GREETING in acts_of(before.rpartition(",")[2].strip())
        if greeted and asks(after):
            return replace(question, sentence=replace(question.sentence, text=after))
    return question
