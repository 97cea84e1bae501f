"""What a question wants to hear: a reason, a promise, a moment, an amount. Told by its wording."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from analysis.questions.asked import Asked
from pipeline.config.yaml_reader import read_yaml_file

_COMPANY = frozenset({"agent", "agents", "company", "us", "we", "staff"})
_LEAVES = frozenset({"leave", "leaving", "cancel", "quit", "go", "switch"})
"""What clients threaten to do, however they say it."""
_FILE = Path(__file__).parent / "wanted.yaml"


class Wanted(StrEnum):
    """A question may want several things; many want none of these."""

    REASON = "reason"
    """What moved a client to call: a problem, a wish."""
    TROUBLE = "trouble"
    """What a client complains about: a reason, and no mere wish."""
    THREAT = "threat"
    """What a client will do if it goes on like this."""
    PROMISE = "promise"
    OFFER = "offer"
    RESULT = "result"
    MOMENT = "moment"
    AMOUNT = "amount"
    PERSON = "person"
    """A client who says so."""


def wanted_by(asked: Asked) -> frozenset[Wanted]:
    """What the question wants, by all the patterns that match."""
    return wanted_in(asked.text, asked.language)


def wanted_in(question: str, language: str) -> frozenset[Wanted]:
    """The same of a question that somebody asks in a call; `language` is an ISO 639-1 code."""
    folded = question.casefold().replace("’", "'")
    patterns = _patterns().get(language, {})
    return frozenset(kind for kind, pattern in patterns.items() if pattern.search(folded))


def asks_for_all(asked: Asked) -> bool:
    """Whether it names a kind and no matter ("what did agents promise?"): whatever is of the kind answers it."""
    wanted = wanted_by(asked) - {Wanted.PERSON}
    of_kind = _COMPANY | _LEAVES if Wanted.THREAT in wanted else _COMPANY
    about = [
        word for word in asked.content if word not in of_kind and not wanted_in(word, asked.language) - {Wanted.PERSON}
    ]
    return bool(wanted) and (asked.only_asks or not about)


@functools.cache
def _patterns() -> Mapping[str, Mapping[Wanted, re.Pattern[str]]]:
    content = read_yaml_file(_FILE).value
    return {
        language: {Wanted(kind): re.compile(pattern) for kind, pattern in kinds.items()}
        for language, kinds in content.items()
    }
