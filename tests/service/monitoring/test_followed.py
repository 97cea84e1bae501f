"""One request, followed: from the HTTP header to the job, the claim, a worker's log lines and spans."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commands.run.tracing import TracedObserver
from db.connection import Database
from db.jobs.records import NewJob
from db.jobs.store import PostgresJobs
from db.ledger.work.claims import PostgresClaims
from pipeline.config.areas.reporting import TracingSettings
from pipeline.jobs import JobState
from pipeline.log_lines import JsonLines, about_call
from pipeline.records import CallStatus, Claim, FoundCall
from pipeline.run.performance import PerformanceRecorder
from pipeline.tracing.origin import Origin, TracePlace
from pipeline.tracing.spans import Spans

PLACE = TracePlace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
ORIGIN = Origin("order-77", PLACE)
URI = "file:///recordings/a.wav"


def job(origin: Origin | None) -> NewJob:
    return NewJob(
        job_id=str(uuid.uuid4()), state=JobState.RECEIVING, submitted_by="me", idempotency_key=None, request_hash="",
        file_name="a.wav", recording_url=None, size_bytes=None, metadata={}, customer_segment=None, queue=None,
        priority=0, callback_url=None, request_id=origin.request_id if origin else None,
        traceparent=origin.traceparent if origin else None,
    )  # fmt: skip


@pytest.mark.parametrize("origin", [ORIGIN, None])
def test_a_claim_knows_the_request_that_handed_its_call_in(
    database: Database, run_id: str, origin: Origin | None
) -> None:
    jobs, claims = PostgresJobs(database), PostgresClaims(database, "here-1-x", "hash", 60.0)
    opened = jobs.open(job(origin))
    jobs.stored(opened.job_id, source_uri=URI, file_name="a.wav", size_bytes=1, sha256="aa")
    claims.enqueue(run_id, {URI: "{}", "file:///found/by/a/run.wav": "{}"})
    handed_in, found = claims.claim(None, 2)
    assert handed_in.origin == origin
    assert found.origin is None


def claim(origin: Origin | None) -> Claim:
    return Claim(
        claim_id=1, run_id="r", fence=1, call={},
        request_id=origin.request_id if origin else None, traceparent=origin.traceparent if origin else None,
    )  # fmt: skip


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(json.loads(JsonLines().format(record)))

    handler, logger = Lines(), logging.getLogger("earshot.run")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_a_workers_lines_and_spans_are_the_requests(lines: list[dict[str, Any]]) -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    spans = Spans(TracingSettings(enabled=True), exporter)
    observer, recorder = TracedObserver(spans), PerformanceRecorder()
    observer.recorder = recorder
    found = FoundCall(source_uri=URI, file_name="a.wav", size_bytes=1, modified_at=datetime.now(UTC))
    for number, stage in enumerate(("prepare", "recognise", "analyse", "store")):
        recorder.add(stage, "a.wav", number, number + 1.0, 60.0)
    recorder.add("prepare", "still under way.wav", 0.0, 1.0, 60.0)
    with about_call("a.wav", "call-1", "store", claim(ORIGIN).origin):
        observer.call_finished(found, CallStatus.DONE, "")
    spans.close()
    (line,) = lines
    assert (line["request_id"], line["trace_id"], line["call_id"]) == ("order-77", PLACE.trace_id, "call-1")
    sent: Any = exporter.get_finished_spans()
    (call,) = [span for span in sent if span.name == "call"]
    assert f"{call.context.trace_id:032x}" == PLACE.trace_id
    assert f"{call.parent.span_id:016x}" == PLACE.span_id
    assert call.attributes["earshot.request_id"] == "order-77"
    stages = [span.name for span in sent if span.parent.span_id == call.context.span_id]
    assert sorted(stages) == ["analyse", "prepare", "recognise", "store"]
    assert [span.file_name for span in recorder.spans] == ["still under way.wav"], "a worker that stays forgets them"


def test_a_call_that_nobody_handed_in_begins_a_trace_of_its_own(tmp_path: Path) -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    spans = Spans(TracingSettings(enabled=True), exporter)
    observer, recorder = TracedObserver(spans), PerformanceRecorder()
    observer.recorder = recorder
    recorder.add("prepare", "a.wav", 0.0, 1.0)
    found = FoundCall(source_uri=URI, file_name="a.wav", size_bytes=1, modified_at=datetime.now(UTC))
    with about_call("a.wav", None, "store", claim(None).origin):
        observer.call_finished(found, CallStatus.FAILED, str(tmp_path))
    spans.close()
    (call,) = [span for span in exporter.get_finished_spans() if span.name == "call"]
    assert call.parent is None
