"""OpenTelemetry traces of a run: one per call, from recording to row, a span a stage. Needs the extra `tracing`."""

from __future__ import annotations

import logging
import time
from typing import Any

from commands.report.spans import STAGES, by_call
from pipeline.config.areas.reporting import TracingSettings
from pipeline.run.performance import PerformanceRecorder

log = logging.getLogger("earshot.run")


def export_traces(settings: TracingSettings, recorder: PerformanceRecorder, run_id: str, exporter: Any = None) -> int:
    """Send the recorder's spans; returns the number of calls. A failure is logged and changes nothing else.

    The stages keep time anyway, so that nothing is spent on tracing while a run goes on. `exporter`: another than OTLP
    over HTTP.
    """
    if not settings.enabled:
        return 0
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import set_span_in_context

        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=settings.timeout_s)
    except ImportError as error:
        log.warning("reporting.tracing is on, but the extra `tracing` is not installed (%s)", error)
        return 0
    provider = TracerProvider(resource=Resource.create({"service.name": settings.service_name}))
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=16_384))
    tracer = provider.get_tracer("earshot")
    zero_s = time.time() - recorder.now_s()
    calls = by_call(list(recorder.spans))
    chosen = calls[:: -(-len(calls) // settings.max_calls) or 1]
    for call in chosen:
        spans = [call.spans[stage] for stage in STAGES if stage in call.spans]
        first_s, last_s = min(span.start_s for span in spans), max(span.end_s for span in spans)
        about: dict[str, Any] = {
            "earshot.run_id": run_id,
            "earshot.file_name": call.file_name,
            "earshot.audio_s": call.audio_s,
        }
        whole = tracer.start_span("call", start_time=_nanoseconds(zero_s + first_s), attributes=about)
        inside = set_span_in_context(whole)
        for span in spans:
            part = tracer.start_span(span.stage, context=inside, start_time=_nanoseconds(zero_s + span.start_s))
            part.end(_nanoseconds(zero_s + span.end_s))
        whole.end(_nanoseconds(zero_s + last_s))
    provider.force_flush(round(settings.timeout_s * 1000))
    provider.shutdown()
    return len(chosen)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
