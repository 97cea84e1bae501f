"""What a word looks like, as named numbers: what the encoder's vectors do not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from analysis.redaction.around import OWN_WORDS, asks_something
from analysis.redaction.name_lists import everyday_words, is_given_name, is_known_name
from analysis.redaction.runs import Run
from analysis.redaction.turns import Turn, Word
from analysis.text import stop_words

_YEAR = re.compile(r"(?:19|20)\d\d")
_MOST_SIZE, _MOST_LETTERS, _MOST_GROUPS, _LONG_GROUP = 12, 4, 6, 4
_FEW, _MANY = 4, 15
"""Words of a short and of a long turn."""


@dataclass(frozen=True, slots=True)
class Described:
    """A word of a turn, the dictated stretch it is in, and its features."""

    word: Word
    run: Run | None
    features: Mapping[str, float]


def described(text: str, turn: Turn, runs: Sequence[Run]) -> Iterator[Described]:
    """Each word of the turn."""
    of_turn = {
        "has_capitals": turn.has_capitals,
        "short": len(turn.words) <= _FEW,
        "long": len(turn.words) > _MANY,
        "agent": turn.role == "agent",
        "asks": asks_something(text, turn),
    }
    of_turn = {name: value for name, value in of_turn.items() if value}
    waiting = list(reversed(runs))
    run_features: dict[str, bool] = {}
    for index, word in enumerate(turn.words):
        while waiting and waiting[-1].last < index:
            waiting.pop()
        run = waiting[-1] if waiting and waiting[-1].first <= index else None
        if run is not None and run.first == index:
            run_features = _of_run(turn, run)
        features = of_turn | _of_word(turn, index) | (run_features if run is not None else {})
        yield Described(word, run, {name: 1.0 for name, value in features.items() if value})


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


def _of_run(turn: Turn, run: Run) -> dict[str, bool]:
    after = turn.words[run.last + 1].text if run.last + 1 < len(turn.words) else "end"
    before = turn.words[run.first - 1].text if run.first else "start"
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
    }
