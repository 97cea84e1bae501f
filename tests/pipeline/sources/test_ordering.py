from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from pipeline.records import CallMetadata, FoundCall
from pipeline.sources.ordering import in_order

START = datetime(2026, 9, 14, tzinfo=UTC)


def call(name: str, hours: float, started_hours: float | None = None) -> FoundCall:
    started_at = None if started_hours is None else START + timedelta(hours=started_hours)
    return FoundCall(
        source_uri=f"file:///{name}",
        file_name=name,
        size_bytes=1,
        modified_at=START + timedelta(hours=hours),
        metadata=CallMetadata(started_at=started_at),
    )


CALLS = [call("a", 3), call("b", 1), call("c", 9, started_hours=2), call("d", 3)]


def names(calls: list[FoundCall]) -> str:
    return "".join(found.file_name for found in calls)


def test_by_start_and_where_that_is_unknown_by_the_file() -> None:
    assert names(in_order(CALLS, "oldest")) == "bcad"
    assert names(in_order(CALLS, "newest")) == "dacb"
    assert names(in_order(iter(CALLS), "newest", limit=2)) == "da"
    assert names(in_order(iter(CALLS), "oldest", limit=2)) == "bc"


def test_the_shuffle_depends_on_seed_and_addresses_alone() -> None:
    many = [call(f"{place}", place) for place in range(50)]
    once = in_order(many, "shuffle", seed=7)
    mixed = random.Random(1).sample(many, len(many))
    assert in_order(mixed, "shuffle", seed=7) == once
    assert in_order(many, "shuffle", seed=8) != once
    assert once != many
    assert in_order(mixed, "shuffle", seed=7, limit=5) == once[:5]
    assert in_order([], "shuffle", seed=-1) == []
