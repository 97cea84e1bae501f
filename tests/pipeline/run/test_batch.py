"""The run with planted faults at each stage: a crash or hang costs a file, never the run."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commands.run.command import exit_code_after
from db.connection import Database
from db.embedded.server import EmbeddedServer
from db.ledger.store import PostgresStore
from db.ledger.work.claims import PostgresClaims, worker_name
from pipeline.config.areas.database import DatabaseSettings
from pipeline.config.areas.run import Reprocess, RunSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.config.root import Settings
from pipeline.errors import ModelUnavailable
from pipeline.records import (
    CallFailure,
    CallOutcome,
    CallStatus,
    Claim,
    Direction,
    EngineIdentity,
    FoundCall,
    PreparedCall,
    SegmentText,
    SkippedFile,
    StepResult,
    StepState,
    Transcript,
)
from pipeline.run.batch import Batch, BatchResult
from pipeline.run.context import BatchParts, ChildBuild
from pipeline.run.joined_worker import JoinedWorker
from pipeline.run.planning.recipes import Recipe
from pipeline.run.processes.analyser import build_analyser, in_dependency_order, keep_better, with_dependents
from pipeline.run.spool_folder import own_spool
from pipeline.run.transcripts import Transcripts
from pipeline.sources.addressed import AddressedSource
from pipeline.sources.source import CallSource, build_source
from tests.databases import TEMPLATE, fresh_database
from tests.pipeline.run.planted import (
    PlantedStep,
    build_absent,
    build_dying,
    build_erring,
    build_planted_preparer,
    build_raising,
    build_recogniser,
    build_refused,
    build_unserved,
    build_without_memory,
    planted_steps,
)


class Silent:
    """An observer that remembers notices, and tells of finished calls."""

    def __init__(self, when_finished: Callable[[], None] = lambda: None) -> None:
        self.notices: list[str] = []
        self._when_finished = when_finished

    def planned(self, total: int, total_bytes: int) -> None: ...

    def call_finished(self, found: FoundCall, status: CallStatus, detail: str) -> None:
        self._when_finished()

    def notice(self, message: str) -> None:
        self.notices.append(message)


@pytest.fixture
def url(server: EmbeddedServer) -> Iterator[str]:
    yield from fresh_database(server, TEMPLATE)


class ForgetfulStore(PostgresStore):
    """Says that it stored a call, and does not, or breaks, where the file's name asks for it."""

    def claim_call(self, found: FoundCall, audio_sha256: str, moved_from: str | None) -> str:
        if "unclaimable" in found.file_name:
            raise ArithmeticError("no column takes this")
        return super().claim_call(found, audio_sha256, moved_from)

    def save_segments(
        self,
        transcript_fingerprint: str,
        segments: Iterable[SegmentText],
        audio_sha256: str,
        claim: Claim | None = None,
    ) -> None:
        raise ArithmeticError("no column takes this")

    def save_failure(self, failure: CallFailure, quarantine_after: int) -> bool:
        if "unrecordable" in failure.found.file_name:
            raise ArithmeticError("no column takes this either")
        return super().save_failure(failure, quarantine_after)

    def save_skipped(self, skipped: Iterable[SkippedFile], run_id: str, claim: Claim | None = None) -> None:
        items = list(skipped)
        if any("unrecordable" in item.source_uri for item in items):
            raise ArithmeticError("no column takes this either")
        super().save_skipped(items, run_id, claim)

    def save_call(self, outcome: CallOutcome) -> bool:
        if "unstorable" in outcome.found.file_name:
            raise ArithmeticError("no column takes this")
        return True if "forgotten" in outcome.found.file_name else super().save_call(outcome)


class OddTranscripts(Transcripts):
    """Breaks over calls whose name begins with `odd`."""

    def assemble(
        self, prepared: PreparedCall, fingerprint: str, identity: EngineIdentity, segments: Sequence[SegmentText],
        direction: Direction | None = None,
    ) -> Transcript:  # fmt: skip
        if prepared.audio_sha256.startswith("odd"):
            raise IndexError("nobody thought of such a text")
        return super().assemble(prepared, fingerprint, identity, segments, direction)


def planted_parts(store: PostgresStore, source: CallSource, recogniser: Callable[..., Any], trap: Path) -> BatchParts:
    return BatchParts(
        source=source,
        store=store,
        claims=PostgresClaims(store.database, worker_name(), "hash", lease_s=60),
        preparer=ChildBuild(build_planted_preparer, ()),
        recogniser=recogniser,
        recogniser_arguments=(trap,),
        analyser=ChildBuild(build_analyser, (planted_steps, ())),
        transcripts=OddTranscripts(Settings()),
    )


def run(
    url: str,
    folder: Path,
    names: Sequence[str],
    *,
    store_type: type[PostgresStore] = PostgresStore,
    recogniser: Callable[..., Any] = build_recogniser,
    stop_after_first_call: bool = False,
    source: CallSource | None = None,
    **settings: Any,
) -> tuple[BatchResult, dict[str, Any]]:
    """A run over files of these names; the result, and rows by file name."""
    calls = folder / "calls"
    calls.mkdir(exist_ok=True)
    for name in names:
        (calls / name).write_bytes(bytes(0 if name.startswith("empty") else 2000))
        os.utime(calls / name, (time.time() - 3600, time.time() - 3600))
    chosen = RunSettings(
        spool_dir=folder / "spool", decode_workers=2, backoff_initial_s=0.0, fetch_timeout_s=1.0,
        **{"prepare_timeout_s": 2.0, **settings},
    )  # fmt: skip
    trap = folder / "no_trap"
    with Database(DatabaseSettings(url=url, patience_s=5), url, None) as database:
        store = store_type(database)
        parts = planted_parts(store, source or build_source(InputSettings(path=str(calls))), recogniser, trap)
        run_id = store.begin_run({}, "hash", "host")

        def when_finished() -> None:
            if stop_after_first_call:
                batch.signals.stop_at = time.time()

        observer = Silent(when_finished)
        batch = Batch(chosen, parts, observer, Recipe(engines=("planted",), first=None))
        try:
            result = batch.work(batch.plan(), run_id)
        finally:
            batch.close()
            store.end_run(run_id, 0, {}, {})
            store.close()
        return result, {**_rows(database), "notices": observer.notices}


def _rows(database: Database) -> dict[str, Any]:
    """Calls and steps by file name."""
    with database.connection() as connection:
        calls = connection.execute("SELECT file_name, status, error_type, error_message FROM calls").fetchall()
        steps = connection.execute(
            "SELECT file_name, step, s.state, s.reason FROM call_steps s JOIN calls USING (call_id)"
        ).fetchall()
    return {
        "calls": {row[0]: row[1:] for row in calls},
        "steps": {(row[0], row[1]): row[2:] for row in steps},
    }


def test_every_kind_of_fault_in_the_decoder_costs_its_file_alone(url: str, tmp_path: Path) -> None:
    names = ["good1.wav", "crash.wav", "hang.wav", "undecodable.wav", "unreadable.wav", "bug.wav", "good2.wav"]
    result, rows = run(url, tmp_path, names, attempts=1)
    assert {name: row[:2] for name, row in rows["calls"].items()} == {
        "good1.wav": ("done", None),
        "good2.wav": ("done", None),
        "crash.wav": ("failed", "WorkerCrashed"),
        "hang.wav": ("failed", "StageTimeout"),
        "undecodable.wav": ("failed", "AudioUndecodable"),
        "unreadable.wav": ("failed", "SourceUnreadable"),
        "bug.wav": ("failed", "ZeroDivisionError"),
    }
    assert result.adds_up
    assert (result.counts["done"], result.counts["failed"]) == (2, 5)
    failures = {failure.found.file_name: failure for failure in result.tally.failures}
    assert failures["undecodable.wav"].transient is False
    assert all(failures[name].transient for name in ("crash.wav", "hang.wav", "unreadable.wav", "bug.wav"))
    assert "nobody foresaw this" in (failures["bug.wav"].traceback or "")
    assert not list(tmp_path.glob("spool/*/*"))


class StolenFrom(PostgresStore):
    """Another worker claims the call when its first result is about to be stored, and dies with it."""

    stolen = False

    def save_call(self, outcome: CallOutcome) -> bool:
        if not self.stolen:
            self.stolen = True
            with self.database.connection() as connection:
                connection.execute(
                    """UPDATE claims SET worker = 'thief', fence = nextval('claim_fences'),
                           lease_until = now() + interval '0.5 s' WHERE done_at IS NULL"""
                )
        return super().save_call(outcome)


def test_a_call_that_another_worker_took_over_and_left_is_stored_once(url: str, tmp_path: Path) -> None:
    result, rows = run(url, tmp_path, ["good.wav"], store_type=StolenFrom)
    assert [message for message in rows["notices"] if "another worker has claimed the call" in message]
    assert rows["calls"]["good.wav"][0] == "done"
    assert (result.tally.done, result.adds_up) == (1, True)


class ClaimsNothing(PostgresClaims):
    """A planner that leaves all work to others."""

    def claim(
        self, run_id: str | None, most: int, least_priority: int | None = None, in_hand: int | None = None
    ) -> Sequence[Claim]:
        return ()


@pytest.mark.parametrize(
    "patience", [{"stays": True}, {"stays": False, "first_within_s": 60.0}], ids=["stays", "waits"]
)
def test_a_worker_without_a_plan_does_the_calls_of_a_run_and_the_run_accounts_for_them(
    url: str, tmp_path: Path, patience: dict[str, Any]
) -> None:
    """Both in this process, the worker before the run has planned; `bench.soak --worker-kills` has them in several."""
    calls = tmp_path / "calls"
    calls.mkdir()
    names = ["good1.wav", "good2.wav", "undecodable.wav", "short.wav"]
    for name in names:
        (calls / name).write_bytes(bytes(2000))
        os.utime(calls / name, (time.time() - 3600, time.time() - 3600))
    settings = RunSettings(spool_dir=tmp_path / "spool", decode_workers=2, backoff_initial_s=0.0)
    with Database(DatabaseSettings(url=url, patience_s=5), url, None) as database:
        store, helping = PostgresStore(database), PostgresStore(database)
        run_id = store.begin_run({}, "hash", "host", ["file:///calls"])
        helping.join_runs()
        trap, recipe = tmp_path / "trap", Recipe(engines=("planted",), first=None)
        parts = planted_parts(store, build_source(InputSettings(path=str(calls))), build_recogniser, trap)
        idle = replace(parts, claims=ClaimsNothing(database, worker_name(), "hash", lease_s=60))
        nowhere = AddressedSource(InputSettings(path="/nowhere"))
        worker = JoinedWorker(settings, planted_parts(helping, nowhere, build_recogniser, trap), Silent(), recipe)
        helper = threading.Thread(target=worker.work, kwargs=patience)
        run = Batch(settings, idle, Silent(), recipe)
        try:
            helper.start()
            result = run.work(run.plan(), run_id)
        finally:
            worker.signals.stop("done")
            helper.join(60)
            worker.close()
            run.close()
        tallies = [(one.done, one.failed, one.skipped) for one in (worker.tally, result.tally)]
        assert tallies == [(2, 1, 1), (2, 1, 1)], "the run takes over what the worker counted"
        assert result.adds_up
        assert {name: result.counts[name] for name in ("found", "done", "failed", "skipped", "left")} == {
            "found": 4, "done": 2, "failed": 1, "skipped": 1, "left": 0,
        }  # fmt: skip
        assert result.tally.by_engine == {"planted": 2}
        assert [failure.error_type for failure in result.tally.failures] == ["AudioUndecodable"]
        assert _rows(database)["calls"]["good1.wav"][0] == "done"
        store.close()
        helping.close()


def test_a_call_under_which_workers_die_fails_instead_of_killing_them_all(url: str, tmp_path: Path) -> None:
    result, rows = run(url, tmp_path, ["good.wav"], store_type=DeadlyBefore, attempts=2)
    assert rows["calls"]["good.wav"][:2] == ("failed", "WorkerCrashed")
    assert "2 workers died" in rows["calls"]["good.wav"][2]
    assert result.tally.failures[0].transient


class DeadlyBefore(PostgresStore):
    """Two workers die under every call as soon as it is planned."""

    def save_skipped(self, skipped: Iterable[SkippedFile], run_id: str, claim: Claim | None = None) -> None:
        super().save_skipped(skipped, run_id, claim)
        with self.database.connection() as connection:
            connection.execute("ALTER TABLE claims ALTER attempts SET DEFAULT 2")


class HangingBucket:
    """Offers two recordings; one never comes."""

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        for name in ("good.wav", "late.wav"):
            yield FoundCall(
                source_uri=f"s3://bucket/{name}", file_name=name, size_bytes=2000, modified_at=datetime.now(UTC)
            )

    @contextmanager
    def fetch(self, call: FoundCall, spool: Path) -> Iterator[Path]:
        if call.file_name == "late.wav":
            time.sleep(30)
        path = spool / "object.wav"
        path.write_bytes(bytes(2000))
        yield path


def test_a_download_that_hangs_fails_its_call_at_the_limit(url: str, tmp_path: Path) -> None:
    _, rows = run(url, tmp_path, [], source=HangingBucket(), attempts=1)
    assert {name: row[:2] for name, row in rows["calls"].items()} == {
        "good.wav": ("done", None),
        "late.wav": ("failed", "SourceUnreadable"),
    }
    assert "run.fetch_timeout_s" in rows["calls"]["late.wav"][2]


def test_rows_of_a_sidecar_that_match_nothing_are_told(url: str, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "calls.csv").write_text("file_name,agent_id\ngood.WAV,1\ngone.wav,2\n,4\n")
    _, rows = run(url, tmp_path, ["good.wav"])
    assert set(rows["calls"]) == {"good.wav"}
    told = [message for message in rows["notices"] if message.startswith("calls.csv: ")]
    for words, message in zip(["good.WAV (good.wav)", "gone.wav", "row 4"], told, strict=True):
        assert words in message


def test_a_call_whose_row_was_never_written_is_missed_by_the_account(url: str, tmp_path: Path) -> None:
    result, rows = run(url, tmp_path, ["good.wav", "forgotten.wav"], store_type=ForgetfulStore)
    assert rows["calls"]["good.wav"][0] == "done"
    assert not result.adds_up
    (missed,) = result.reconciliation.unaccounted
    assert missed.endswith("/forgotten.wav")
    assert result.counts == {
        "found": 2, "done": 1, "unchanged": 0, "failed": 0, "skipped": 0, "waiting": 0, "quarantined": 0, "left": 0,
    }  # fmt: skip
    assert exit_code_after(result, {}) == 1


def test_what_nobody_foresaw_of_one_call_is_recorded_and_the_run_goes_on(url: str, tmp_path: Path) -> None:
    result, rows = run(url, tmp_path, ["odd.wav", "unstorable.wav", "good.wav"], store_type=ForgetfulStore)
    assert rows["calls"] == {
        "good.wav": ("done", None, None),
        "odd.wav": ("failed", "IndexError", "IndexError: nobody thought of such a text"),
        "unstorable.wav": ("failed", "ArithmeticError", "ArithmeticError: no column takes this"),
    }
    assert all("Traceback" in (failure.traceback or "") for failure in result.tally.failures)
    assert result.adds_up, result.reconciliation.faults
    assert exit_code_after(result, {}) == 1


def test_no_single_recording_ends_the_run_whatever_the_database_says_of_it(url: str, tmp_path: Path) -> None:
    names = [
        "good.wav", "unclaimable.wav", "unstorable_unrecordable.wav", "short_unrecordable.wav", "short.wav",
        "empty_unrecordable.wav", "empty.wav",
    ]  # fmt: skip
    result, rows = run(url, tmp_path, names, store_type=ForgetfulStore)
    assert {name: row[0] for name, row in rows["calls"].items() if not name.startswith("unstorable")} == {
        "good.wav": "done", "unclaimable.wav": "failed", "short.wav": "skipped", "empty.wav": "skipped",
    }  # fmt: skip
    assert sorted(uri.rpartition("/")[2] for uri in result.reconciliation.unaccounted) == [
        "empty_unrecordable.wav", "short_unrecordable.wav", "unstorable_unrecordable.wav",
    ]  # fmt: skip
    assert not result.adds_up


def test_a_step_that_raises_or_kills_its_process_costs_that_step(url: str, tmp_path: Path) -> None:
    result, rows = run(url, tmp_path, ["good.wav", "raise.wav", "die.wav"], calls_per_batch=3)
    assert {row[0] for row in rows["calls"].values()} == {"done"}
    steps = rows["steps"]
    assert steps[("good.wav", "text")] == ("missing", "planted")
    assert steps[("good.wav", "topic")] == ("missing", "planted")
    assert steps[("raise.wav", "text")][0] == "failed"
    assert "the step broke" in steps[("raise.wav", "text")][1]
    assert steps[("raise.wav", "topic")] == ("missing", "planted")
    assert steps[("die.wav", "topic")][0] == "failed"
    assert result.counts["done"] == 3


def test_an_analyser_that_was_killed_costs_the_call_under_it_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the system for want of memory, say. The call was stored without its steps, and again by a later run."""
    monkeypatch.setenv("EARSHOT_PLANTED_MARKS", str(tmp_path))
    result, rows = run(url, tmp_path, ["die_once.wav"])
    assert (tmp_path / "died").exists()
    assert result.counts["done"] == 1
    assert rows["steps"]["die_once.wav", "topic"] == ("missing", "planted")


def test_a_later_run_fills_in_just_the_failed_step(url: str, tmp_path: Path) -> None:
    run(url, tmp_path, ["good.wav", "raise.wav"])
    result, rows = run(url, tmp_path, [])
    assert result.counts["unchanged"] == 1, "the good one is left alone"
    assert result.counts["done"] == 1
    assert rows["steps"][("raise.wav", "text")][0] == "failed"


def test_too_little_memory_slows_a_run_down_and_fails_nothing(url: str, tmp_path: Path) -> None:
    result, _ = run(url, tmp_path, [f"good{n}.wav" for n in range(5)], max_memory_gb=0.001, memory_threshold=0.5)
    assert result.counts["done"] == 5


def test_a_stop_begins_no_further_call(url: str, tmp_path: Path) -> None:
    result, rows = run(url, tmp_path, [f"good{n}.wav" for n in range(5)], max_hours=1e-9)
    assert result.planned_stop is not None
    assert "max_hours" in result.planned_stop
    assert result.interrupted is None
    assert exit_code_after(result, {}) == 0, "a planned stop is no failure"
    assert result.counts["left"] == 5
    assert result.adds_up
    assert rows["calls"] == {}


@pytest.mark.timeout(120)
def test_a_stop_by_the_clock_reaches_calls_under_way_and_what_hangs_in_a_decoder(url: str, tmp_path: Path) -> None:
    """Found by reading: the clock was only looked at while calls were handed out, and a hung decoder was waited for."""
    result, rows = run(
        url,
        tmp_path,
        ["good.wav", "hang.wav"],
        stop_after_first_call=True,
        stop_grace_s=0.5,
        prepare_timeout_s=600.0,
    )
    assert result.planned_stop is not None
    assert rows["calls"]["good.wav"][0] == "done"
    assert result.counts["left"] == 1
    assert result.adds_up, result.reconciliation.faults


def calls_of(url: str) -> list[tuple[Any, ...]]:
    with Database(DatabaseSettings(url=url), url, None) as database, database.connection() as connection:
        return connection.execute("SELECT file_name, status FROM calls ORDER BY 1").fetchall()


@pytest.mark.parametrize("reprocess", [Reprocess.NONE, Reprocess.ANALYSIS])
def test_without_a_recogniser_no_call_is_to_blame(url: str, tmp_path: Path, reprocess: Reprocess) -> None:
    """Found by reading: with --reprocess analysis each new call was marked as terminally failed."""
    with pytest.raises(ModelUnavailable, match="no weights"):
        run(url, tmp_path, ["a.wav", "b.wav"], recogniser=build_absent, reprocess=reprocess)
    assert calls_of(url) == []


@pytest.mark.parametrize(
    ("recogniser", "error_type"),
    [
        (build_erring, "RecognitionFailed"),
        (build_raising, "RecognitionFailed"),
        (build_dying, "WorkerCrashed"),
        (build_unserved, "ServiceUnavailable"),
        (build_without_memory, "MemoryExhausted"),
    ],
)
def test_a_call_that_was_not_recognised_says_what_happened(
    url: str, tmp_path: Path, recogniser: Callable[..., Any], error_type: str
) -> None:
    """All of these were `WorkerCrashed`."""
    result, rows = run(url, tmp_path, ["a.wav"], recogniser=recogniser)
    status, found, message = rows["calls"]["a.wav"]
    assert (status, found) == ("failed", error_type)
    assert message.startswith(("no segment could be recognised: ", "not all of it could be recognised: "))
    assert result.tally.failures[0].transient


def test_a_key_refused_in_mid_run_ends_it_and_blames_no_call(url: str, tmp_path: Path) -> None:
    """Each call of the night was marked as failed, by a service that would have refused any other just so."""
    with pytest.raises(ModelUnavailable, match=r"refused \(401\).*KEY"):
        run(url, tmp_path, [f"{n:02d}.wav" for n in range(6)], recogniser=build_refused)
    assert [row for row in calls_of(url) if row[1] == "failed"] == []


def test_a_service_that_is_down_ends_the_run_and_not_the_tries_of_every_call(url: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"gave no words for 3 calls in a row: 503.*run\.unserved_calls"):
        run(url, tmp_path, [f"{n:02d}.wav" for n in range(12)], recogniser=build_unserved, unserved_calls=3)
    assert len([status for _, status in calls_of(url) if status == "failed"]) <= 2


def test_a_recording_that_was_only_touched_keeps_its_analysis(url: str, tmp_path: Path) -> None:
    run(url, tmp_path, ["good.wav"])
    path = tmp_path / "calls" / "good.wav"
    os.utime(path, (time.time() - 1800, time.time() - 1800))
    result, _ = run(url, tmp_path, [])
    assert result.counts["done"] == 1
    with Database(DatabaseSettings(url=url), url, None) as database, database.connection() as connection:
        attempts = connection.execute("SELECT step, attempts FROM call_steps ORDER BY 1").fetchall()
    assert attempts == [("text", 1), ("topic", 1)]


def test_what_a_dead_run_left_in_the_spool_is_swept(tmp_path: Path) -> None:
    mine = own_spool(tmp_path)
    dead = mine.with_name(mine.name.rpartition("-")[0] + "-999999999")
    elsewhere = tmp_path / "another_host-1"
    for folder in (dead, elsewhere):
        (folder / "call").mkdir(parents=True)
    assert own_spool(tmp_path) == mine
    assert not dead.exists()
    assert elsewhere.exists()


def test_steps_run_behind_those_they_read_and_a_circle_is_refused() -> None:
    first, second = PlantedStep("a", ""), PlantedStep("b", "")
    first.after = ("b",)
    assert [step.name for step in in_dependency_order([first, second])] == ["b", "a"]
    second.after = ("a",)
    with pytest.raises(ValueError, match="wait for each other"):
        in_dependency_order([first, second])


def step_result(name: str, fingerprint: str, state: StepState) -> StepResult:
    return StepResult(step=name, fingerprint=fingerprint, state=state, payload=None, reason=None)


@pytest.mark.parametrize(
    ("before", "now", "replaced"),
    [
        (None, ("f+fallback", StepState.DONE), True),
        (("f", StepState.DONE), ("f", StepState.DONE), True),
        (("old", StepState.DONE), ("f", StepState.DONE), True),
        (("old", StepState.DONE), ("f", StepState.MISSING), True),
        (("old", StepState.DONE), ("f+fallback", StepState.DONE), False),
        (("old", StepState.DONE), ("f", StepState.FAILED), False),
        (("old+fallback", StepState.DONE), ("f+fallback", StepState.DONE), True),
        (("old", StepState.FAILED), ("f", StepState.FAILED), True),
    ],
)
def test_a_fallback_answer_never_replaces_a_better_one(
    before: tuple[str, StepState] | None, now: tuple[str, StepState], replaced: bool
) -> None:
    earlier = {} if before is None else {"summary": step_result("summary", *before)}
    result = step_result("summary", *now)
    (stored,) = keep_better([result], earlier)
    assert stored.kept is not replaced
    if replaced:
        assert stored is result
    else:
        assert stored.fingerprint == "old"


def test_a_result_that_stays_says_why_it_was_not_made_anew_and_says_it_once() -> None:
    before = replace(step_result("summary", "old", StepState.DONE), reason="two lines left out")
    failing = replace(step_result("summary", "f", StepState.FAILED), reason="chat: 503", services={"chat": "503"})
    (stored,) = keep_better([failing], {"summary": before})
    (again,) = keep_better([failing], {"summary": stored})
    assert stored.reason == again.reason == "two lines left out; kept from an earlier run, since now: chat: 503"
    assert again.services == {"chat": "503"}


def test_steps_that_read_a_redone_one_are_redone_too() -> None:
    text, fusion, topic = PlantedStep("text", ""), PlantedStep("fusion", ""), PlantedStep("topic", "")
    fusion.after = ("text",)
    assert with_dependents([text, fusion, topic], {"text"}) == {"text", "fusion"}
    assert with_dependents([text, fusion, topic], {"topic"}) == {"topic"}
