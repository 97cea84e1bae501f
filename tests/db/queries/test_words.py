"""What counts as words is decided by the views without text."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from db.connection import Database
from db.queries.dashboard import Failure
from db.queries.listing import ListedCall
from db.queries.live import ShownLiveCall
from db.queries.reading import ShownAnswer, ShownCall, ShownChunk, ShownRule, ShownStep
from db.queries.words import BLANK, without_words
from tests.pages.samples import listed_call, shown_call

VIEWS: dict[type, tuple[str, frozenset[str]]] = {
    ShownCall: ("calls_without_text", frozenset({"moods"})),
    ListedCall: (
        "calls_without_text",
        frozenset({"mood", "attention", "rules", "scorecards", "first_key", "second_key"}),
    ),
    ShownChunk: ("chunks_without_text", frozenset()),
    ShownRule: ("attention_without_text", frozenset()),
    ShownAnswer: (
        "attention_without_text",
        frozenset({"scorecard", "score", "passed", "item", "question", "answer"}),
    ),
    ShownStep: ("steps_without_text", frozenset()),
    Failure: ("calls_without_text", frozenset({"calls", "transient"})),
    ShownLiveCall: ("calls_without_text", frozenset({"session", "roles", "ended_at", "end_reason", "moods", "job"})),
}
"""Record to the view that says which of its fields hold no words, and to fields made of such columns alone."""


@pytest.mark.parametrize("record", VIEWS, ids=lambda record: record.__name__)
def test_fields_that_the_view_without_text_lacks_are_blanked(database: Database, record: type) -> None:
    view, made_of_them = VIEWS[record]
    with database.connection() as connection:
        columns = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", [view]
        ).fetchall()
    safe = {name for (name,) in columns} | made_of_them
    assert set(BLANK[record]) == {one.name for one in fields(record)} - safe


def test_every_record_is_one_of_them() -> None:
    assert set(BLANK) == set(VIEWS)


def test_blanked_records_keep_the_rest() -> None:
    call = shown_call(topic="Billing", summary="client: Hello.", metadata={"note": "x"}, customer="+4930")
    bare = without_words(call)
    assert (bare.topic, bare.summary, bare.metadata, bare.customer) == ("Billing", None, {}, None)
    listed = without_words(listed_call(summary="Hello.", said_quote="hello"))
    assert (listed.summary, listed.said_quote) == (None, None)


@dataclass(frozen=True)
class Unknown:
    text: str = "words"


def test_a_record_nobody_has_spoken_for_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Unknown: say in db/queries/words\.py"):
        without_words(Unknown())
