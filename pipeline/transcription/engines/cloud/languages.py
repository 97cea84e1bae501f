"""One language a call, for requests of several threads: one decides, the others wait for its decision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from pipeline.transcription.engine import HeardLanguage

_CALLS_REMEMBERED = 256
"""More than are under way at once."""


@dataclass(slots=True)
class Decision:
    """Of one call. `language` is to be set by whoever is `first_to_ask`; None: it is not known."""

    first_to_ask: bool
    language: HeardLanguage | None = None


@dataclass(slots=True)
class _Call:
    decided: Event = field(default_factory=Event)
    language: HeardLanguage | None = None


class Languages:
    """What was decided for the last calls."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}
        self._lock = Lock()

    @contextmanager
    def decision(self, call_id: str) -> Iterator[Decision]:
        """What is decided in the block holds for the call; where it raises, or finds nothing, the next one decides."""
        while True:
            with self._lock:
                call = self._calls.get(call_id)
                first_to_ask = call is None
                if call is None:
                    while len(self._calls) >= _CALLS_REMEMBERED:
                        del self._calls[next(iter(self._calls))]
                    call = self._calls[call_id] = _Call()
            if first_to_ask:
                break
            call.decided.wait()
            if call.language is not None:
                yield Decision(first_to_ask=False, language=call.language)
                return
        decision = Decision(first_to_ask=True)
        try:
            yield decision
        finally:
            call.language = decision.language
            with self._lock:
                if decision.language is None and self._calls.get(call_id) is call:
                    del self._calls[call_id]
            call.decided.set()
