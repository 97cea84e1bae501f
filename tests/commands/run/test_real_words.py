"""A real call through the main job with Whisper's published weights: its words, on the side that said them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.embedded.server import EmbeddedServer
from pipeline.weights.packages import missing_packages
from pipeline.weights.published import WHISPER_BASE, WHISPER_TINY_EN, Published
from tests.commands.running import NO_MODELS, Workplace
from tests.databases import TEMPLATE, fresh_database
from tests.word_errors import word_errors

CALL = "0091a706bc604188"


@pytest.fixture
def place(server: EmbeddedServer, tmp_path: Path, reference_data: Path) -> Iterator[Workplace]:
    calls = tmp_path / "calls"
    calls.mkdir()
    shutil.copy2(reference_data / "calls" / "harper_valley" / f"{CALL}.wav", calls)
    for url in fresh_database(server, TEMPLATE):
        yield Workplace(calls, tmp_path / "output", url)


@pytest.mark.parametrize("row", [WHISPER_BASE, WHISPER_TINY_EN], ids=lambda row: str(row.model))
def test_a_real_calls_words_are_stored_with_the_side_that_said_them(
    row: Published, place: Workplace, reference_data: Path
) -> None:
    missing = missing_packages(row)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (pip install --no-deps {' '.join(row.requirements)})")
    chosen = (f"model={row.model}", f"revision={row.revision}", "cpu_threads=1")
    settings = ["transcription.engines=[faster_whisper]", "transcription.allow_download=false", *NO_MODELS]
    ran = place.run(settings=[*settings, *(f"transcription.faster_whisper.{setting}" for setting in chosen)])
    assert ran.returncode == 0, ran.stderr
    chunks = place.rows("SELECT role, text FROM chunks ORDER BY start_s")
    truth = json.loads((reference_data / "calls" / "harper_valley" / f"{CALL}.json").read_text("utf-8"))
    told = {role: " ".join(chunk["text"] for chunk in chunks if chunk["role"] == role) for role in ("client", "agent")}
    said = {
        role: " ".join(turn["text"] for turn in truth["turns"] if turn["role"] == who and turn["text"] != "[noise]")
        for who, role in (("caller", "client"), ("agent", "agent"))
    }
    errors = word_errors([said["client"], said["agent"]], [told["client"], told["agent"]], "en")
    assert errors.errors <= 0.15 * errors.reference_words, (errors, told)
    assert "how can i help you" in told["agent"].casefold()
    assert "my checking account" in told["client"].casefold()
