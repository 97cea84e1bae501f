"""Values as PostgreSQL takes them: nothing it refuses, and the rest as it was."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import Any

import pytest

from db.connection import Database
from db.ledger.values import clean, json_parameter


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("a\x00b", "ab"),
        ("naïve", "naïve"),
        ("lone \ud83d half", "lone \\ud83d half"),
        ({"a\x00": ["b\x00", ("c", 1, None)]}, {"a": ["b", ["c", 1, None]]}),
        (1.5, 1.5),
        (b"\x00", b"\x00"),
    ],
)
def test_text_is_cleaned_at_any_depth(value: Any, stored: Any) -> None:
    assert clean(value) == stored


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ({"a": [1, 2.5, None, True]}, {"a": [1, 2.5, None, True]}),
        (math.nan, None),
        ({"a": math.inf, "b": (1.0, -math.inf, "x")}, {"a": None, "b": [1.0, None, "x"]}),
        ({"a\x00": "b\x00c"}, {"a": "bc"}),
        ("😀 and \ud83d", "😀 and \\ud83d"),
        ({"day": date(2026, 11, 20), "rate": math.nan}, {"day": "2026-11-20", "rate": None}),
        ("literally \\u0000", "literally \\u0000"),
    ],
)
def test_json_is_stored_without_what_it_has_no_word_for(database: Database, value: Any, stored: Any) -> None:
    with database.connection() as connection:
        (found,) = connection.execute("SELECT %s::jsonb::text", [json_parameter(value)]).fetchone() or (None,)
    assert json.loads(found or "") == stored
