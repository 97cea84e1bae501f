"""An urgent call goes before a night's batch: the next window that is recognised is its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from commands.evaluate.comparison.claims_in_memory import ClaimsInMemory
from db.connection import Database
from db.ledger.store import PostgresStore
from db.ledger.work.claims import PostgresClaims
from pipeline.config.areas.run import RunSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.records import Claim
from pipeline.run.desk import Desk
from pipeline.run.joined_worker import JoinedWorker
from pipeline.run.planning.claimed import as_json
from pipeline.run.planning.plan import Action, PlannedCall
from pipeline.run.planning.recipes import Recipe
from pipeline.run.processes.recogniser_child import Recogniser
from pipeline.sources.addressed import AddressedSource
from pipeline.sources.source import build_source
from pipeline.transcription.engine import SegmentRequest, SegmentResult
from tests.pipeline.run.planted import PlantedRecogniser
from tests.pipeline.run.test_batch import Silent, planted_parts
from tests.waiting import until


class GatedRecogniser(PlantedRecogniser):
    """Writes down each window as it begins it, and does not end it before the gate is open."""

    def __init__(self, folder: Path) -> None:
        super().__init__(None)
        self._folder = folder

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        for request in requests:
            with (self._folder / "begun").open("a", encoding="utf-8") as file:
                file.write(f"{request.place.file_name if request.place else ''}\n")
            while not (self._folder / "gate").exists():
                time.sleep(0.01)
            yield SegmentResult(key=request.key, text="words", language="en")


def build_gated(folder: Path, skip: Mapping[str, str] | None = None) -> Recogniser:
    return GatedRecogniser(folder)


def begun(folder: Path) -> list[str]:
    path = folder / "begun"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def planned_in(folder: Path, *names: str) -> dict[str, str]:
    """JSON by address, as a planner enqueues it."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(bytes(2000))
        os.utime(folder / name, (time.time() - 3600, time.time() - 3600))
    found = build_source(InputSettings(path=str(folder))).discover()
    calls: list[Any] = [item for item in found if item.file_name in names]
    return {call.source_uri: as_json(PlannedCall(found=call, action=Action.NEW)) for call in calls}


def test_the_window_after_the_one_under_way_is_the_urgent_calls(database: Database, tmp_path: Path) -> None:
    """Every queue is full by then: calls fetched, prepared, and windows in the recogniser's process."""
    settings = RunSettings(spool_dir=tmp_path / "spool", decode_workers=1, calls_ahead=2, segments_per_batch=3)
    planner, helping = PostgresStore(database), PostgresStore(database)
    run_id = planner.begin_run({}, "hash", "host", ["file:///night"])
    helping.join_runs()
    claims = PostgresClaims(database, "planner-1-x", "hash", 60)
    night = [f"night{number:02}.wav" for number in range(20)]
    claims.enqueue(run_id, planned_in(tmp_path / "calls", *night))
    parts = planted_parts(helping, AddressedSource(InputSettings(path="/nowhere")), build_gated, tmp_path)
    worker = JoinedWorker(settings, parts, Silent(), Recipe(engines=("planted",), first=None))
    helper = threading.Thread(target=worker.work, kwargs={"stays": True})

    def in_hand() -> list[tuple[str, str | None]]:
        with database.connection() as connection:
            return connection.execute(
                "SELECT call->'found'->>'file_name', stage FROM claims WHERE worker IS NOT NULL"
            ).fetchall()

    try:
        helper.start()
        until(lambda: len(begun(tmp_path)) == 1 and sum(stage == "recognise" for _, stage in in_hand()) >= 3)
        claims.enqueue(run_id, planned_in(tmp_path / "calls", "urgent.wav"), priority=1)
        until(lambda: ("urgent.wav", "recognise") in in_hand())
        (tmp_path / "gate").touch()
        order = until(lambda: len(begun(tmp_path)) > 2 and begun(tmp_path))
    finally:
        worker.signals.stop("done")
        (tmp_path / "gate").touch()
        helper.join(60)
        worker.close()
        planner.close()
        helping.close()
    assert order[0].startswith("night")
    assert order[1] == "urgent.wav"


class Prioritised(ClaimsInMemory):
    """Holds one urgent call back for those who ask for such."""

    def __init__(self) -> None:
        super().__init__()
        self.urgent = [Claim(claim_id=99, run_id="run", fence=99, call={}, priority=3)]

    def claim(
        self, run_id: str | None, most: int, least_priority: int | None = None, in_hand: int | None = None
    ) -> list[Claim]:
        if least_priority is None:
            return []
        taken, self.urgent = self.urgent[:most], self.urgent[most:]
        return taken


def test_a_desk_for_one_run_takes_no_urgent_calls_of_others_and_one_for_all_runs_does() -> None:
    claims = Prioritised()
    assert not Desk(claims, "run", RunSettings()).takes_urgent
    desk = Desk(claims, None, RunSettings(), stays=True)
    assert desk.takes_urgent
    first = desk.next_urgent()
    assert first is not None
    assert first.priority == 3
    assert desk.next_urgent() is None
