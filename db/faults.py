"""What an error of PostgreSQL means for whoever runs Earshot, and what to do about it."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors

from db.ask import question
from pipeline.errors import DatabaseUnavailable
from pipeline.masking import masked

_OTHER_VERSION = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction)
_DAMAGE = (errors.DataCorrupted, errors.IndexCorrupted, errors.UndefinedFile)
_SAYS_DAMAGE = re.compile(r"invalid page|could not (open|read) (file|block)|missing chunk number|page verification")
_FILE = re.compile(r"(?:base|global)/(?:\d+/)?(\d+)")
_INDEX = re.compile(r'index "([^"]+)"')


def one_line(error: BaseException | None) -> str:
    return " ".join(str(error).split())


def damaged(error: BaseException) -> bool:
    """Whether the error says that files of the database are broken or missing."""
    if isinstance(error, _DAMAGE):
        return True
    return isinstance(error, psycopg.Error) and error.sqlstate is None and bool(_SAYS_DAMAGE.search(str(error)))


def other_version(error: BaseException) -> bool:
    """Whether the error says that the tables are not those of this version."""
    return isinstance(error, _OTHER_VERSION)


def explained(error: psycopg.Error, url: str, doing: str = "") -> DatabaseUnavailable:
    """The error for the user; `doing` comes before the server's message and says what failed."""
    message = f"database {masked(url)}: {doing}{one_line(error)}"
    if damaged(error):
        return DatabaseUnavailable(f"{message}; {_what_is_damaged(str(error), url)}")
    if isinstance(error, errors.InsufficientPrivilege):
        return DatabaseUnavailable(f"{message}; the account of database.url lacks this right: let its owner grant it")
    if other_version(error):
        return DatabaseUnavailable(
            f"{message}; if its tables are those of another version, `python run.py db migrate` brings them up to date"
        )
    return DatabaseUnavailable(message)


def _what_is_damaged(message: str, url: str) -> str:
    """Which table or index it is, and what to do."""
    name, is_index, table = _owner(message, url)
    restore = (
        "check the disk, then restore the database from a backup, or give it an empty place (database.data_dir or "
        "database.url) and let the next run do everything again"
    )
    if is_index:
        return (
            f"the index {name} of table {table} is damaged; no row is lost: rebuild it with `REINDEX INDEX {name}` "
            "in `python run.py db shell`, and check the disk"
        )
    if table is not None:
        return f"the table {table} is damaged on disk; {restore}"
    return f"files of the database are damaged; {restore}"


def _owner(message: str, url: str) -> tuple[str | None, bool, str | None]:
    """The relation of the file a message names: name, whether it is an index, and table; None where unknown."""
    nobody = (None, False, None)
    file, index = _FILE.search(message), _INDEX.search(message)
    if file is None and index is None:
        return nobody
    parameters = {"filenode": int(file.group(1)) if file else 0, "name": index.group(1) if index else None}
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            name, is_index, table = (
                connection.execute(question("database/owner_of_file"), parameters).fetchone() or nobody
            )
    except psycopg.Error:
        return nobody
    return name, is_index, table
