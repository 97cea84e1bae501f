"""Who read which call is kept, for as long as is asked; those who get no words are not listed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import psycopg
import pytest

from db.access.reads import ReadCall, reads_of
from db.access.scopes import Scope
from db.connection import Database
from service.access.audit import FORGET_EVERY_S, Audit, What
from service.access.principal import Principal
from tests.service.access.test_jwts import Clock

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def reader(*scopes: Scope) -> Principal:
    return Principal(name="ann", scopes=frozenset(scopes), credential="token:x", address="192.0.2.7")


def told(rows: Sequence[ReadCall]) -> list[tuple[str, str | None, str | None]]:
    assert {(row.reader, row.credential, row.address) for row in rows} <= {("ann", "token:x", "192.0.2.7")}
    return sorted((row.what, row.call_id, row.live_session) for row in rows)


@pytest.mark.parametrize(("on", "scope"), [(True, Scope.READ), (True, Scope.READ_WITHOUT_TEXT), (False, Scope.READ)])
def test_what_is_read_is_kept(database: Database, on: bool, scope: Scope) -> None:
    audit = Audit(database, days=None, on=on)
    audit.read(reader(scope), What.SEARCH, [ONE, str(OTHER), ONE])
    audit.read_live(reader(scope), "s-1")
    words = on and scope is Scope.READ
    assert told(reads_of(database)) == (
        [("live", None, "s-1"), ("search", str(ONE), None), ("search", str(OTHER), None)] if words else []
    )
    audit.read_live(reader(scope), "s-2", hands_in=True)
    assert len(reads_of(database)) == (4 if words else 1 if on else 0)


def test_old_rows_are_forgotten_once_an_hour(database: Database) -> None:
    clock = Clock()
    audit = Audit(database, days=30, now=clock)

    def read_after(passed_s: float) -> int:
        clock.now += passed_s
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute("UPDATE call_reads SET read_at = now() - interval '31 days'")
        audit.read(reader(Scope.READ), What.API, [ONE])
        return len(reads_of(database))

    assert [read_after(s) for s in (0.0, 1.0, FORGET_EVERY_S - 2.0, 1.0, 0.5)] == [1, 2, 3, 1, 2]


def test_without_a_number_of_days_all_is_kept(database: Database) -> None:
    audit = Audit(database, days=None)
    audit.read(reader(Scope.READ), What.API, [ONE])
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE call_reads SET read_at = now() - interval '9999 days'")
    audit.read(reader(Scope.READ), What.API, [OTHER])
    assert len(reads_of(database)) == 2
