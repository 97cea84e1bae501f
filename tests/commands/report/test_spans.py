"""Spans of a run, sent to a collector."""

from __future__ import annotations

import time
from typing import Any

import pytest

from commands.report.spans import by_call, share_above
from commands.run.tracing import add_call, export_traces
from pipeline.config.areas.reporting import TracingSettings
from pipeline.run.performance import PerformanceRecorder, ResourceSample
from pipeline.tracing.origin import Origin, TracePlace
from pipeline.tracing.spans import Span, Spans
from tests.commands.report.test_report import TWO_CALLS


def test_traces_go_from_recording_to_row() -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    recorder, exporter = PerformanceRecorder(), InMemorySpanExporter()
    for one in TWO_CALLS:
        recorder.add(one.stage, one.file_name, one.start_s, one.end_s, one.audio_s)
    assert export_traces(TracingSettings(enabled=True), recorder, "run-1", exporter) == 2
    spans: Any = exporter.get_finished_spans()
    calls = {one.attributes["earshot.file_name"]: one for one in spans if one.name == "call"}
    stages = [one for one in spans if one.parent is not None and one.parent.span_id == calls["a"].context.span_id]
    assert [one.name for one in sorted(stages, key=lambda one: one.start_time)] == ["prepare", "recognise", "store"]
    assert (calls["a"].end_time - calls["a"].start_time) / 1e9 == pytest.approx(9.0)
    assert calls["a"].attributes["earshot.run_id"] == "run-1"


class Collected(Spans):
    def __init__(self) -> None:
        super().__init__(TracingSettings())
        self.spans: list[Span] = []

    def add(self, span: Span) -> None:
        self.spans.append(span)


REQUEST = TracePlace(trace_id="a" * 32, span_id="b" * 16, sampled=True)


@pytest.mark.parametrize(
    ("run_id", "origin", "about", "kind"),
    [
        (None, None, {}, "internal"),
        ("run-1", None, {"earshot.run_id": "run-1"}, "internal"),
        (None, Origin(request_id="r-7", place=REQUEST), {"earshot.request_id": "r-7"}, "consumer"),
    ],
)
def test_a_call_is_a_span_from_its_first_stage_to_its_last_and_each_stage_one_within(
    run_id: str | None, origin: Origin | None, about: dict[str, str], kind: str
) -> None:
    collected = Collected()
    place = add_call(collected, by_call(TWO_CALLS)[0], run_id, 1_000.0, origin)
    *stages, whole = collected.spans
    assert [(span.name, span.start_s, span.end_s) for span in stages] == [
        ("prepare", 1_000.0, 1_002.0), ("recognise", 1_003.0, 1_007.0), ("store", 1_008.0, 1_009.0),
    ]  # fmt: skip
    assert {(span.parent, span.kind, len(span.attributes)) for span in stages} == {(place, "internal", 0)}
    assert len({place, *(span.place for span in stages)}) == 4
    assert {span.place.trace_id for span in stages} == {place.trace_id}
    assert (whole.name, whole.place, whole.start_s, whole.end_s) == ("call", place, 1_000.0, 1_009.0)
    assert whole.attributes == {"earshot.file_name": "a", "earshot.audio_s": 60, **about}
    assert whole.kind == kind
    assert whole.parent == (REQUEST if origin else None)
    assert origin is None or place.trace_id == REQUEST.trace_id


def test_the_times_of_a_run_are_those_of_the_clock() -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    times = iter([5.0])
    recorder, exporter = PerformanceRecorder(clock=lambda: next(times, 5_005.0)), InMemorySpanExporter()
    recorder.add("store", "a", 5_000.0, 5_000.0, 1.0)
    before_s = time.time()
    export_traces(TracingSettings(enabled=True), recorder, "run-1", exporter)
    (span, *_) = exporter.get_finished_spans()
    assert (span.start_time or 0) / 1e9 == pytest.approx(before_s, abs=1_000)


@pytest.mark.parametrize(
    ("calls", "most", "sent"),
    [(0, 3, []), (1, 3, [0]), (3, 3, [0, 1, 2]), (4, 3, [0, 2]), (6, 3, [0, 2, 4]), (7, 3, [0, 3, 6]), (5, 1, [0])],
)
def test_of_many_calls_some_are_sent_evenly_chosen(calls: int, most: int, sent: list[int]) -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    recorder, exporter = PerformanceRecorder(), InMemorySpanExporter()
    for number in range(calls):
        recorder.add("store", str(number), number, number + 1, 1.0)
    settings = TracingSettings(enabled=True, max_calls=most)
    assert export_traces(settings, recorder, "run-1", exporter) == len(sent)
    spans: Any = exporter.get_finished_spans()
    assert [one.attributes["earshot.file_name"] for one in spans if one.name == "call"] == [str(one) for one in sent]


def test_tracing_is_off_by_default() -> None:
    class Refusing:
        def export(self, _spans: object) -> None:
            raise AssertionError("asked to export")

    recorder = PerformanceRecorder()
    recorder.add("prepare", "a", 0, 1)
    assert export_traces(TracingSettings(), recorder, "run-1", Refusing()) == 0


@pytest.mark.parametrize(
    ("held", "share"), [([], 0.0), ([100], 0.0), ([101], 1.0), ([100, 101, 99, 200], 0.5), ([101, 1, 1], 1 / 3)]
)
def test_memory_is_short_above_the_limit(held: list[int], share: float) -> None:
    samples = [ResourceSample(at_s=0.0, memory_bytes=held_bytes, cpu_percent=0.0, queues={}) for held_bytes in held]
    assert share_above(samples, 100.0) == pytest.approx(share)
