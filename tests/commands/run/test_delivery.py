"""What a run delivers, in which order, and what a kill in between costs: nothing."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from commands.report.attention import InputLimits
from commands.run.delivery import Delivered, Delivery
from db.connection import Database
from db.export.tables import CALLS
from db.ledger.store import PostgresStore
from pipeline.config.areas.run import Reprocess
from pipeline.config.root import Settings
from pipeline.errors import OutputUnavailable
from pipeline.records import CallFailure
from pipeline.run.batch import BatchResult
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.decisions import decide
from pipeline.run.planning.plan import Plan
from pipeline.run.planning.recipes import Recipe
from pipeline.run.reconcile import COUNTED, Reconciliation
from pipeline.run.tally import Tally
from tests.db.samples import found, outcome


class Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


class KilledBeforeTheMark(PostgresStore):
    """A store of a process that is killed at the mark."""

    def mark_delivered(self, call_ids: Sequence[str], run_id: str) -> None:
        raise Killed


def complete(store: PostgresStore, run_id: str, *names: str) -> None:
    for name in names:
        call_id = store.claim_call(found(name), f"sha-{name}", None)
        assert store.save_call(replace(outcome(call_id, run_id), found=found(name)))


def run_of(store: PostgresStore, *names: str) -> str:
    """A run that completed these calls and has not delivered yet."""
    run_id = store.begin_run({}, "h", "here")
    complete(store, run_id, *names)
    return run_id


def deliver(
    store: PostgresStore,
    run_id: str,
    folder: Path,
    save_mode: str = "both",
    *,
    plan: Plan | None = None,
    tally: Tally | None = None,
    stamp: str = "s",
    output: Mapping[str, object] | None = None,
) -> Delivered:
    wanted = {"directory": str(folder), "save_mode": save_mode, "transcripts": {"formats": ["txt"]}, **(output or {})}
    settings = Settings.model_validate({"output": wanted})
    delivery = Delivery(
        settings=settings.output,
        everything=settings,
        stamp=stamp,
        run_id=run_id,
        database=store.database,
        store=store,
        limits=InputLimits(),
    )
    account = Reconciliation(counts=dict.fromkeys(("found", *COUNTED), 0))
    result = BatchResult(
        plan=plan or Plan(),
        tally=tally or Tally(),
        identity=None,
        interrupted=None,
        recogniser_busy_s=0.0,
        recogniser_span_s=0.0,
        recogniser_restarts=0,
        wall_s=1.0,
        reconciliation=account,
    )
    delivered = delivery.deliver(result, PerformanceRecorder())
    store.end_run(run_id, 0, {}, dict(delivered.report))
    return delivered


def test_the_file_of_failed_calls_names_those_of_this_run_and_those_left_alone(
    store: PostgresStore, tmp_path: Path
) -> None:
    """Quarantined calls are not tried, so that only this file reminds anybody of them."""
    run_id = store.begin_run({}, "h", "here")
    failure = CallFailure(
        found=found("broken.wav"), run_id=run_id, stage="decode", error_type="AudioUndecodable", message="bad",
        transient=False,
    )  # fmt: skip
    for name in ("given-up.wav", "known.wav"):
        store.save_failure(replace(failure, found=found(name)), 1 if name == "given-up.wav" else 0)
    known = store.known_calls([found(name).source_uri for name in ("given-up.wav", "known.wav")])
    plan = Plan()
    for call in known.values():
        plan.add(
            decide(found(call.source_uri.rpartition("/")[2]), call, Reprocess.NONE, Recipe(engines=(), first=None))
        )
    deliver(store, run_id, tmp_path, plan=plan, tally=Tally(failures=[failure]))
    told = json.loads((tmp_path / "failed_calls_s.json").read_text(encoding="utf-8"))
    assert [(call["file_name"], call.get("status"), call["in_this_run"]) for call in told] == [
        ("broken.wav", None, True),
        ("given-up.wav", "quarantined", False),
        ("known.wav", "failed", False),
    ]
    assert told[0]["error_type"] == "AudioUndecodable"


def transcripts(folder: Path) -> set[str]:
    return {path.name.rpartition("-")[0] for path in (folder / "transcripts").glob("*.txt")}


def names(delivered: Delivered) -> list[str]:
    return sorted(row["file_name"] for row in delivered.rows)


def in_csv(path: Path | None) -> list[str]:
    assert path is not None
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sorted(row["file_name"] for row in csv.DictReader(file))


def test_a_kill_before_the_mark_leaves_no_call_without_its_files(
    store: PostgresStore, database: Database, tmp_path: Path
) -> None:
    """The mark came before the transcript files, which a kill in between then cost for ever."""
    run_id = run_of(store, "a.wav")
    killed = KilledBeforeTheMark(database)
    with pytest.raises(Killed):
        deliver(killed, run_id, tmp_path / "first")
    assert transcripts(tmp_path / "first") == {"a"}, "the mark comes last"
    assert in_csv(tmp_path / "first" / "results_s.csv") == ["a.wav"]
    delivered = deliver(store, run_of(store, "b.wav"), tmp_path / "second")
    assert names(delivered) == ["a.wav", "b.wav"]
    assert transcripts(tmp_path / "second") == {"a", "b"}
    assert in_csv(delivered.results_csv) == ["a.wav", "b.wav"]
    assert not store.undelivered()


def test_a_short_csv_beside_the_results(store: PostgresStore, tmp_path: Path) -> None:
    delivered = deliver(store, run_of(store, "a.wav", "b.wav"), tmp_path)
    short = tmp_path / "calls_s.csv"
    assert short in delivered.files
    assert in_csv(short) == in_csv(delivered.results_csv) == ["a.wav", "b.wav"]
    with short.open(encoding="utf-8-sig", newline="") as file:
        assert len(next(csv.reader(file))) == len(CALLS.columns)


def test_transcripts_that_cannot_be_written_leave_the_calls_undelivered(store: PostgresStore, tmp_path: Path) -> None:
    (tmp_path / "transcripts").touch()
    run_id = run_of(store, "a.wav")
    with pytest.raises(OutputUnavailable):
        deliver(store, run_id, tmp_path)
    assert store.undelivered()
    assert not list(tmp_path.glob("results_*.csv"))


def test_save_mode_database_exports_and_shows_this_runs_calls(store: PostgresStore, tmp_path: Path) -> None:
    """All calls of all time were written again each night, and the oldest forty shown."""
    first = deliver(store, run_of(store, "a.wav", "b.wav"), tmp_path / "first", "database")
    assert names(first) == ["a.wav", "b.wav"]
    second = deliver(store, run_of(store, "c.wav"), tmp_path / "second", "database")
    assert (names(second), second.results, second.results_csv) == (["c.wav"], 1, None)
    assert transcripts(tmp_path / "second") == {"c"}
    third = deliver(store, run_of(store), tmp_path / "third", "database")
    assert (third.results, third.rows) == (0, ())
    later = deliver(store, run_of(store, "d.wav"), tmp_path / "later", "csv")
    assert in_csv(later.results_csv) == ["a.wav", "b.wav", "c.wav", "d.wav"], "a CSV holds what none held before"


def test_save_mode_database_makes_up_for_a_run_killed_before_it_delivered(store: PostgresStore, tmp_path: Path) -> None:
    deliver(store, run_of(store, "a.wav"), tmp_path / "first", "database")
    run_of(store, "b.wav")
    after = deliver(store, run_of(store, "c.wav"), tmp_path / "after", "database")
    assert names(after) == ["b.wav", "c.wav"]
    assert transcripts(tmp_path / "after") == {"b", "c"}
