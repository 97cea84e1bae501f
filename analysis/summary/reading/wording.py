"""What a sentence of a call does, told by its wording: asks, promises, settles, refuses (English).

Speech acts in the sense of Searle 1969, as few as a summary of a call needs. A sentence encoder tells what a sentence
is about and hardly what it does (measured: docs/summaries.md), so acts are told by wording and the encoder is asked for
the rest (`substance.py`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from pipeline.config.yaml_reader import read_yaml_file

LANGUAGES = frozenset({"en"})
"""Languages whose wording is known."""
_LONGEST = 600
"""Characters of a sentence that are read."""
_FILE = Path(__file__).parent / "wording.yaml"


class Act(StrEnum):
    """One sentence may do several things; much of a call does none of them."""

    PURPOSE = "purpose"
    """Why somebody calls, said in so many words: "I'm calling about"."""
    REQUEST = "request"
    PROBLEM = "problem"
    FURTHER = "further"
    """Something else is wanted as well."""
    RESULT = "result"
    FINDING = "finding"
    """What a look into it has shown."""
    PROMISE = "promise"
    NO_DEED = "no_deed"
    """What sounds like a promise and is none: done while both are on the line, foretold, hoped for, or a habit."""
    OFFER = "offer"
    DECLINE = "decline"
    UNKNOWN = "unknown"
    """Somebody does not know or cannot say."""
    DECISION = "decision"
    INSTRUCTION = "instruction"
    THREAT = "threat"
    CORRECTION = "correction"
    CONDITION = "condition"
    """What it says holds only if something else does."""
    GREETING = "greeting"
    CLOSING = "closing"
    FILLER = "filler"


def acts_of(text: str) -> frozenset[Act]:
    """What the sentence does, by all the patterns that match."""
    folded = " ".join(text[:_LONGEST].casefold().replace("’", "'").split())
    return frozenset(act for act, pattern in _patterns().items() if pattern.search(folded))


@functools.cache
def _patterns() -> Mapping[Act, re.Pattern[str]]:
    content = read_yaml_file(_FILE).value
    fragments = content["fragments"]
    return {act: re.compile("|".join(_filled(pattern, fragments) for pattern in content[act.value])) for act in Act}


def _filled(pattern: str, fragments: Mapping[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda name: fragments[name[1]], pattern)
