"""What runs left without a row."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from db.connection import Database
from db.ledger.store import PostgresStore
from db.queries.runs import UnfinishedRun, unfinished_runs

NOTHING = {"found": 3, "done": 3, "waiting": 0, "left": 0}


def ended(counts: dict[str, int], skipped: dict[str, int] | None = None) -> Callable[[Database], None]:
    def run(database: Database) -> None:
        store = PostgresStore(database)
        run_id = store.begin_run({}, "x", "host", ["file:///calls"])
        store.end_run(run_id, 0, counts, {"skipped": skipped or {}})
        store.close()

    return run


def killed(database: Database) -> None:
    """Its row says `running`, and nobody holds its lock; the server frees it a moment after the connection went."""
    store = PostgresStore(database)
    run_id = store.begin_run({}, "x", "host", ["file:///calls"])
    store.close()
    with database.connection() as connection:
        while connection.execute("SELECT run_is_alive(%s)", [run_id]).fetchone() == (True,):
            time.sleep(0.01)


def facts(run: UnfinishedRun) -> dict[str, Any]:
    names = ("under_way", "broke_off", "waiting", "left", "not_opened")
    return {name: value for name in names if (value := getattr(run, name))}


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([ended(NOTHING)], []),
        ([ended(NOTHING, {"too_short": 4, "other_type": 9})], []),
        ([ended({**NOTHING, "left": 2, "waiting": 1})], [{"left": 2, "waiting": 1}]),
        ([ended(NOTHING, {"bad_archive": 2, "too_short": 1})], [{"not_opened": {"bad_archive": 2}}]),
        ([killed], [{"broke_off": True}]),
        ([ended({**NOTHING, "left": 2}), ended(NOTHING)], []),
        ([killed, ended(NOTHING)], []),
        ([ended(NOTHING), killed], [{"broke_off": True}]),
    ],
    ids=["whole", "skipped has rows", "left", "archive", "killed", "made up for", "gone on with", "killed at last"],
)  # fmt: skip
def test_the_newest_run_over_an_input_says_what_has_no_row(
    database: Database, runs: list[Callable[[Database], None]], told: list[dict[str, Any]]
) -> None:
    for run in runs:
        run(database)
    assert [facts(one) for one in unfinished_runs(database)] == told


def test_each_input_has_its_newest_run_and_the_service_none(store: PostgresStore, database: Database) -> None:
    for inputs, left in ((["file:///a"], 1), (["file:///b"], 2), (["jobs:/handed-in"], 3)):
        run_id = store.begin_run({}, "x", "host", inputs)
        store.end_run(run_id, 0, {"left": left}, {})
    assert [one.left for one in unfinished_runs(database)] == [2, 1]


def test_a_run_under_way_is_told(store: PostgresStore, database: Database) -> None:
    store.begin_run({}, "x", "host", ["file:///a"])
    assert [facts(one) for one in unfinished_runs(database)] == [{"under_way": True}]
