"""Who works on which call: the table `claims`, reached by `pipeline.ports.Claims`.

A claim is a lease: it ends by itself when its worker no longer renews it. What a worker stores about a call, it stores
in one transaction with `hold` and `end`, under the fence of its claim (Kleppmann's fencing token): a worker that was
believed dead, and whose call another has claimed since, stores nothing.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row, scalar_row, tuple_row

from db.ask import answer, change
from db.connection import Database, worth_waiting
from db.ledger.tombstones import WITHDRAWN
from db.ledger.values import clean
from db.ledger.work import presence
from db.records import adapter
from pipeline.errors import CallWithdrawn, ClaimLost
from pipeline.handled import EndedClaim, Handled, HandledAs
from pipeline.presence import WorkerReport
from pipeline.records import Claim, ClaimStage

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.types.json import Json

ENQUEUE_BATCH = 1000
"""Calls per transaction."""

_ENQUEUE = """
    INSERT INTO claims (run_id, configuration_hash, priority, source_uri, call)
    SELECT %s, %s, %s, source_uri, call::json
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS planned (source_uri, call, place) ORDER BY place
    ON CONFLICT (source_uri) WHERE done_at IS NULL DO NOTHING
"""
_OF_OTHERS = """
    SELECT source_uri FROM claims WHERE source_uri = ANY(%s) AND done_at IS NULL AND run_id <> %s
"""
_CLAIM = """
    WITH free AS (
        SELECT claim_id FROM claims
        WHERE {scope} AND done_at IS NULL AND priority >= %(least)s
            AND (lease_until IS NULL OR (lease_until < now() AND worker <> %(worker)s))
        ORDER BY priority DESC, claim_id LIMIT {limit} FOR UPDATE SKIP LOCKED)
    UPDATE claims c SET worker = %(worker)s, lease_until = now() + make_interval(secs => %(lease_s)s),
        attempts = attempts + 1, fence = nextval('claim_fences')
    FROM free WHERE c.claim_id = free.claim_id
    RETURNING c.claim_id, c.run_id::text, c.fence, c.call, c.priority, c.attempts,
        (SELECT request_id FROM jobs j WHERE j.source_uri = c.source_uri) AS request_id,
        (SELECT traceparent FROM jobs j WHERE j.source_uri = c.source_uri) AS traceparent
"""
_SHARE = """
    (SELECT CASE WHEN number = 0 THEN %(most)s ELSE greatest(0, least(%(most)s, (
        SELECT ceil(count(*) / (2.0 * (number + 1)))::integer FROM (
            SELECT FROM claims WHERE {scope} AND done_at IS NULL
            LIMIT 2 * (number + 1) * (%(in_hand)s + %(most)s)) AS undone) - %(in_hand)s)) END
     FROM (SELECT count(*) AS number FROM workers WHERE configuration_hash = %(hash)s AND worker <> %(worker)s
           AND ended_at IS NULL AND heartbeat_at > now() - make_interval(secs => %(silent_s)s)) AS others)
"""
"""Half of the calls not done with, divided by the workers there are, less what this one has: factoring (Hummel,
Schonberg and Flynn 1992). The other half is left for whoever is ready first. Alone, a worker takes what it can hold.
Calls are counted only as far as they matter."""
_SILENT_S = 15.0
"""A worker that gave no sign of life for so long (three were due) is not waited for."""
_SCOPE = {True: "configuration_hash = %(hash)s", False: "run_id = %(run_id)s"}
"""By whether the calls of all runs are meant, or those of one."""
_LOWEST = -32_768
"""Of a smallint."""
_LATE = timedelta(minutes=1)
"""Longest time between the beginning of a transaction that ends a claim, which gives `done_at`, and its COMMIT."""


class PostgresClaims:
    """`Claims` of one worker. The database is closed by whoever opened it."""

    def __init__(self, database: Database, worker: str, configuration_hash: str, lease_s: float) -> None:
        """`worker`: a name that no other has, now or later. `lease_s`: from a claim or its renewal on."""
        self._database = database
        self.worker = worker
        self._hash = configuration_hash
        self._lease_s = lease_s

    def enqueue(self, run_id: str, calls: Mapping[str, str], priority: int = 0) -> Collection[str]:
        run, left = uuid.UUID(run_id), list(calls.items())
        in_other_hands: set[str] = set()
        for start in range(0, len(left), ENQUEUE_BATCH):
            some = {clean(uri): (uri, call) for uri, call in left[start : start + ENQUEUE_BATCH]}
            uris, planned = list(some), [call for _, call in some.values()]

            def work(connection: Connection[Any], uris: list[str] = uris, planned: list[str] = planned) -> list[str]:
                connection.execute(_ENQUEUE, [run, self._hash, priority, uris, planned])
                with connection.cursor(row_factory=scalar_row) as cursor:
                    return cursor.execute(_OF_OTHERS, [uris, run]).fetchall()

            in_other_hands |= {some[uri][0] for uri in self._database.patiently(work)}
        return in_other_hands

    def claim(
        self, run_id: str | None, most: int, least_priority: int | None = None, in_hand: int | None = None
    ) -> Sequence[Claim]:
        scope = _SCOPE[run_id is None]
        limit = "%(most)s" if in_hand is None else _SHARE.format(scope=scope)
        named = {
            "least": _LOWEST if least_priority is None else least_priority,
            "worker": self.worker,
            "most": most,
            "in_hand": in_hand,
            "lease_s": self._lease_s,
            "silent_s": _SILENT_S,
            **self._scope(run_id),
            "hash": self._hash,
        }
        rows = answer(self._database, _CLAIM.format(scope=scope, limit=limit), kwargs_row(Claim), named)
        return sorted(rows, key=lambda claim: (-claim.priority, claim.claim_id))

    def renew(self, fences: Collection[int]) -> None:
        self._at_once(
            """UPDATE claims SET lease_until = now() + make_interval(secs => %s)
               WHERE fence = ANY(%s) AND worker = %s AND done_at IS NULL""",
            [self._lease_s, list(fences), self.worker],
        )

    def held(self) -> Collection[int]:
        query = "SELECT fence FROM claims WHERE worker = %s AND done_at IS NULL"
        return answer(self._database, query, scalar_row, [self.worker])

    def give_back(self, fences: Collection[int]) -> None:
        self._at_once(
            """UPDATE claims SET worker = NULL, lease_until = NULL, attempts = attempts - 1
               WHERE fence = ANY(%s) AND worker = %s AND done_at IS NULL""",
            [list(fences), self.worker],
        )

    def free_of_the_dead(self) -> None:
        """What dead processes of this machine have claimed is free at once."""
        named = "SELECT DISTINCT worker FROM claims WHERE done_at IS NULL AND starts_with(worker, %s)"
        for name in answer(self._database, named, scalar_row, [f"{socket.gethostname()}-"]):
            if _is_dead(name):
                self.free_of(name)

    def free_of(self, worker: str) -> None:
        """Should it live after all, its fences no longer hold when others have claimed what it had."""
        self._at_once(
            "UPDATE claims SET worker = NULL, lease_until = NULL WHERE worker = %s AND done_at IS NULL", [worker]
        )

    def withdraw(self, run_id: str) -> None:
        """Nobody begins the calls of a run that nobody has begun."""
        self._at_once(
            """DELETE FROM claims
               WHERE run_id = %s AND done_at IS NULL AND (worker IS NULL OR lease_until < now())""",
            [uuid.UUID(run_id)],
        )

    def ended_elsewhere(self, run_id: str, since: datetime | None) -> Sequence[EndedClaim]:
        return answer(
            self._database,
            """SELECT claim_id, call, outcome, done_at FROM claims
               WHERE run_id = %s AND done_at >= %s AND worker <> %s ORDER BY done_at""",
            kwargs_row(_ended),
            [uuid.UUID(run_id), since - _LATE if since else datetime.min.replace(tzinfo=UTC), self.worker],
        )

    def end(self, claim: Claim, handled: Handled) -> None:
        def work(connection: Connection[Any]) -> None:
            hold(connection, claim)
            end(connection, claim, handled)

        self._database.patiently(work)

    def end_as_lost(self, fences: Collection[int]) -> None:
        change(
            self._database,
            "UPDATE claims SET done_at = now(), outcome = %s WHERE fence = ANY(%s) AND done_at IS NULL",
            [_outcome(Handled(handled_as=HandledAs.LOST)), list(fences)],
        )

    def present(self, report: WorkerReport, *, leaving: bool = False) -> None:
        self._unless_away(
            lambda connection: presence.present(
                connection, self.worker, socket.gethostname(), self._hash, report, leaving=leaving
            )
        )

    def outcomes(self, run_id: str) -> Mapping[str, int]:
        query = """SELECT outcome->>'handled_as', count(*) FROM claims
                   WHERE run_id = %s AND done_at IS NOT NULL GROUP BY 1"""
        return dict(answer(self._database, query, tuple_row, [uuid.UUID(run_id)]))

    def tell_stages(self, stages: Sequence[ClaimStage]) -> None:
        self._at_once(
            """UPDATE claims c SET stage = t.stage, stage_share = t.share, audio_s = t.audio_s
               FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::real[], %s::real[])
                   AS t (claim_id, fence, stage, share, audio_s)
               WHERE c.claim_id = t.claim_id AND c.fence = t.fence AND c.worker = %s AND c.done_at IS NULL""",
            [
                [claim.claim_id for claim in stages],
                [claim.fence for claim in stages],
                [claim.stage for claim in stages],
                [claim.share for claim in stages],
                [claim.audio_s for claim in stages],
                self.worker,
            ],
        )

    def left(self, run_id: str | None) -> int:
        query = f"SELECT count(*) FROM claims WHERE {_SCOPE[run_id is None]} AND done_at IS NULL"  # noqa: S608
        (number,) = answer(self._database, query, scalar_row, self._scope(run_id))
        return int(number)

    def _scope(self, run_id: str | None) -> dict[str, object]:
        return {"hash": self._hash} if run_id is None else {"run_id": uuid.UUID(run_id)}

    def _at_once(self, statement: str, parameters: Sequence[object]) -> None:
        self._unless_away(lambda connection: connection.execute(statement.encode(), parameters))

    def _unless_away(self, work: Callable[[Connection[Any]], object]) -> None:
        """Not patient: the next sign of life comes soon, and leases end by themselves."""
        import psycopg
        from psycopg_pool import PoolTimeout

        try:
            with self._database.connection() as connection:
                work(connection)
        except (psycopg.Error, PoolTimeout) as error:
            if not worth_waiting(error):
                raise


def worker_name() -> str:
    """This process's name: machine, process id, and a mark that no later process with this id has."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def hold(connection: Connection[Any], claim: Claim | None) -> None:
    """For the rest of the transaction nobody else can claim the call.

    A claim that has ended under the same fence still holds: a transaction may be repeated after a COMMIT whose answer
    was lost. Raises ClaimLost when another worker has it, CallWithdrawn when nobody may have it any more.
    """
    if claim is None:
        return
    with connection.cursor(row_factory=scalar_row) as cursor:
        fences = cursor.execute("SELECT fence FROM claims WHERE claim_id = %s FOR UPDATE", [claim.claim_id]).fetchall()
    if not fences:
        raise CallWithdrawn(WITHDRAWN)
    if fences != [claim.fence]:
        raise ClaimLost("another worker has claimed the call: nothing was stored")


def end(connection: Connection[Any], claim: Claim | None, handled: Handled) -> None:
    """The call is done with; for a transaction that holds the claim."""
    if claim is not None:
        connection.execute(
            "UPDATE claims SET done_at = now(), outcome = %s WHERE claim_id = %s", [_outcome(handled), claim.claim_id]
        )


def _is_dead(worker: str) -> bool:
    """Of a name that `worker_name` made on this machine."""
    import psutil

    process = worker.removeprefix(f"{socket.gethostname()}-").partition("-")[0]
    return process.isdigit() and not psutil.pid_exists(int(process))


def _ended(*, outcome: Any, **columns: Any) -> EndedClaim:
    return EndedClaim(handled=adapter(Handled).validate_python(outcome), **columns)


def _outcome(handled: Handled) -> Json:
    """Bytes of file names that are no UTF-8 included: type json keeps escapes as they are written."""
    from psycopg.types.json import Json

    return Json(adapter(Handled).dump_python(handled, mode="json", warnings=False), dumps=json.dumps)
