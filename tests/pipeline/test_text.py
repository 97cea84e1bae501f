"""Moments, numbers and odd characters as people read them."""

from __future__ import annotations

import pytest

from pipeline.moments import clock
from pipeline.visible_text import one_line, visible


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3.0, "0:00"),
        (0.0, "0:00"),
        (5.99, "0:05"),
        (59.999, "0:59"),
        (60.0, "1:00"),
        (760.0, "12:40"),
        (3599.0, "59:59"),
        (3600.0, "1:00:00"),
        (3723.0, "1:02:03"),
        (36_000.0, "10:00:00"),
    ],
)
def test_a_moment_of_a_call(seconds: float, expected: str) -> None:
    assert clock(seconds) == expected


@pytest.mark.parametrize(
    ("text", "shown", "in_line"),
    [
        ("a\tb\nc", "a\tb\nc", "a\\tb\\nc"),
        ("\x1b[31mred", "\\u001b[31mred", "\\u001b[31mred"),
        ("a\r\x00\x08\x0b\x7f\x9fz", "a\\u000d\\u0000\\u0008\\u000b\\u007f\\u009fz", None),
        ("\u202egnp.exe\u2069\u200f\u061c", "\\u202egnp.exe\\u2069\\u200f\\u061c", None),
        ("\u2028\u2029\ufeff\ud800\udfff", "\\u2028\\u2029\\ufeff\\ud800\\udfff", None),
        ("grün – 電話 \u2065\xa0", "grün – 電話 \u2065\xa0", None),
    ],
)
def test_what_a_terminal_would_act_on_is_written_out(text: str, shown: str, in_line: str | None) -> None:
    assert visible(text) == shown
    assert one_line(text) == (in_line or shown)
