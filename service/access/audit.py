"""Who read which call: written, and on the disk, before the answer is sent; without it there is no answer."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from db.access.reads import forget_reads, keep_live_read, keep_reads
from service.access.principal import Principal

if TYPE_CHECKING:
    from db.connection import Database

log = logging.getLogger(__name__)

FORGET_EVERY_S = 3600.0
_ROWS = 10_000
"""Of one transaction."""


class What(StrEnum):
    """How a call was read."""

    PAGE = "page"
    AUDIO = "audio"
    API = "api"
    EXPORT = "export"
    SEARCH = "search"
    """Excerpts of it."""
    ASK = "ask"
    """Quotes in an answer."""
    LIVE = "live"


class Audit:
    """Keeps who read what. Routes that give words or sound call `read` first."""

    def __init__(
        self, database: Database, *, days: int | None, on: bool = True, now: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Args:
            days: rows that are older are forgotten; None keeps all.
            on: off for the reading room of one person (`run.py view`).
        """
        self._database = database
        self._days = days
        self._on = on
        self._now = now
        self._forgot: float | None = None

    def read(self, reader: Principal, what: What, call_ids: Iterable[uuid.UUID | str]) -> None:
        """Say that `reader` gets words or sound of these calls; those who get no words are not listed.

        Raises DatabaseUnavailable and psycopg's errors: then the answer must not be given.
        """
        if not self._on or not reader.reads_words:
            return
        rest = iter(call_ids)
        while some := list(dict.fromkeys(islice(rest, _ROWS))):
            keep_reads(
                self._database,
                [call_id if isinstance(call_id, uuid.UUID) else uuid.UUID(call_id) for call_id in some],
                reader=reader.name,
                credential=reader.credential,
                what=what,
                address=reader.address,
            )
        self._forget()

    def read_live(self, reader: Principal, session: str, *, hands_in: bool = False) -> None:
        """The same for a call that is heard while it is held. Who hands it in is told its words with any scope."""
        if self._on and (reader.reads_words or hands_in):
            keep_live_read(
                self._database,
                session,
                reader=reader.name,
                credential=reader.credential,
                what=What.LIVE,
                address=reader.address,
            )
            self._forget()

    def _forget(self) -> None:
        if self._days is None or (self._forgot is not None and self._now() - self._forgot < FORGET_EVERY_S):
            return
        self._forgot = self._now()
        if rows := forget_reads(self._database, self._days):
            log.info("the audit deleted %d rows older than %d days (service.access.audit_days)", rows, self._days)
