"""What a word looks like, as named numbers: what the encoder's vectors do not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analysis.redaction.around import OWN_WORDS, asks_something
from analysis.redaction.name_lists import everyday_words, is_given_name, is_known_name
from analysis.redaction.other_numbers import Others
from analysis.redaction.questions import Asked
from analysis.redaction.runs import Run
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn, Word
from analysis.text import stop_words

LANGUAGE = "en"
"""The one that was learned."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_MOST_SIZE, _MOST_LETTERS, _MOST_GROUPS, _LONG_GROUP = 12, 4, 6, 4
_FEW, _MANY = 4, 15
"""Words of a short and of a long turn."""


_TURNS_BACK = 3
_LATE_TURN = 6
_MOST_FIGURES = 6


@dataclass(frozen=True, slots=True)
class Described:
    """A word of a turn, the dictated stretch it is in, and its features."""

    word: Word
    run: Run | None
    features: frozenset[str]


def described(talk: Talk, others: Others, number: int) -> Iterator[Described]:
    """Each word of turn `number` of an English talk."""
    text, turn = talk.text, talk.turns[number]
    phrases, runs = talk.phrases(LANGUAGE)[number], talk.runs(LANGUAGE)[number]
    of_turn = {name: True for name, value in _of_turn(talk, number).items() if value}
    asked_before = _asked_before(talk, number)
    waiting = list(reversed(runs))
    run_features: dict[str, bool] = {}
    for index, word in enumerate(turn.words):
        while waiting and waiting[-1].last < index:
            waiting.pop()
        run = waiting[-1] if waiting and waiting[-1].first <= index else None
        if run is not None and run.first == index:
            run_features = _of_run(text, turn, run)
        here = [phrase for phrase in phrases if phrase.end <= word.start and phrase.asked is not Asked.MORE]
        features = of_turn | _of_word(turn, index) | _beside(text, word)
        features |= {f"asked here {here[-1].asked}": True} if here else asked_before
        features["in phrase"] = any(phrase.start <= word.start < phrase.end for phrase in phrases)
        features["of others"] = others.covering(word.start) is not None
        features |= run_features if run is not None else {}
        yield Described(word, run, frozenset(name for name, value in features.items() if value))


def _of_turn(talk: Talk, number: int) -> dict[str, bool]:
    turn = talk.turns[number]
    return {
        "has_capitals": turn.has_capitals,
        "short": len(turn.words) <= _FEW,
        "long": len(turn.words) > _MANY,
        "agent": turn.role == "agent",
        "client": turn.role == "client",
        "asks": asks_something(talk.text, turn),
        "same side": number > 0 and talk.turns[number - 1].role == turn.role,
        f"turn {min(number, _LATE_TURN)}": True,
    }


def _asked_before(talk: Talk, number: int) -> dict[str, bool]:
    """What the latest phrase of the turns before asks for, how far back, and by whom."""
    for back in range(1, min(number, _TURNS_BACK) + 1):
        asked = [phrase.asked for phrase in talk.phrases(LANGUAGE)[number - back] if phrase.asked is not Asked.MORE]
        if asked:
            own = talk.turns[number - back].role == talk.turns[number].role
            whose = "asked by own side" if own else "asked by other side"
            return {f"asked {asked[-1]}": True, f"asked back {back}": True, whose: True}
    return {}


def _beside(text: str, word: Word) -> dict[str, bool]:
    before, after = text[word.start - 1 : word.start], text[word.end : word.end + 1]
    return {
        f"mark before {before}": bool(before.strip()),
        f"mark after {after}": bool(after.strip()),
        f"figures {min(len(word.text), _MOST_FIGURES)}": word.is_number,
    }


def _of_word(turn: Turn, index: int) -> dict[str, bool]:
    word = turn.words[index]
    everyday = word.text in everyday_words()
    return {
        "capital": word.capital and turn.has_capitals and index > 0,
        "capital first": word.capital and index == 0,
        "capital content": word.capital and not everyday,
        "capitals": word.written.isupper() and len(word.text) > 1,
        "number": word.is_number,
        "letter": len(word.text) == 1 and word.text.isalpha(),
        "everyday": everyday,
        "no everyday word": not everyday and not word.is_number,
        "stop word": word.text in stop_words("en"),
        "said around": word.text in OWN_WORDS,
        "given name": is_given_name(word),
        "known name": not everyday and is_known_name(word),
        "first": index == 0,
    }


def _of_run(text: str, turn: Turn, run: Run) -> dict[str, bool]:
    words = ["start", "start", *(word.text for word in turn.words), "end", "end"]
    before_it, before = words[run.first : run.first + 2]
    after, after_it = words[run.last + 3 : run.last + 5]
    mark_before, mark_after = text[run.start - 1 : run.start], text[run.end : run.end + 1]
    return {
        "run": True,
        f"size {min(len(run.said), _MOST_SIZE)}": True,
        f"digits {min(len(run.digits), _MOST_SIZE)}": True,
        f"letters {min(run.letters, _MOST_LETTERS)}": True,
        f"days {min(run.days, 2)}": True,
        f"groups {min(len(run.groups), _MOST_GROUPS)}": True,
        "counted": run.counted,
        "amount": run.amount,
        "spelled": run.is_spelled,
        "mixed": run.letters > 0 and bool(run.digits),
        "alone": len(turn.words) <= run.last - run.first + 3,
        "long group": any(len(group) >= _LONG_GROUP for group in run.groups),
        "year": any(_YEAR.fullmatch(group) for group in run.groups),
        f"before {before}": True,
        f"after {after}": True,
        f"before it {before_it}": True,
        f"after it {after_it}": True,
        f"run mark before {mark_before}": bool(mark_before.strip()),
        f"run mark after {mark_after}": bool(mark_after.strip()),
    }
