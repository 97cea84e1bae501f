"""Traces of calls: one per call, from recording to row, a span a stage. Needs the extra `tracing`."""

from __future__ import annotations

import time

from commands.report.spans import STAGES, CallTimes, by_call
from pipeline.config.areas.reporting import TracingSettings
from pipeline.run.performance import PerformanceRecorder
from pipeline.tracing.origin import TracePlace, new_trace
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
        chosen = calls[:: -(-len(calls) // settings.max_calls) or 1]
        zero_s = time.time() - recorder.now_s()
        for call in chosen:
            add_call(spans, call, run_id, zero_s)
    return len(chosen)


def add_call(
    spans: Spans, call: CallTimes, run_id: str, zero_s: float, requested: TracePlace | None = None
) -> TracePlace:
    """One call's spans. `zero_s`: Unix time from which its times count. `requested`: the request it was done for."""
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
            attributes={
                "earshot.run_id": run_id,
                "earshot.file_name": call.file_name,
                "earshot.audio_s": call.audio_s,
            },
            kind="consumer" if requested is not None else "internal",
        )
    )
    return whole
