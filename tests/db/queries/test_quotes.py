"""Quotes with the words that were looked for, and where in the call they are said. Without a database."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from db.queries.listing import pieces_of
from db.queries.searching import SearchHit, askable
from pipeline.records import Role, Word

FIELDS: dict[str, Any] = dict.fromkeys(field.name for field in dataclasses.fields(SearchHit))
HIT = SearchHit(**(FIELDS | {"role": Role.CLIENT, "start_s": 3.0, "end_s": 9.0, "text": "", "marked": ""}))


def hit(marked: str, **changes: Any) -> SearchHit:
    marked = marked.replace("<", "\ue000").replace(">", "\ue001")
    text = marked.replace("\ue000", "").replace("\ue001", "")
    words = tuple(
        Word(text=text, start_s=10.0 + n, end_s=11.0 + n, confidence=None) for n, text in enumerate(text.split())
    )
    return dataclasses.replace(HIT, **({"text": text, "marked": marked, "words": words} | changes))


@pytest.mark.parametrize(
    ("quote", "pieces"),
    [
        ("", []),
        ("none", [("none", False)]),
        ("a <b> c <d>", [("a ", False), ("b", True), (" c ", False), ("d", True)]),
        ("<a><b>", [("a", True), ("b", True)]),
        ("a <b", [("a ", False), ("b", True)]),
        ("a> b <c> d> e", [("a> b ", False), ("c", True), (" d> e", False)]),
    ],
)
def test_a_quote_is_cut_at_its_marks(quote: str, pieces: list[tuple[str, bool]]) -> None:
    found = pieces_of(quote.replace("<", "\ue000").replace(">", "\ue001"))
    assert [(text.replace("\ue001", ">"), matches) for text, matches in found] == pieces


@pytest.mark.parametrize(
    ("found", "at_s"),
    [
        (hit("<a> b c"), 10.0),
        (hit("a b <c>"), 12.0),
        (hit("a-<b> c"), 11.0),
        (hit("a b c"), 3.0),
        (hit("a <b>", words=None), 3.0),
        (hit("a <b>", words=HIT.words or ()), 3.0),
    ],
)
def test_where_the_first_word_that_matches_is_said(found: SearchHit, at_s: float) -> None:
    assert found.at_s == at_s


@pytest.mark.parametrize(
    ("marked", "quote"),
    [
        ("aa bb cc dd ee", "aa bb cc"),
        ("<aa> bb cc dd ee ff", "<aa> bb cc …"),
        ("aa bb cc dd ee <ff> gg", "… dd ee <ff> gg"),
        ("aa bb cc dd <ee> ff gg hh ii", "… cc dd <ee> ff gg …"),
        ("aa <bb> <cc dd ee ff>", "aa <bb> <cc> …"),
        ("aa bb <cc> dd", "aa bb <cc> dd"),
        ("aa bb cc <dd> ee f", "… bb cc <dd> ee f"),
    ],
)
def test_a_quote_is_cut_between_words_around_its_first_match(marked: str, quote: str) -> None:
    assert hit(marked).quote(around=4).replace("\ue000", "<").replace("\ue001", ">") == quote


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("  a \x00 b\ud800 ", "a b\\ud800"),
        ("w" * 401, "w" * 400),
        ("ab " * 333 + "c" + "d", "ab " * 333 + "c"),
        ("", ""),
    ],
)
def test_a_query_is_what_a_database_takes(query: str, asked: str) -> None:
    assert askable(query) == asked
