"""Planned calls through the queue: nothing of them is lost, and equal settings mean equal work."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.areas.output import SaveMode
from pipeline.config.areas.run import Reprocess
from pipeline.config.root import Settings
from pipeline.records import (
    CallMetadata,
    CallStatus,
    CustomerSegment,
    Direction,
    FoundCall,
    KnownCall,
    Role,
    StepState,
    StoredStep,
)
from pipeline.run.planning.claimed import as_json, planned_call, work_hash
from pipeline.run.planning.plan import Action, PlannedCall

TEXT = st.text(st.characters(codec=None, exclude_categories=())) | st.just("caf\udce9.wav")
MOMENTS = st.none() | st.datetimes(timezones=st.just(UTC))
METADATA = st.builds(
    CallMetadata, started_at=MOMENTS, direction=st.none() | st.sampled_from(Direction), agent_id=st.none() | TEXT,
    customer_segment=st.none() | st.sampled_from(CustomerSegment), language=st.none() | st.just("de"),
    queue=st.none() | TEXT, channel_roles=st.none() | st.tuples(st.sampled_from(Role), st.sampled_from(Role)),
    extra=st.dictionaries(TEXT, TEXT, max_size=2),
)  # fmt: skip
FILES = st.builds(
    FoundCall, source_uri=TEXT, file_name=TEXT, size_bytes=st.integers(0, 2**62), modified_at=MOMENTS,
    etag=st.none() | TEXT, metadata=METADATA, sides=st.just(()), lone_side=st.none() | TEXT,
)  # fmt: skip
FOUND = st.builds(lambda one, other: FoundCall(
    source_uri=one.source_uri, file_name=one.file_name, size_bytes=one.size_bytes, modified_at=one.modified_at,
    metadata=one.metadata, sides=(one, other)), FILES, FILES) | FILES  # fmt: skip
STEPS = st.dictionaries(
    st.sampled_from(["text", "topic"]),
    st.builds(
        StoredStep, step=st.just("text"), fingerprint=TEXT, state=st.sampled_from(StepState), attempts=st.integers(0, 9)
    ),
)
KNOWN = st.builds(
    KnownCall, call_id=TEXT, source_uri=TEXT, size_bytes=st.integers(0, 2**62), modified_at=MOMENTS,
    etag=st.none() | TEXT, audio_sha256=st.none() | TEXT, status=st.sampled_from(CallStatus),
    error_transient=st.none() | st.booleans(), failed_runs=st.integers(0, 9), transcript_fingerprint=st.none() | TEXT,
    engine_rank=st.none() | st.integers(0, 9), engine=st.none() | TEXT, engine_demonstration=st.none() | st.booleans(),
    steps=STEPS, duration_s=st.none() | st.floats(0, 1e6),
)  # fmt: skip
PLANNED = st.builds(
    PlannedCall, found=FOUND, action=st.sampled_from(Action), known=st.none() | KNOWN,
    steps=st.none() | st.frozensets(st.sampled_from(["text", "topic"])), forced=st.booleans(),
    other_sides=st.tuples() | st.tuples(KNOWN),
)  # fmt: skip


@given(PLANNED)
def test_a_planned_call_comes_out_of_the_queue_as_it_went_in(planned: PlannedCall) -> None:
    assert planned_call(json.loads(as_json(planned))) == planned


def test_the_time_zone_of_a_call_stays() -> None:
    moment = datetime.fromisoformat("2026-03-01T08:00:00.000001+02:00")
    found = FoundCall(
        source_uri="u", file_name="n", size_bytes=1, modified_at=moment, metadata=CallMetadata(started_at=moment)
    )
    back = planned_call(json.loads(as_json(PlannedCall(found=found, action=Action.NEW))))
    assert back.found.modified_at is not None
    assert back.found.modified_at.isoformat() == moment.isoformat()


@pytest.mark.parametrize(
    ("area", "setting", "value", "same"),
    [
        ("input", "path", "/elsewhere", True),
        ("input", "more", ("/further",), True),
        ("run", "decode_workers", 7, True),
        ("run", "limit", 3, True),
        ("output", "save_mode", SaveMode.CSV, True),
        ("run", "reprocess", Reprocess.ANALYSIS, False),
        ("run", "allow_downgrade", True, False),
        ("database", "store_words", False, False),
        ("transcription", "engines", ("sphinx",), False),
        ("topics", "method", "keywords", False),
        ("input", "min_duration_s", 9.0, False),
    ],
)
def test_workers_share_work_where_their_settings_give_the_same_results(
    area: str, setting: str, value: object, same: bool
) -> None:
    settings = Settings()
    changed = getattr(settings, area).model_copy(update={setting: value})
    assert (work_hash(settings.model_copy(update={area: changed})) == work_hash(settings)) is same
