"""Erasing recordings from the database: rows, transcripts, what runs say of them; marks stay behind."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg

from db.ask import ask
from db.ledger.tombstones import Marks, marks_of, set_marks
from db.ledger.values import json_parameter
from db.records import record_row
from db.run_lock import RunLock
from pipeline.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from psycopg import Connection

    from db.connection import Database

Scrub = Callable[[object], object]
"""From a JSON value to the same without mentions of what is erased; the very same object where there are none."""

WITH_TEXT = (
    "calls", "transcripts", "transcript_chunks", "call_steps", "chunk_sentiments", "finished_segments", "passages",
    "runs", "human_references", "human_reference_turns", "jobs",
)  # fmt: skip
"""Tables whose space is given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasable:
    """A recording that the database knows, and all names that stand for it."""

    call_id: str
    source_uri: str
    second_uri: str | None
    file_name: str
    second_file: str | None
    audio_sha256: str | None
    size_bytes: int
    modified_at: datetime | None
    etag: str | None
    transcript_fingerprint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedRows:
    """What was deleted from the database."""

    calls: int
    transcripts: int
    unfinished_segments: int
    runs: int
    """Rows of `runs` whose report or progress named a recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneErased:
    """One call that was erased everywhere."""

    receipt: Mapping[str, Any]
    """As it lies in the output folder."""
    left: tuple[str, ...]
    """What could not be erased, and why."""


@contextmanager
def no_run_meanwhile(database: Database) -> Iterator[None]:
    """Hold the lock of runs. Raises RunLocked while a run has it."""
    lock = RunLock(database)
    try:
        lock.take()
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"database {database.name}: {error}") from error
    try:
        yield
    finally:
        lock.release()


def erasable(
    database: Database,
    *,
    before: datetime | None = None,
    call_ids: Sequence[uuid.UUID] | None = None,
    customer: str | None = None,
) -> list[Erasable]:
    """Recordings that fulfil all of it, oldest first; at least one condition has to be given."""
    assert before is not None or call_ids is not None or customer is not None
    ids = None if call_ids is None else list(call_ids)
    return ask(database, "erasure/chosen", record_row(Erasable), before=before, call_ids=ids, customer=customer)


def names_still_used(database: Database, chosen: Sequence[Erasable]) -> frozenset[str]:
    """File names of `chosen` that other recordings have as well: they do not say which one is meant."""
    ids = [uuid.UUID(one.call_id) for one in chosen]

    def work(connection: Connection[Any]) -> frozenset[str]:
        rows = connection.execute(
            "SELECT DISTINCT file_name FROM calls WHERE file_name = ANY(%s) AND call_id <> ALL(%s)",
            [[one.file_name for one in chosen], ids],
        ).fetchall()
        return frozenset(name for (name,) in rows)

    return database.patiently(work)


def marks(database: Database) -> Marks:
    """What receipts and tombstones of this database are made with."""
    return database.patiently(marks_of)


def erase_rows(database: Database, chosen: Sequence[Erasable], scrub: Scrub) -> ErasedRows:
    """Delete the recordings and set their marks, in one transaction; a transcript goes with its last call.

    A recording's bytes are marked where no other call has them. What an interrupted run had recognised of calls that
    are not finished goes as well, since nothing says whose it is: those calls are begun again.
    """
    ids = [uuid.UUID(one.call_id) for one in chosen]
    contents = sorted({one.audio_sha256 for one in chosen if one.audio_sha256})

    def work(connection: Connection[Any]) -> ErasedRows:
        connection.execute(
            "DELETE FROM jobs WHERE call_id = ANY(%s) OR source_uri = ANY(%s)",
            [ids, [one.source_uri for one in chosen]],
        )
        calls = _deleted(connection, "DELETE FROM calls WHERE call_id = ANY(%s)", ids)
        left = {
            sha
            for (sha,) in connection.execute(
                "SELECT DISTINCT audio_sha256 FROM calls WHERE audio_sha256 = ANY(%s)", [contents]
            ).fetchall()
        }
        gone = [sha for sha in contents if sha not in left]
        transcripts = _deleted(
            connection,
            """DELETE FROM transcripts t WHERE (t.audio_sha256 = ANY(%s) OR t.fingerprint = ANY(%s))
                   AND NOT EXISTS (SELECT FROM calls c WHERE c.transcript_fingerprint = t.fingerprint)
                   AND NOT EXISTS (SELECT FROM calls c WHERE c.audio_sha256 = t.audio_sha256)""",
            gone,
            [one.transcript_fingerprint for one in chosen if one.transcript_fingerprint],
        )
        segments = _deleted(connection, "DELETE FROM finished_segments")
        made = marks_of(connection)
        set_marks(
            connection,
            [
                *(made.of_address(one.source_uri, one.size_bytes, one.modified_at, one.etag) for one in chosen),
                *(made.of_content(sha) for sha in gone),
            ],
        )
        runs = _scrub_runs(connection, scrub)
        return ErasedRows(calls=calls, transcripts=transcripts, unfinished_segments=segments, runs=runs)

    return database.patiently(work)


def _deleted(connection: Connection[Any], statement: str, *parameters: object) -> int:
    """How many rows a DELETE took; statements go over in a pipeline, where only a SELECT says so in time."""
    counting = f"WITH gone AS ({statement} RETURNING 1) SELECT count(*) FROM gone"  # noqa: S608 - ours
    (number,) = connection.execute(counting.encode(), parameters).fetchone() or (0,)
    return int(number)


def mentioning_runs(database: Database, scrub: Scrub) -> int:
    """Runs whose report or progress names one of the recordings."""

    def work(connection: Connection[Any]) -> int:
        return sum(scrub(content) != content for _, content in _told_by_runs(connection))

    return database.patiently(work)


def _told_by_runs(connection: Connection[Any]) -> Iterator[tuple[uuid.UUID, dict[str, Any]]]:
    rows = connection.execute("SELECT run_id, report, progress FROM runs").fetchall()
    for run_id, report, progress in rows:
        yield run_id, {"report": report, "progress": progress}


def _scrub_runs(connection: Connection[Any], scrub: Scrub) -> int:
    changed = 0
    for run_id, content in list(_told_by_runs(connection)):
        clean: Any = scrub(content)
        if clean != content:
            connection.execute(
                "UPDATE runs SET report = %s, progress = %s WHERE run_id = %s",
                [json_parameter(clean["report"]), json_parameter(clean["progress"]), run_id],
            )
            changed += 1
    return changed


def give_back_space(database: Database) -> None:
    """Let the server overwrite what was deleted: until then its bytes lie in the tables' files."""
    from db.link import open_link

    with open_link(database.url, database.settings, silence_s=600.0, name="earshot purge") as connection:
        for table in WITH_TEXT:
            connection.execute(f"VACUUM {table}".encode())
