"""/healthz, /readyz and /metrics over a real database, also one that is gone."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from pathlib import Path
from typing import cast

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from db.connection import Database
from db.ledger.work.claims import PostgresClaims
from db.queries.chosen import RowScope
from pipeline.config.areas.database import DatabaseSettings
from pipeline.config.areas.service import MonitoringSettings, ServiceSettings
from pipeline.config.root import Settings
from pipeline.presence import ProviderUse, WorkerReport
from service.access import Principal, Scope
from service.app import application
from service.monitoring.room import watch
from tests.pinned import assert_pinned
from tests.service.conftest import LOOPBACK, all_heard
from tests.service.monitoring.conftest import Seen


def claims_of(database: Database, worker: str = "here-1-x") -> PostgresClaims:
    return PostgresClaims(database, worker, "hash", 60.0)


REPORT = WorkerReport(
    engine="faster_whisper",
    model="base",
    providers={"openai_chat": ProviderUse(4, 3, False)},
    totals={"calls_done": 5, "audio_s": 60.5, "llm_asked:openai_chat": 4, "llm_answered:openai_chat": 3},
)


def test_a_process_that_lives_says_so(seen: Seen) -> None:
    answer = seen.browser.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_without_a_worker_the_service_is_degraded_and_with_one_it_is_ready(
    database: Database, settings: Settings
) -> None:
    app = FastAPI()
    watch(app, database, settings, kept_s=-1)
    seen = Seen(TestClient(app))
    status, told = seen.readiness()
    assert (status, told["status"], told["reasons"]) == (200, "degraded", ["workers"])
    claims_of(database).present(REPORT)
    status, told = seen.readiness()
    assert (status, told["status"], told["reasons"]) == (200, "ready", [])
    assert told["checks"]["workers"]["detail"] == "1 worker, faster_whisper"
    claims_of(database).present(REPORT, leaving=True)
    assert seen.readiness()[1]["reasons"] == ["workers"]


def test_a_database_that_is_gone_makes_it_unready_and_not_dead(tmp_path: Path, settings: Settings) -> None:
    nobody = "postgresql://earshot:hunter2@127.0.0.1:1/earshot"
    with Database(DatabaseSettings(url=nobody, connect_timeout_s=1, patience_s=0), nobody, None) as database:
        app = application(database, settings, tmp_path / "spool", all_heard)
        with TestClient(app, base_url=LOOPBACK) as browser:
            answer = browser.get("/readyz")
            assert answer.status_code == 503
            assert set(answer.json()["reasons"]) == {"database", "workers"}
            assert "127.0.0.1" not in answer.text
            assert "hunter2" not in answer.text
            assert browser.get("/healthz").status_code == 200
            assert "earshot_database_up 0.0" in browser.get("/metrics").text


def test_full_disks_make_it_unready_and_are_named(database: Database, tmp_path: Path) -> None:
    full = Settings(service=ServiceSettings(monitoring=MonitoringSettings(min_free_disk_gb=1e9)))
    with TestClient(application(database, full, tmp_path, all_heard), base_url=LOOPBACK) as browser:
        answer = browser.get("/readyz")
    assert answer.status_code == 503
    assert {"disk_recordings", "disk_spool", "disk_output"} < set(answer.json()["reasons"])
    assert str(tmp_path) not in answer.text


def test_figures_of_the_queue_and_the_workers(database: Database, seen: Seen, run_id: str) -> None:
    claims = claims_of(database)
    claims.enqueue(run_id, {f"file:///{name}": "{}" for name in "abc"})
    claims.claim(None, 1)
    claims.present(replace(REPORT, providers={**REPORT.providers, "anthropic": ProviderUse(2, 0, True)}))
    figures = seen.figures()
    assert figures["earshot_queue_calls", ()] == 2
    assert figures["earshot_queue_oldest_seconds", ()] >= 0
    assert figures["earshot_claims_held", ()] == 1
    assert figures["earshot_workers", (("engine", "faster_whisper"),)] == 1
    assert figures["earshot_calls_done_total", ()] == 5
    assert figures["earshot_recognised_audio_seconds_total", ()] == 60.5
    assert figures["earshot_llm_answered_total", (("provider", "openai_chat"),)] == 3
    assert figures["earshot_llm_silent", (("provider", "openai_chat"),)] == 0
    assert figures["earshot_llm_silent", (("provider", "anthropic"),)] == 1
    assert figures["earshot_database_up", ()] == 1
    assert figures["earshot_disk_free_bytes", (("what", "spool"),)] > 0


def test_sums_only_grow_by_what_is_new_whoever_tells_how_often(database: Database, seen: Seen) -> None:
    first, second = claims_of(database, "here-1-x"), claims_of(database, "there-2-y")
    for done in (2, 5, 5):
        first.present(WorkerReport(totals={"calls_done": done}))
    second.present(WorkerReport(totals={"calls_done": 10}))
    second.present(WorkerReport(totals={"calls_done": 11}), leaving=True)
    assert seen.figure("earshot_calls_done_total") == 16


def test_a_worker_is_forgotten_after_a_day_and_what_it_did_is_not(database: Database, url: str, seen: Seen) -> None:
    claims_of(database, "old-1-x").present(WorkerReport(totals={"calls_done": 7}))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE workers SET heartbeat_at = now() - interval '2 days'")
        claims_of(database, "new-1-x").present(WorkerReport(totals={"calls_done": 1}))
        assert connection.execute("SELECT worker FROM workers").fetchall() == [("new-1-x",)]
    assert seen.figure("earshot_calls_done_total") == 8


def test_requests_are_counted_by_route_and_never_by_address(seen: Seen) -> None:
    for _ in range(3):
        seen.browser.get(f"/calls/{uuid.uuid4()}")
        seen.browser.get(f"/nowhere/{uuid.uuid4()}")
    figures = seen.figures()
    labels = (("method", "GET"), ("route", "/calls/{call_id}"), ("status", "404"))
    assert figures["earshot_http_requests_total", labels] == 3
    labels = (("method", "GET"), ("route", "unmatched"), ("status", "404"))
    assert figures["earshot_http_requests_total", labels] == 3
    assert figures["earshot_http_request_seconds_count", (("method", "GET"), ("route", "/calls/{call_id}"))] == 3
    assert len({name for name in figures if name[0] == "earshot_http_requests_total"}) <= 3


def test_figures_hold_nothing_of_a_call_or_a_person(room: object, seen: Seen) -> None:
    """`room` stores a call; its id, its file and its words stand in no figure."""
    text = seen.browser.get("/metrics").text
    assert "<b>" not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)
    assert "file:" not in text


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text; version=1.0.0"])
def test_figures_come_in_the_form_asked_for(seen: Seen, accept: str) -> None:
    answer = seen.browser.get("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(accept.split(";", maxsplit=1)[0])
    assert "earshot_build_info" in answer.text


def test_figures_of_all_calls_are_not_for_a_token_that_sees_some(seen: Seen) -> None:
    class Narrow:
        def admit(self, _: object) -> Principal:
            return Principal(name="north", scopes=frozenset({Scope.ADMIN}), rows=RowScope(queues=("north",)))

    cast(FastAPI, seen.browser.app).state.gate = Narrow()
    assert seen.browser.get("/metrics").status_code == 403
    assert seen.browser.get("/readyz").status_code == 200


def test_all_figures_have_their_name_kind_help_and_labels(
    database: Database, url: str, seen: Seen, run_id: str
) -> None:
    claims = claims_of(database)
    claims.enqueue(run_id, {f"file:///{name}": "{}" for name in "abcde"})
    claims.claim(None, 2)
    claims.present(replace(REPORT, totals={
        "calls_done": 5, "calls_failed": 2, "calls_skipped": 3, "audio_s": 60.5, "speech_s": 20.25,
        "llm_asked:openai_chat": 4, "llm_asked:anthropic": 2, "llm_answered:openai_chat": 3,
        "llm_cost_usd:anthropic": 0.5,
    }))  # fmt: skip
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE claims SET lease_until = now() - interval '1 hour' WHERE source_uri = "
                           "(SELECT min(source_uri) FROM claims WHERE lease_until IS NOT NULL)")  # fmt: skip
    measured = r"(earshot_(?:disk|database_pool|queue_oldest|worker_silence|http)\S*) .*"
    lines = [
        re.sub(r'"[^"]*"', '""', line) if "build" in line else re.sub(f"^{measured}", r"\1", line)
        for line in seen.browser.get("/metrics").text.splitlines()
        if line.startswith(("# HELP earshot_", "# TYPE earshot_", "earshot_")) and "_created" not in line
    ]
    assert_pinned("metrics.txt", "\n".join(lines))
