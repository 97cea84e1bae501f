"""Which request work is done for: its id and its place in a trace, carried on log lines and with claims. A leaf."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=+@/-]{0,127}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class TracePlace:
    """A span of a trace, as W3C Trace Context names it (https://www.w3.org/TR/trace-context/)."""

    trace_id: str
    """32 hexadecimal digits, not all zero."""
    span_id: str
    """16 hexadecimal digits, not all zero."""
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        """The header's value."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"

    def child(self) -> TracePlace:
        """A new span of the same trace."""
        return TracePlace(self.trace_id, secrets.token_hex(8), self.sampled)


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that work is done for."""

    request_id: str
    place: TracePlace
    """The span that the work belongs to."""

    @property
    def traceparent(self) -> str:
        return self.place.traceparent


def new_trace() -> TracePlace:
    return TracePlace(secrets.token_hex(16), secrets.token_hex(8))


def trace_place(header: str | None) -> TracePlace | None:
    """What a `traceparent` header says; None where there is none, or none that the standard allows.

    A later version of the standard is read as far as this one goes.
    """
    said = _TRACEPARENT.fullmatch((header or "").strip())
    if said is None:
        return None
    version, trace_id, span_id, flags, more = said.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TracePlace(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def request_id_of(header: str | None) -> str:
    """The id a caller gave its request, or a new one where it gave none, or one that could not stand in a log."""
    given = (header or "").strip()
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


_current: ContextVar[Origin | None] = ContextVar("_current", default=None)


def current_origin() -> Origin | None:
    """The request that this thread or task works for; None outside of any."""
    return _current.get()


@contextmanager
def working_for(origin: Origin | None) -> Iterator[None]:
    """What happens inside is done for that request. None changes nothing."""
    if origin is None:
        yield
        return
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)
