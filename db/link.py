"""Connections that notice when their peer is gone: it swallows packets, or a proxy in front of it went silent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import ConnectionTimeout, OperationalError
from psycopg.waiting import Ready

if TYPE_CHECKING:
    from psycopg.abc import PQGen

    from pipeline.config.areas.database import DatabaseSettings

Result = TypeVar("Result")


class SilentServer(OperationalError):
    """A connection was given up: neither its server nor a new connection answered."""


def link_options(url: str, settings: DatabaseSettings) -> dict[str, Any]:
    """Options for every connection; keepalive options in the address itself stay.

    A peer that acknowledges nothing is noticed after `database.connect_timeout_s`: on an idle connection by keepalives
    (half of it idle, then three probes in the other half), on a busy one by tcp_user_timeout (milliseconds; three
    seconds more, so that a late answer to the last probe counts). Unix sockets ignore all of it, macOS the latter.
    """
    limit_s = max(1, round(settings.connect_timeout_s))
    ours = {
        "keepalives": 1,
        "keepalives_idle": max(1, limit_s // 2),
        "keepalives_interval": max(1, limit_s // 6),
        "keepalives_count": 3,
        "tcp_user_timeout": (limit_s + 3) * 1000,
    }
    given = conninfo_to_dict(url)
    return {"connect_timeout": limit_s, **{name: value for name, value in ours.items() if name not in given}}


def answers(url: str, settings: DatabaseSettings) -> bool:
    """Whether the server says anything to a new connection within `database.connect_timeout_s`, if only no."""
    try:
        psycopg.connect(url, **link_options(url, settings)).close()
    except ConnectionTimeout:
        return False
    except psycopg.Error:
        pass
    return True


def open_link(url: str, settings: DatabaseSettings, *, silence_s: float, name: str) -> WatchedConnection:
    """A connection of its own, each statement its own transaction, given up after `silence_s` without an answer."""
    connection = WatchedConnection.connect(url, autocommit=True, application_name=name, **link_options(url, settings))
    connection.silence_s = silence_s
    return connection


class WatchedConnection(psycopg.Connection[Any]):
    """A connection whose waits end: a frozen proxy's kernel acknowledges packets, so that TCP never finds out.

    After each `silence_s` without a byte `still_there` is asked: a server that is only slow is waited for.
    """

    silence_s: float = math.inf
    still_there: Callable[[], bool] = staticmethod(lambda: False)

    def wait(self, gen: PQGen[Result], *arguments: Any, **named: Any) -> Result:
        return super().wait(self._watched(gen), *arguments, **named)

    def _watched(self, gen: PQGen[Result]) -> PQGen[Result]:
        """psycopg resumes a wait some ten times a second, with NONE where nothing came."""
        heard = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready != Ready.NONE:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.silence_s:
                    if not self.still_there():
                        self.pgconn.finish()  # or the roll-back that follows would wait as long again
                        raise SilentServer(f"no answer for {self.silence_s:.0f} s, and none to a new connection")
                    heard = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as done:
            result: Result = done.value
            return result
