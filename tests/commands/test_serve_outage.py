"""The service while something it stands on is denied or killed: it answers, says what is missing, and loses nothing."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.encryption.keys import new_key
from pipeline.encryption.sealed import is_sealed
from tests.analysis.llm.servers import fails
from tests.commands.running import SCRIPTED
from tests.commands.test_serve import SAMPLE, places, serving
from tests.loopback import listening
from tests.waiting import PATIENCE_S, until


@pytest.fixture
def refusing() -> Iterator[str]:
    """A language model that refuses whoever asks."""
    with listening(fails(401, message="no such key", type="invalid_request_error")) as server:
        yield f"{server.url}/v1"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.touch()
    return path


def submit(client: httpx.Client, request_id: str) -> dict[str, Any]:
    with SAMPLE.open("rb") as file:
        answer = client.post("/v1/jobs", files={"recording": file}, headers={"X-Request-ID": request_id})
    assert answer.status_code == 202, answer.text
    assert answer.headers["X-Request-ID"] == request_id
    told: dict[str, Any] = answer.json()
    return told


def readiness(client: httpx.Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def figures(client: httpx.Client) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(one.name, ",".join(one.labels.values())): one.value for family in families for one in family.samples}


def workers_of(pid: int) -> list[psutil.Process]:
    """The service's children that have children: a recogniser and decoders."""
    with contextlib.suppress(psutil.NoSuchProcess):  # one that ends meanwhile
        return [one for one in psutil.Process(pid).children() if one.children()]
    return []


@pytest.mark.slow
def test_a_language_model_that_refuses_and_a_worker_that_is_killed_cost_no_call(
    config: Path, url: str, tmp_path: Path, refusing: str
) -> None:
    """And the call is followed from its request to its row; its recording lies encrypted."""
    key = tmp_path / "key"
    key.write_text(new_key())
    key.chmod(0o600)
    settings = [
        *places(tmp_path, url), *SCRIPTED, "run.decode_workers=1", "run.stop_grace_s=1", "run.lease_s=10",
        "llm.providers=[openai_chat, extractive]", "summary.method=llm",
        f"llm.openai_chat.base_url={refusing}", "llm.openai_chat.model=any",
        f"encryption.key=file:{key}", "encryption.recordings=true", "encryption.spool=true",
    ]  # fmt: skip
    with serving(config, settings) as (client, running):
        job = submit(client, "order-77")
        told = until(lambda: (now := client.get(job["links"]["job"]).json())["ended_at"] and now)
        assert told["state"] == "done"
        status, ready = until(lambda: (now := readiness(client))[1]["reasons"] and now)
        assert (status, ready["status"], ready["reasons"]) == (200, "degraded", ["workers"])
        assert "openai_chat did not answer" in ready["checks"]["workers"]["detail"]
        assert client.get(told["links"]["page"]).status_code == 200
        (kept,) = (path for path in (tmp_path / "recordings").rglob("*.wav"))
        assert is_sealed(kept)
        assert client.get(f"/calls/{told['call_id']}/audio").content == SAMPLE.read_bytes()

        (worker,) = until(lambda: workers_of(running.pid))
        worker.kill()
        again = submit(client, "order-78")
        assert client.get("/v1/jobs").status_code == 200
        until(lambda: client.get(again["links"]["job"]).json()["ended_at"])
        wanted = {("earshot_jobs", "done"): 2, ("earshot_queue_calls", ""): 0, ("earshot_llm_silent", "openai_chat"): 1}
        until(lambda: wanted.items() <= figures(client).items())  # the new worker reports on its own, after the call
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_S) == 0
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT j.request_id, c.status FROM jobs j JOIN calls c USING (call_id) ORDER BY j.created_at"
        ).fetchall()
    assert rows == [("order-77", "done"), ("order-78", "done")]
    by_file = {
        path.name
        for path in (tmp_path / "output" / "logs").glob("*.jsonl")
        for line in path.read_text().splitlines()
        if json.loads(line).get("request_id") == "order-77"
    }
    assert len(by_file) == 2, "the service's log and the worker's"


@pytest.mark.slow
def test_without_a_recogniser_calls_are_taken_in_and_wait(config: Path, url: str, tmp_path: Path) -> None:
    settings = [
        *places(tmp_path, url), "transcription.engines=[faster_whisper]", "transcription.strict=true",
        f"transcription.faster_whisper.model={tmp_path / 'nowhere'}", "run.decode_workers=1", "run.stop_grace_s=1",
        "service.monitoring.min_free_disk_gb=0",
    ]  # fmt: skip
    with serving(config, settings) as (client, running):
        job = submit(client, "order-79")
        ((status, ready),) = until(
            lambda: [now for now in [readiness(client)] if "ended by" in now[1]["checks"]["workers"]["detail"]]
        )
        assert (status, ready["status"], ready["reasons"]) == (200, "degraded", ["workers"])
        assert client.get("/calls").status_code == 200
        assert client.get(job["links"]["job"]).json()["state"] in ("accepted", "queued")
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_S) == 0
