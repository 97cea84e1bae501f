"""The database for readers: nothing is made, nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from db.connection import Database, connect
from db.embedded.files import existing_home
from db.faults import explained
from db.tables import tables_of
from pipeline.config.areas.database import EMBEDDED, DatabaseSettings
from pipeline.errors import DatabaseUnavailable
from pipeline.masking import masked


@contextmanager
def existing_ledger(settings: DatabaseSettings) -> Iterator[Database]:
    """The database as it is.

    Raises DatabaseUnavailable when there is none or it has no tables of Earshot, and for errors of queries in the
    `with` block.
    """
    with ledger_if_any(settings) as database:
        if database is None:
            raise no_database(settings)
        yield database


def no_database(settings: DatabaseSettings) -> DatabaseUnavailable:
    """The error for readers where no run has made the database yet."""
    if settings.url == EMBEDDED:
        where = f"database.data_dir is {settings.data_dir}, which holds none"
    else:
        where = f"{masked(settings.url)} (database.url) holds no tables of Earshot"
    return DatabaseUnavailable(f"no database there: {where}; correct the setting, or start a run, which makes it")


@contextmanager
def ledger_if_any(settings: DatabaseSettings) -> Iterator[Database | None]:
    """As `existing_ledger`, but None where no run has made the database or its tables yet."""
    if settings.url == EMBEDDED and existing_home(settings.data_dir) is None:
        yield None
        return
    with connect(settings, up_to_date=False) as database:
        try:
            with database.connection() as connection:
                ours = tables_of(connection, database.name).ours
            yield database if ours else None
        except psycopg.Error as error:
            raise explained(error, database.url) from error
