"""Traces of calls: one per call, from recording to row, a span a stage. Needs the extra `tracing`."""

from __future__ import annotations

import time
from math import ceil

from commands.report.spans import STAGES, CallTimes, by_call
from commands.run.observer import ConsoleObserver
from pipeline.config.areas.reporting import TracingSettings
from pipeline.records import CallStatus, FoundCall
from pipeline.run.performance import PerformanceRecorder
from pipeline.tracing.origin import Origin, TracePlace, current_origin, new_trace
from pipeline.tracing.spans import Span, Spans


def export_traces(
    settings: TracingSettings, recorder: PerformanceRecorder, run_id: str, exporter: object = None
) -> int:
    """Send the recorder's spans; returns the number of calls. A failure is logged and changes nothing else.

    The stages keep time anyway, so that nothing is spent on tracing while a run goes on. `exporter`: another than OTLP
    over HTTP.
    """
    with Spans(settings, exporter) as spans:
        if not spans.sent:
            return 0
        calls = by_call(list(recorder.spans))
        chosen = calls[:: max(1, ceil(len(calls) / settings.max_calls))]
        zero_s = time.time() - recorder.now_s()
        for call in chosen:
            add_call(spans, call, run_id, zero_s)
    return len(chosen)


class TracedObserver(ConsoleObserver):
    """Sends the spans of each call as it is finished: for a worker that stays."""

    def __init__(self, spans: Spans) -> None:
        super().__init__()
        self._spans = spans
        self.recorder: PerformanceRecorder | None = None
        """Of the worker, from which its spans are taken."""

    def call_finished(self, found: FoundCall, status: CallStatus, detail: str) -> None:
        super().call_finished(found, status, detail)
        if self.recorder is None:
            return
        zero_s, origin = time.time() - self.recorder.now_s(), current_origin()
        for call in by_call(self.recorder.take(found.file_name)):
            add_call(self._spans, call, None, zero_s, origin)


def add_call(
    spans: Spans, call: CallTimes, run_id: str | None, zero_s: float, origin: Origin | None = None
) -> TracePlace:
    """One call's spans. `zero_s`: Unix time from which its times count. `origin`: the request it was done for."""
    requested = origin.place if origin is not None else None
    about: dict[str, str | float] = {"earshot.file_name": call.file_name, "earshot.audio_s": call.audio_s}
    if run_id is not None:
        about["earshot.run_id"] = run_id
    if origin is not None:
        about["earshot.request_id"] = origin.request_id
    stages = [call.spans[stage] for stage in STAGES if stage in call.spans]
    whole = requested.child() if requested is not None else new_trace()
    for span in stages:
        start_s, end_s = zero_s + span.start_s, zero_s + span.end_s
        spans.add(Span(name=span.stage, place=whole.child(), parent=whole, start_s=start_s, end_s=end_s))
    spans.add(
        Span(
            name="call",
            place=whole,
            parent=requested,
            start_s=zero_s + min(span.start_s for span in stages),
            end_s=zero_s + max(span.end_s for span in stages),
            attributes=about,
            kind="consumer" if requested is not None else "internal",
        )
    )
    return whole
