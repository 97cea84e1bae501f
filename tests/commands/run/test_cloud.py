"""Runs with a cloud recogniser, against a server on loopback that answers as Deepgram does."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.materials.recordings import sample_speech as speech
from bench.materials.recordings import write_wav
from db.embedded.server import EmbeddedServer
from tests.commands.running import NO_MODELS, Workplace
from tests.databases import TEMPLATE, fresh_database
from tests.pipeline.transcription.engines.cloud.servers import DeepgramServer

pytest.importorskip("deepgram", reason="the extra deepgram is not installed")

NAMES = tuple(f"20260901-1000{n:02d}_inbound.wav" for n in range(5))
KEY = "dg-a-key-that-nobody-may-read"


@pytest.fixture
def place(server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    monkeypatch.setenv("DEEPGRAM_API_KEY", KEY)
    talk, calls = speech(60.0), tmp_path / "calls"
    calls.mkdir()
    for number, name in enumerate(NAMES):
        path = write_wav(calls / name, talk[number * 60_000 :][:64_000])
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    for url in fresh_database(server, TEMPLATE):
        yield Workplace(calls, tmp_path / "output", url)


@pytest.fixture
def service() -> Iterator[DeepgramServer]:
    server = DeepgramServer()
    yield server
    server.stop()


def settings(service: DeepgramServer, **more: Any) -> list[str]:
    return [
        *NO_MODELS,
        "transcription.engines=[deepgram]",
        f"transcription.deepgram.base_url={service.url}",
        "transcription.deepgram.concurrency=1",
        "transcription.trust_gates.enabled=false",
        "run.order=oldest", "run.decode_workers=1",
        *(f"transcription.{name}={value}" for name, value in more.items()),
    ]  # fmt: skip


def report_of(place: Workplace) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(place.newest("performance_report_*.json").read_text("utf-8"))
    return content


def test_a_ceiling_of_cost_stops_the_run_before_it_is_crossed_and_the_next_goes_on(
    place: Workplace, service: DeepgramServer
) -> None:
    priced = {"deepgram.usd_per_minute": 6.0}
    run = place.run(settings=settings(service, **priced, max_cost_usd=1.3))
    assert run.returncode == 0, run.stderr
    report = report_of(place)
    told = " ".join((run.stdout + run.stderr).split())
    assert "stopped as planned: transcription.max_cost_usd 1.3 leaves no room" in told
    assert f"it is sent to {service.url}" in told
    left = [one["file_name"] for one in place.statuses()["files"] if one["status"] == "left"]
    assert 1 <= len(left) < len(NAMES)
    assert report["counts"]["left"] == len(left)
    assert report["counts"]["failed"] == 0
    billed_s = sum(-(-len(channels) // 16_000) * channels.shape[1] for channels in service.heard)
    assert report["transcription_billed_s"] == billed_s
    assert report["transcription_cost_usd"] == pytest.approx(billed_s * 0.1)
    assert report["transcription_cost_usd"] <= 1.3
    assert f"transcription services: {billed_s / 60:.1f} min billed, {billed_s * 0.1:.2f} USD" in told
    (row,) = place.rows("SELECT exit_code, report->>'transcription_cost_usd' AS cost FROM runs")
    assert row["exit_code"] == 0
    assert float(row["cost"]) == pytest.approx(billed_s * 0.1)

    before = len(service.heard)
    again = place.run(settings=settings(service, **priced, max_cost_usd=100))
    assert again.returncode == 0, again.stderr
    rows = place.rows("SELECT asr_engine, asr_model, transcription FROM calls WHERE status = 'done'")
    assert [(row["asr_engine"], row["asr_model"]) for row in rows] == [("deepgram", "nova-3")] * len(NAMES)
    assert all(row["transcription"] for row in rows)
    whole = place.rows("SELECT coalesce(sum(c), 0) AS n FROM (SELECT count(*) AS c FROM chunks GROUP BY call_id) k")
    assert whole[0]["n"] >= len(NAMES)
    assert len(service.heard) > before
    kept = [path.read_text("utf-8", "replace") for path in place.output.rglob("*") if path.is_file()]
    assert not any(KEY in text for text in [*kept, run.stdout, run.stderr, again.stdout, again.stderr])


def test_a_dry_run_says_the_price_and_sends_nothing(place: Workplace, service: DeepgramServer) -> None:
    run = place.run("--dry-run", settings=settings(service, **{"deepgram.usd_per_minute": 0.6}, max_cost_usd=0.1))
    assert run.returncode == 0, run.stderr
    told = " ".join(run.stdout.split())
    assert "at most about 0.40 USD for 0.7 minutes billed by deepgram at 0.6 USD a minute" in told
    assert "stops before it crosses transcription.max_cost_usd (0.1 USD)" in told
    assert "time: not known; a trial sends nothing, and deepgram would be sent the audio" in told
    unknown = place.run("--dry-run", settings=settings(service))
    assert "billed by deepgram, price unknown (transcription.deepgram.usd_per_minute)" in " ".join(
        unknown.stdout.split()
    )
    assert service.heard == []


def test_a_cloud_recogniser_is_never_a_fallback_unasked(place: Workplace, service: DeepgramServer) -> None:
    chosen = [*settings(service), "transcription.engines=[scripted,deepgram]"]
    run = place.run(settings=chosen)
    assert run.returncode == 2
    assert "transcription.cloud_as_fallback" in run.stderr
    gone = "transcription.scripted.unavailable=planted"
    run = place.run(settings=[*chosen, "transcription.cloud_as_fallback=true", gone])
    assert run.returncode == 0, run.stderr
    assert f"it is sent to {service.url}" in " ".join(run.stderr.split())
    assert len(place.rows("SELECT 1 FROM calls WHERE asr_engine = 'deepgram'")) == len(NAMES)
