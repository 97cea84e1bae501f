"""What the doctor says of machines that are well and of machines that are not; it changes nothing on either."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.doctor import engines as engines_of
from commands.doctor.finding import Finding, State
from commands.doctor.machine import folder, packages
from commands.doctor.providers import providers
from commands.doctor.services import database, destination, source
from pipeline.config.areas.buckets import S3Settings
from pipeline.config.areas.database import DatabaseSettings
from pipeline.config.areas.llm import LanguageModelSettings
from pipeline.config.areas.output import OutputSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.config.areas.speech.recognisers import ScriptedOptions
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from tests.commands.running import NO_MODELS, called
from tests.loopback import Reply, Request, listening
from tests.pipeline.sources.bucket_server import serving


@pytest.fixture
def chat_server() -> Iterator[str]:
    """Knows one key."""

    def answer(request: Request) -> Reply:
        return Reply(200 if request.headers.get("authorization") == "Bearer good" else 401)

    with listening(answer) as server:
        yield f"{server.url}/v1"


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def chat(base_url: str, key_env: str) -> LanguageModelSettings:
    return LanguageModelSettings.model_validate(
        {
            "providers": ["openai_chat", "extractive"],
            "openai_chat": {"model": "m", "base_url": base_url, "api_key_env": key_env},
        }
    )


def test_a_provider_that_answers_is_usable(chat_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCTOR_TEST_KEY", "good")
    found = by_name(providers(chat(chat_server, "DOCTOR_TEST_KEY"), 2.0))
    assert found["openai_chat"].state is State.OK
    assert found["bedrock"].state is State.NOTE
    assert "llm.bedrock.model is empty" in found["bedrock"].detail
    assert found["extractive"].state is State.OK


def test_why_a_provider_is_not_usable(chat_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCTOR_TEST_KEY", "bad")
    refused = by_name(providers(chat(chat_server, "DOCTOR_TEST_KEY"), 2.0))["openai_chat"]
    assert refused.state is State.WARNING
    assert "refused (HTTP 401)" in refused.detail
    assert "bad" not in refused.detail.split()
    silent = by_name(providers(chat("http://127.0.0.1:1/v1", "DOCTOR_TEST_KEY"), 2.0))["openai_chat"]
    assert "no answer" in silent.detail


def test_engines_in_their_order_with_reasons_and_a_verdict(tmp_path: Path) -> None:
    settings = TranscriptionSettings.model_validate(
        {
            "engines": ["faster_whisper", "scripted"],
            "faster_whisper": {"model": str(tmp_path / "nowhere")},
            "scripted": ScriptedOptions(missing="hash").model_dump(),
        }
    )
    found = engines_of.engines(settings, 1.0)
    assert [finding.name for finding in found[:2]] == ["faster_whisper", "scripted"]
    whisper, scripted = found[:2]
    assert whisper.state is State.WARNING
    assert "no such folder" in whisper.detail
    assert scripted.state is State.OK
    assert engines_of.first_on_disk(settings, found) == "scripted"
    assert list(engines_of.verdict(settings, found)) == []
    strict = settings.model_copy(update={"strict": True})
    (broken,) = engines_of.verdict(strict, found)
    assert broken.state is State.BROKEN
    assert "strict" in broken.detail


def test_folders_are_judged_without_being_made(tmp_path: Path) -> None:
    inside = tmp_path / "new" / "deeper"
    assert folder("output.directory", inside, 0.0).state is State.OK
    assert folder("output.directory", inside, 1e9).state is State.WARNING
    (tmp_path / "file").touch()
    broken = folder("output.directory", tmp_path / "file" / "out", 0.0)
    assert broken.state is State.BROKEN
    assert "output.directory" in broken.detail
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_missing_packages_are_named(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(
        '[project]\ndependencies = ["pydantic", "no-such-package>=2", "mlx; sys_platform == \'nowhere\'"]\n'
        '[project.optional-dependencies]\nextra = ["not-this-either"]\n'
    )
    base, extra = packages(project)
    assert base.state is State.BROKEN
    assert base.figures is not None
    assert set(base.figures) == {"pydantic", "no-such-package"}
    assert "no-such-package" in base.detail
    assert extra.state is State.NOTE


def test_input_and_database_that_are_not_there(tmp_path: Path) -> None:
    assert source(InputSettings(path=str(tmp_path / "none")), 1.0).state is State.BROKEN
    assert source(InputSettings(path=str(tmp_path)), 1.0).state is State.WARNING
    assert source(InputSettings(path="samples/calls"), 5.0).state is State.OK
    away = database(DatabaseSettings(url="postgresql://me:hunter2@127.0.0.1:1/x", connect_timeout_s=1))
    assert away.state is State.BROKEN
    assert "hunter2" not in away.detail
    new = database(DatabaseSettings(data_dir=tmp_path / "postgres"))
    assert new.state is State.OK
    assert list(tmp_path.iterdir()) == []


def test_the_bucket_of_the_results_is_asked_and_nothing_is_written_there() -> None:
    with serving({}) as bucket:
        s3 = S3Settings(endpoint_url=bucket.url, region="eu-central-1", anonymous=True, addressing="path", attempts=1)
        settings = OutputSettings(upload_to="s3://results/night", s3=s3)
        assert [finding.state for finding in destination(settings, 5.0)] == [State.OK]
        bucket.forbidden = True
        (refused,) = destination(settings, 5.0)
        assert refused.state is State.WARNING
        assert "s3://results/night" in refused.detail
        assert bucket.objects == {}
    assert [finding.state for finding in destination(settings, 5.0)] == [State.WARNING], "nobody there"
    assert destination(OutputSettings(), 5.0) == []


def test_a_bucket_that_does_not_answer_is_waited_for_twice_as_long_as_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        s3 = S3Settings(endpoint_url=address, region="eu-central-1", anonymous=True, addressing="path", attempts=1)
        (of_output,) = destination(OutputSettings(upload_to="s3://results/night", s3=s3), 0.02)
        of_input = source(InputSettings(path="s3://calls/today", s3=s3), 0.03)
    assert (of_output.state, of_input.state) == (State.WARNING, State.WARNING)
    assert of_output.detail == "s3://results/night: no answer in 0.04 s; see output.s3"
    assert of_input.detail == "s3://calls/today: no answer in 0.06 s; it may be slow or empty"


def doctor(folder: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    config = folder / "config.yaml"
    config.touch()
    sets = [part for setting in settings for part in ("--set", setting)]
    return called(["doctor", "--json", "--config", str(config), *sets])


def test_the_whole_examination_times_a_call_and_writes_nothing(tmp_path: Path) -> None:
    done = doctor(
        tmp_path,
        "transcription.engines=[scripted]",
        "transcription.scripted.missing=hash",
        f"database.data_dir={tmp_path}/postgres",
        f"output.directory={tmp_path}/output",
        f"run.spool_dir={tmp_path}/spool",
        "reporting.doctor.time_limit_s=240",
        *NO_MODELS,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["could_start"] is True
    stages = {f["name"]: f for f in answer["findings"] if f["area"] == "test call"}
    assert {"prepare", "load", "recognise", "analyse"} <= set(stages)
    assert stages["recognise"]["figures"]["times_real_time"] > 0
    areas = {finding["area"] for finding in answer["findings"]}
    assert areas >= {"installed", "engine", "provider", "database", "input", "disk", "memory", "time zone"}
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_machine_on_which_no_run_could_start_is_told_by_the_exit_code(tmp_path: Path) -> None:
    done = doctor(
        tmp_path,
        "transcription.engines=[faster_whisper]",
        "transcription.allow_download=false",
        f"transcription.faster_whisper.model={tmp_path}/none",
        "database.url=postgresql://a@127.0.0.1:1/b",
        "database.connect_timeout_s=1",
    )
    assert done.returncode == 3, done.stderr
    broken = [f["name"] for f in json.loads(done.stdout)["findings"] if f["state"] == "broken"]
    assert broken == ["database", "recogniser"]
