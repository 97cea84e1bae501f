"""Spans of a run, sent to a collector."""

from __future__ import annotations

from typing import Any

import pytest

from commands.run.tracing import export_traces
from pipeline.config.areas.reporting import TracingSettings
from pipeline.run.performance import PerformanceRecorder
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
