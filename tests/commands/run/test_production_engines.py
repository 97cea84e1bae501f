"""The engines of real work through the main job, on tiny seeded checkpoints loaded from disk by the real path."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.materials.recordings import sample_speech as speech
from bench.materials.recordings import write_wav
from bench.materials.tiny_whisper import build_tiny_whisper
from db.embedded.server import EmbeddedServer
from tests.commands.running import NO_MODELS, Workplace, called
from tests.databases import TEMPLATE, fresh_database
from tests.house import PROJECT
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import save_checkpoint

ENGINES = ("mlx_qwen3", "faster_whisper")
GATES_OFF = (*NO_MODELS, "transcription.trust_gates.enabled=false")
"""Random weights say what no gate believes."""
TEXTS = """SELECT file_name, channel, ordinal, text, k.confidence, asr_engine, asr_model, asr_revision
    FROM chunks k JOIN calls USING (call_id) ORDER BY 1, 2, 3"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "mlx_qwen3": save_checkpoint(folder / "qwen3", end_bias=2.4),
        "faster_whisper": build_tiny_whisper(folder / "whisper"),
    }


@pytest.fixture
def place(server: EmbeddedServer, tmp_path: Path) -> Iterator[Workplace]:
    talk = speech(60.0)
    calls = tmp_path / "calls"
    calls.mkdir()
    for number in range(2):
        path = write_wav(calls / f"20260901-10000{number}_inbound.wav", talk[number * 240_000 :][:240_000])
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    for url in fresh_database(server, TEMPLATE):
        yield Workplace(calls, tmp_path / "output", url)


def settings_for(engine: str, models: dict[str, Path]) -> list[str]:
    return [f"transcription.engines=[{engine}]", f"transcription.{engine}.model={models[engine]}", *GATES_OFF]


@pytest.mark.parametrize("engine", ENGINES)
def test_calls_become_rows_once_and_say_what_made_them(place: Workplace, models: dict[str, Path], engine: str) -> None:
    chosen = settings_for(engine, models)
    first = place.run(settings=chosen)
    assert first.returncode == 0, first.stderr
    chunks = place.rows(TEXTS)
    assert len({(chunk["file_name"], chunk["channel"]) for chunk in chunks}) == 4
    assert any(chunk["text"] for chunk in chunks)
    for chunk in chunks:
        assert (chunk["asr_engine"], chunk["asr_model"]) == (engine, str(models[engine]))
        assert chunk["asr_revision"].startswith("sha256-")
        assert chunk["confidence"] is None or 0 < chunk["confidence"] <= 1
    assert any(chunk["confidence"] is not None for chunk in chunks)
    short = place.arguments(str(place.calls), "--model", str(models[engine]), settings=GATES_OFF)[2:]
    at = short.index("--input")
    again = called(short[:at] + short[at + 2 :])
    assert again.returncode == 0, again.stderr
    assert "2 unchanged" in " ".join(again.stdout.split())
    assert "recogniser:" not in again.stderr  # none was loaded to find that out
    assert place.rows(TEXTS) == chunks


@pytest.mark.parametrize("engine", ENGINES)
def test_killing_the_recogniser_in_mid_run_changes_no_word(
    place: Workplace, models: dict[str, Path], engine: str
) -> None:
    chosen = settings_for(engine, models)
    assert place.run(settings=chosen).returncode == 0
    undisturbed = place.rows(TEXTS)
    again = place.arguments("--reprocess", "all", settings=chosen)
    with subprocess.Popen(again, cwd=PROJECT, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith("WARNING  recogniser:"):  # it has loaded, and is given work now
                recogniser_of(run.pid).kill()
                break
        said = " ".join(run.stderr.read().split())
    assert run.returncode == 0, said
    assert "the recogniser was restarted (1 so far)" in said
    assert place.rows(TEXTS) == undisturbed


def recogniser_of(pid: int) -> psutil.Process:
    """The child that has mapped the library of MLX or CTranslate2."""
    for child in psutil.Process(pid).children(recursive=True):
        if any(name in mapped.path for mapped in child.memory_maps() for name in ("libmlx", "ctranslate2")):
            return child
    raise AssertionError("no child of the run has loaded a recogniser")
