"""What a question wants to hear: a reason, a promise, a moment, an amount. Told by its wording."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from analysis.questions.asked import Asked
from pipeline.config.yaml_reader import read_yaml_file

_FILE = Path(__file__).parent / "wanted.yaml"


class Wanted(StrEnum):
    """A question may want several things; many want none of these."""

    REASON = "reason"
    """What moved a client to call: a problem, a wish."""
    PROMISE = "promise"
    OFFER = "offer"
    RESULT = "result"
    MOMENT = "moment"
    AMOUNT = "amount"
    PERSON = "person"
    """A client who says so."""


def wanted_by(asked: Asked) -> frozenset[Wanted]:
    """What the question wants, by all the patterns that match."""
    folded = asked.text.casefold().replace("’", "'")
    patterns = _patterns().get(asked.language, {})
    return frozenset(kind for kind, pattern in patterns.items() if pattern.search(folded))


@functools.cache
def _patterns() -> Mapping[str, Mapping[Wanted, re.Pattern[str]]]:
    content = read_yaml_file(_FILE, as_text=True).value
    return {
        language: {Wanted(kind): re.compile(pattern) for kind, pattern in kinds.items()}
        for language, kinds in content.items()
    }
