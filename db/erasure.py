"""Erasing recordings from the database: rows, transcripts, what runs say of them; marks stay behind.

Others may be at work meanwhile. `withdraw` sets the marks and ends the claims: from then on nobody stores anything
about these calls, whoever works on them (`refuse_erased`, `hold`). Then files, and at last the rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import kwargs_row

from db.ask import ask
from db.ledger.addresses import first_id
from db.ledger.tombstones import Marks, before_erasing, erased_among, marks_of, set_marks, unset_marks
from db.ledger.values import json_parameter
from db.ledger.work.intake import JOBS
from db.records import record_row
from db.run_lock import ERASING, RunLock
from pipeline.errors import DatabaseUnavailable, RunLocked

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
def erasing(database: Database) -> Iterator[None]:
    """No other erasure and no delivery meanwhile. Raises RunLocked; also for a run that wants the database alone."""
    lock = RunLock(database, ERASING)
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
    """Recordings that fulfil all of it, oldest first; at least one condition has to be given.

    Those that are waiting or worked on and have no row yet come last.
    """
    assert before is not None or call_ids is not None or customer is not None
    ids = None if call_ids is None else list(call_ids)
    known = ask(database, "erasure/chosen", record_row(Erasable), before=before, call_ids=ids, customer=customer)
    if ids is not None:  # nobody knows the id of a call that has no row
        return known
    return [*known, *ask(database, "erasure/handed_in", kwargs_row(_handed_in), before=before, customer=customer)]


def _handed_in(*, source_uri: str, **columns: Any) -> Erasable:
    return Erasable(
        call_id=str(first_id(source_uri)), source_uri=source_uri, second_uri=None, second_file=None,
        transcript_fingerprint=None, **columns,
    )  # fmt: skip


def names_still_used(database: Database, chosen: Sequence[Erasable]) -> frozenset[str]:
    """File names of `chosen` that other recordings have as well: they do not say which one is meant."""
    ids = [uuid.UUID(call.call_id) for call in chosen]

    def work(connection: Connection[Any]) -> frozenset[str]:
        rows = connection.execute(
            "SELECT DISTINCT file_name FROM calls WHERE file_name = ANY(%s) AND call_id <> ALL(%s)",
            [[call.file_name for call in chosen], ids],
        ).fetchall()
        return frozenset(name for (name,) in rows)

    return database.patiently(work)


def marks(database: Database) -> Marks:
    """What receipts and tombstones of this database are made with."""
    return database.patiently(marks_of)


def in_reports(database: Database, chosen: Sequence[Erasable], but_of: str | None = None) -> Mapping[str, str]:
    """Recordings that a run under way names in its files when it ends: the run, by call_id.

    The service's own runs name none. `but_of`: a run_id that does not count.
    """

    def work(connection: Connection[Any]) -> Mapping[str, str]:
        runs = connection.execute(
            """SELECT run_id, inputs,
                   format('run %%s on %%s, since %%s,', run_id, host, date_trunc('second', started_at))
               FROM runs
               WHERE state = 'running' AND (run_is_alive(run_id) OR heartbeat_at > now() - interval '30 s')
                   AND run_id IS DISTINCT FROM %s
                   AND NOT EXISTS (SELECT FROM unnest(inputs) place WHERE starts_with(place, %s))""",
            [None if but_of is None else uuid.UUID(but_of), JOBS],
        ).fetchall()
        addresses = [uri for call in chosen for uri in (call.source_uri, call.second_uri) if uri]
        planned = connection.execute(
            "SELECT source_uri, run_id FROM claims WHERE source_uri = ANY(%s) AND run_id = ANY(%s)",
            [addresses, [run for run, _, _ in runs]],
        ).fetchall()
        return {
            call.call_id: told
            for call in chosen
            for run, inputs, told in runs
            for uri in (call.source_uri, call.second_uri)
            if uri and ((uri, run) in planned or any(_is_in(uri, address) for address in inputs))
        }

    return database.patiently(work)


def _is_in(uri: str, address: str) -> bool:
    path = uri.replace("zip://", "file://", 1)
    return path == address or path.startswith((f"{address.rstrip('/')}/", f"{address}!"))


def refuse_in_reports(database: Database, chosen: Sequence[Erasable], but_of: str | None = None) -> None:
    """Raises RunLocked."""
    for run in in_reports(database, chosen, but_of).values():
        raise RunLocked(f"{run} has this recording among its input and names it when it ends; wait for its end")


def withdraw(database: Database, chosen: Sequence[Erasable]) -> frozenset[str]:
    """Set the marks of the recordings and end the claims on them; returns the marks that are new."""

    def work(connection: Connection[Any]) -> frozenset[str]:
        before_erasing(connection)
        marks = _marks(connection, chosen)
        new = marks - erased_among(connection, marks)
        set_marks(connection, new)
        connection.execute("DELETE FROM claims WHERE source_uri = ANY(%s)", [[call.source_uri for call in chosen]])
        return new

    return database.patiently(work)


def take_back(database: Database, marks: Collection[str]) -> None:
    """What `withdraw` has set."""
    database.patiently(lambda connection: unset_marks(connection, marks))


def _marks(connection: Connection[Any], chosen: Sequence[Erasable]) -> frozenset[str]:
    """Of the addresses; and of the bytes where no other call has them."""
    made = marks_of(connection)
    addresses = (made.of_address(call.source_uri, call.size_bytes, call.modified_at, call.etag) for call in chosen)
    return frozenset([*addresses, *(made.of_content(sha) for sha in _gone_with(connection, chosen))])


def _gone_with(connection: Connection[Any], chosen: Sequence[Erasable]) -> list[str]:
    contents = sorted({call.audio_sha256 for call in chosen if call.audio_sha256})
    left = connection.execute(
        "SELECT DISTINCT audio_sha256 FROM calls WHERE audio_sha256 = ANY(%s) AND call_id <> ALL(%s)",
        [contents, [uuid.UUID(call.call_id) for call in chosen]],
    ).fetchall()
    return [sha for sha in contents if (sha,) not in left]


def erase_rows(database: Database, chosen: Sequence[Erasable], scrub: Scrub) -> ErasedRows:
    """Delete the recordings and set their marks; a transcript goes with its last call.

    A recording's bytes are marked where no other call has them. What an interrupted run had recognised of them goes as
    well.
    """
    ids, addresses = [uuid.UUID(call.call_id) for call in chosen], [call.source_uri for call in chosen]
    contents = sorted({call.audio_sha256 for call in chosen if call.audio_sha256})
    # On its own, and first: there may be many runs to look through, and nobody stores a call during what follows.
    runs = database.patiently(lambda connection: _scrub_runs(connection, scrub))

    def work(connection: Connection[Any]) -> ErasedRows:
        before_erasing(connection)
        set_marks(connection, _marks(connection, chosen))
        gone = _gone_with(connection, chosen)
        for table in ("claims", "jobs", "live_calls"):
            connection.execute(f"DELETE FROM {table} WHERE source_uri = ANY(%s)".encode(), [addresses])  # noqa: S608
        connection.execute("DELETE FROM jobs WHERE call_id = ANY(%s)", [ids])
        calls = _deleted(connection, "DELETE FROM calls WHERE call_id = ANY(%s)", ids)
        transcripts = _deleted(
            connection,
            """DELETE FROM transcripts t WHERE (t.audio_sha256 = ANY(%s) OR t.fingerprint = ANY(%s))
                   AND NOT EXISTS (SELECT FROM calls c WHERE c.transcript_fingerprint = t.fingerprint)
                   AND NOT EXISTS (SELECT FROM calls c WHERE c.audio_sha256 = t.audio_sha256)""",
            gone,
            [call.transcript_fingerprint for call in chosen if call.transcript_fingerprint],
        )
        segments = _deleted(
            connection,
            """DELETE FROM finished_segments
               WHERE audio_sha256 IS NULL OR audio_sha256 = ANY(%s) OR source_uri = ANY(%s)""",
            contents,
            addresses,
        )
        return ErasedRows(calls=calls, transcripts=transcripts, unfinished_segments=segments, runs=runs)

    return database.patiently(work)


def _deleted(connection: Connection[Any], statement: str, *parameters: object) -> int:
    """How many rows a DELETE took; statements go over in a pipeline, where only a SELECT says so in time."""
    counting = f"WITH gone AS ({statement} RETURNING 1) SELECT count(*) FROM gone"  # noqa: S608 - ours
    ((number,),) = connection.execute(counting.encode(), parameters).fetchall()
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
