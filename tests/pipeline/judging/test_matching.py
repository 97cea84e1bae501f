"""A recording has the truth with its name, a call in two files that of the call or of either file."""

from __future__ import annotations

import pytest

from pipeline.judging.matching import name_in

PAIR = ("call-7-in.wav", "call-7-out.wav")


@pytest.mark.parametrize(
    ("known", "files", "key", "name"),
    [
        ({"a", "b"}, ("a.wav",), None, "a"),
        ({"a.1"}, ("a.1.wav",), None, "a.1"),
        ({"b"}, ("a.wav",), None, None),
        ({"call-7"}, PAIR, "call-7", "call-7"),
        ({"call-7-in"}, PAIR, "call-7", "call-7-in"),
        ({"call-7-out"}, PAIR, "call-7", "call-7-out"),
        ({"call-7", "call-7-in", "call-7-out"}, PAIR, "call-7", "call-7"),
        ({"call-8"}, PAIR, "call-7", None),
    ],
)
def test_the_name_of_a_call(known: set[str], files: tuple[str, ...], key: str | None, name: str | None) -> None:
    assert name_in(known, files, key) == name
