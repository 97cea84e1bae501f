"""Questions to the database: each is a file under `queries/sql/` that begins with its description."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    database: Patient, statement: bytes, rows: BaseRowFactory[Row], parameters: Mapping[str, object]
) -> list[Row]:
    """The same for a statement put together from several questions."""

    def work(connection: Connection[Any]) -> list[Row]:
        with connection.cursor(row_factory=rows) as cursor:
            return cursor.execute(statement, parameters).fetchall()

    return database.patiently(work)
