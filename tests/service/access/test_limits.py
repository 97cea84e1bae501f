"""How often somebody may ask, and who was seen."""

from __future__ import annotations

import pytest

from service.access.limits import PerMinute, Seen, of_address
from tests.service.access.test_jwts import Clock


def test_some_are_counted_and_one_more_has_to_wait() -> None:
    limit = PerMinute(2, "test")
    assert [limit.full("a"), limit.count("a"), limit.full("a"), limit.count("a")] == [None] * 4
    for wait_s in (limit.full("a"), limit.count("a")):
        assert wait_s is not None
        assert 0 <= wait_s <= 60
    assert limit.count("b") is None
    assert PerMinute(2, "another").full("a") is None


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_the_key_of_an_address(address: str, key: str) -> None:
    assert of_address(address).replace("::ffff:c000:207", "::ffff:192.0.2.7") == key


def test_who_was_seen_is_known_for_a_time_and_the_newest_only() -> None:
    clock = Clock()
    seen = Seen(for_s=10, most=2, now=clock)
    keys = [("a", b"1"), ("a", b"2"), ("b", b"1")]
    assert keys[0] not in seen
    for key in (*keys[:2], keys[0], keys[2]):
        seen.add(key)
    assert [key in seen for key in keys] == [True, False, True], "the one seen again is among the newest"
    clock.now += 10
    assert keys[0] in seen
    clock.now += 0.5
    assert keys[0] not in seen
