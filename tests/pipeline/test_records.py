"""What records tell of one another."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.records import ERASED, CallMetadata, FoundCall, SkippedFile, erased_file

FOUND = FoundCall(
    source_uri="s3://calls/a.wav",
    file_name="a.wav",
    size_bytes=12,
    modified_at=datetime(2026, 9, 14, tzinfo=UTC),
    etag="e1",
    metadata=CallMetadata(extra={"started_at_ambiguous": "", "team": "x", "direction_unreadable": "maybe"}),
)


@pytest.mark.parametrize("waiting", [False, True])
def test_a_file_that_is_left_out_is_known_again(waiting: bool) -> None:
    assert FOUND.skipped("too_small", "44 bytes", waiting=waiting) == SkippedFile(
        source_uri="s3://calls/a.wav",
        file_name="a.wav",
        size_bytes=12,
        modified_at=datetime(2026, 9, 14, tzinfo=UTC),
        reason="too_small",
        message="44 bytes",
        waiting=waiting,
        etag="e1",
    )
    assert not FOUND.skipped("too_small", "44 bytes").waiting
    assert (erased_file(FOUND).reason, erased_file(FOUND).etag) == (ERASED, "e1")


def test_doubts_of_metadata_are_its_remarks() -> None:
    assert FOUND.metadata.remarks == ("direction_unreadable", "started_at_ambiguous")
    assert CallMetadata().remarks == ()
