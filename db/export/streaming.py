"""Rows of a table straight from a cursor on the server: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from psycopg.rows import dict_row, scalar_row

from db.export.columns import Table
from db.export.result_rows import result_row
from db.link import open_link
from db.queries.chosen import CallFilter, about_chosen
from db.records import Row
from pipeline.sources.addresses import file_path

if TYPE_CHECKING:
    from db.connection import Database

ROWS_PER_FETCH = 1000
"""Rows in memory at a time."""
_SILENCE_S = 600.0
"""The connection that reads ids is given up after this long without an answer."""


@contextmanager
def rows_of(database: Database, table: Table, chosen: CallFilter, timezone: str) -> Iterator[Iterator[Row]]:
    """The table's rows of the chosen calls, oldest call first, as of one moment; with the names of its columns."""
    statement, parameters = about_chosen(f"export/{table.name}", chosen, timezone)
    with database.connection() as connection, connection.cursor(name="export", row_factory=dict_row) as cursor:
        cursor.itersize = ROWS_PER_FETCH
        cursor.execute(statement, parameters)
        made = ROW_BUILDERS.get(table.name)
        yield cursor if made is None else map(made, cursor)


@contextmanager
def chosen_call_ids(database: Database, chosen: CallFilter, timezone: str) -> Iterator[Iterator[str]]:
    """Ids of the chosen calls, oldest first. On a connection of its own: the pool may have but one."""
    statement, parameters = about_chosen("export/call_ids", chosen, timezone)
    with (
        open_link(database.url, database.settings, silence_s=_SILENCE_S, name="earshot export") as connection,
        connection.transaction(),
        connection.cursor(name="chosen", row_factory=scalar_row) as cursor,
    ):
        cursor.itersize = ROWS_PER_FETCH
        cursor.execute(statement, parameters)
        yield cursor


def _manifest_row(row: Row) -> Row:
    """A local recording by its path, another one by its address."""
    uri = row.pop("audio_uri")
    return {**row, "audio_filepath": str(file_path(uri)) if uri.startswith("file://") else uri}


ROW_BUILDERS: Mapping[str, Callable[[Row], Row]] = {"results": result_row, "manifest": _manifest_row}
"""How a row is made of what the question answers, where it is not the same."""
