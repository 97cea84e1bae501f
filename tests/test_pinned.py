"""What counts as a change of kept output."""

from __future__ import annotations

import pytest

from tests.pinned import same


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ("level -23.41 dB", "level -23.41 dB", True),
        ("level -23.42 dB", "level -23.41 dB", True),
        ("level -23.43 dB", "level -23.41 dB", False),
        ("level 23.41 dB", "level -23.41 dB", False),
        ("0.999 1", "1.000 1", True),
        ("0.5 of 12", "0.5 of 13", False),
        ("0.50", "0.5", False),
        ("0.5 and 0.5", "0.5", False),
        ("a 0.5", "b 0.5", False),
    ],
)
def test_only_the_last_place_of_a_decimal_may_differ(new: str, old: str, expected: bool) -> None:
    assert same(new, old) is expected
