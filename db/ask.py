"""Questions to the database: each is a file under `queries/sql/` that begins with its description."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from psycopg import Connection
    from psycopg.rows import BaseRowFactory

Row = TypeVar("Row")
Result = TypeVar("Result")

FOLDER = Path(__file__).parent / "queries" / "sql"


class Patient(Protocol):
    """A database that is waited for when it goes away, such as `db.connection.Database`."""

    def patiently(self, work: Callable[[Connection[Any]], Result], *, lasting: bool = True) -> Result: ...


@functools.cache
def question(name: str) -> bytes:
    """The text of `sql/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_bytes()


def ask(database: Patient, name: str, rows: BaseRowFactory[Row], **parameters: object) -> list[Row]:
    """The answer to `sql/<name>.sql`, with rows built by `rows`. Waits for a database that goes away."""
    return answer(database, question(name), rows, parameters)


def answer(
    database: Patient,
    statement: str | bytes,
    rows: BaseRowFactory[Row],
    parameters: Sequence[object] | Mapping[str, object],
) -> list[Row]:
    """The same for a statement that is in no file, or put together from several."""
    query = statement.encode() if isinstance(statement, str) else statement

    def work(connection: Connection[Any]) -> list[Row]:
        with connection.cursor(row_factory=rows) as cursor:
            return cursor.execute(query, parameters).fetchall()

    return database.patiently(work)


def change(
    database: Patient, statement: str, parameters: Sequence[object] | Mapping[str, object], *, lasting: bool = True
) -> None:
    """One statement that is a transaction of its own, where nothing but this is to be changed."""
    database.patiently(lambda connection: connection.execute(statement.encode(), parameters), lasting=lasting)
