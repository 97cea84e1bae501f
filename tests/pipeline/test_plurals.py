"""`1 hits` was shown."""

from __future__ import annotations

import pytest

from pipeline.plurals import counted


@pytest.mark.parametrize(
    ("number", "noun", "plural", "shown"),
    [
        (0, "hit", None, "0 hits"),
        (1, "hit", None, "1 hit"),
        (2, "hit", None, "2 hits"),
        (74_000, "file", None, "74,000 files"),
        (1, "process", "processes", "1 process"),
        (3, "process", "processes", "3 processes"),
    ],
)
def test_a_noun_goes_with_its_number(number: int, noun: str, plural: str | None, shown: str) -> None:
    assert counted(number, noun, plural) == shown
