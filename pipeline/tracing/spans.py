"""Spans sent to an OpenTelemetry collector, each after it has ended. Needs the extra `tracing`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from pipeline.tracing.origin import TracePlace

log = logging.getLogger(__name__)

Kind = Literal["internal", "server", "consumer"]
MOST_WAITING = 16_384
"""Spans kept for a collector that is slow; more are dropped."""


class Collector(Protocol):
    """Where spans are to go: `reporting.tracing` of the configuration."""

    @property
    def enabled(self) -> bool: ...

    @property
    def endpoint(self) -> str: ...

    @property
    def service_name(self) -> str: ...

    @property
    def timeout_s(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of work that has ended."""

    name: str
    place: TracePlace
    parent: TracePlace | None
    start_s: float
    """Unix time."""
    end_s: float
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    kind: Kind = "internal"
    failed: bool = False


class Spans:
    """Where spans go. Without `reporting.tracing.enabled`, or without the extra, nowhere, at no cost.

    Nothing here raises for a collector that is away: the exporter's own thread logs it.
    """

    def __init__(self, settings: Collector, exporter: Any = None) -> None:
        """`exporter`: another than OTLP over HTTP."""
        self._timeout_ms = round(settings.timeout_s * 1000)
        self._processor: Any = None
        self._resource: Any = None
        if not settings.enabled:
            return
        try:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            if exporter is None:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

                exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=settings.timeout_s)
        except ImportError as error:
            log.warning("reporting.tracing is on, but the extra `tracing` is not installed (%s)", error)
            return
        self._resource = Resource.create({"service.name": settings.service_name})
        self._processor = BatchSpanProcessor(exporter, max_queue_size=MOST_WAITING)

    @property
    def sent(self) -> bool:
        """Whether spans go anywhere."""
        return self._processor is not None

    def add(self, span: Span) -> None:
        """Of a trace that is not sampled nothing is sent."""
        if self._processor is None or not span.place.sampled:
            return
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.status import Status, StatusCode

        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(span.place),
                parent=_context(span.parent, is_remote=True) if span.parent is not None else None,
                resource=self._resource,
                attributes=dict(span.attributes),
                kind=SpanKind[span.kind.upper()],
                status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
                start_time=round(span.start_s * 1e9),
                end_time=round(span.end_s * 1e9),
            )
        )

    def close(self) -> None:
        """Send what waits, for at most `reporting.tracing.timeout_s`."""
        if self._processor is not None:
            self._processor.force_flush(self._timeout_ms)
            self._processor.shutdown()
            self._processor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _context(place: TracePlace, *, is_remote: bool = False) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(
        int(place.trace_id, 16),
        int(place.span_id, 16),
        is_remote=is_remote,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if place.sampled else TraceFlags.DEFAULT),
    )
