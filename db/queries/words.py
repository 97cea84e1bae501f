"""Records without words: for those who may see figures of calls, and not what was said.

What counts as words is decided once, by the views `…_without_text` that the role `earshot_reader_no_text` reads; a test
compares the fields left here with their columns.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from db.queries.dashboard import Failure
from db.queries.listing import ListedCall
from db.queries.live import ShownLiveCall
from db.queries.reading import ShownAnswer, ShownCall, ShownChunk, ShownRule, ShownStep

Record = TypeVar("Record")

BLANK: Mapping[type, Mapping[str, object]] = {
    ShownCall: {
        "metadata": {}, "error_message": None, "topic_evidence": None, "summary": None, "summary_details": None,
        "summary_evidence": None, "action_items": None, "customer": None, "caller": None, "missing_reasons": {},
    },
    ListedCall: {
        "error_message": None, "summary": None, "missing_reasons": {}, "customer": None, "said_role": None,
        "said_at_s": None, "said_quote": None,
    },
    ShownChunk: {"text": "", "words": None, "speech": None},
    ShownRule: {"reason": "", "quote": None},
    ShownAnswer: {"reason": "", "quote": None},
    ShownStep: {"reason": None},
    Failure: {"example": None},
    ShownLiveCall: {"summary": None, "missing_reasons": {}},
}  # fmt: skip
"""Type to its fields with words, and what stands there instead."""


def without_words(record: Record) -> Record:
    """The record without what was said. Raises TypeError for a record of which nobody has said what its words are."""
    blank = BLANK.get(type(record))
    if blank is None:
        raise TypeError(f"{type(record).__name__}: say in db/queries/words.py which of its fields hold words")
    changed: Any = dataclasses.replace(record, **blank)  # type: ignore[type-var]
    return changed  # type: ignore[no-any-return]
