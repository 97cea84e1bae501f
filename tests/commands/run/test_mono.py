"""Mono recordings through the command line, on a machine without pyannote or with it switched off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.materials.recordings import sample_speech, write_wav
from db.embedded.server import EmbeddedServer
from tests.commands.running import SCRIPTED, Workplace
from tests.databases import TEMPLATE, fresh_database


@pytest.fixture
def place(server: EmbeddedServer, tmp_path: Path) -> Iterator[Workplace]:
    for url in fresh_database(server, TEMPLATE):
        calls = tmp_path / "calls"
        calls.mkdir()
        both = sample_speech(12.0).mean(axis=1).astype("int16")
        write_wav(calls / "one.wav", both[:96_000])
        write_wav(calls / "two.wav", both[96_000:])
        yield Workplace(calls, tmp_path / "output", url)


def test_a_mono_call_is_transcribed_and_analysed_as_unknown_with_the_reason(place: Workplace) -> None:
    run = place.run(settings=(*SCRIPTED, "diarisation.engine=none"))
    assert run.returncode == 0, run.stderr
    rows = place.rows(
        "SELECT status, flags, transcription, unknown_text_sentiment, agent_transcription, missing_reasons FROM calls"
    )
    assert len(rows) == 2
    for row in rows:
        assert row["status"] == "done"
        assert {"mono", "not_diarised"} <= set(row["flags"])
        assert row["transcription"].startswith("unknown: ")
        assert row["unknown_text_sentiment"] in {"negative", "neutral", "positive"}
        assert row["agent_transcription"] is None
        assert row["missing_reasons"]["speakers"].endswith("told apart: diarisation.engine is none")
    assert (run.stdout + run.stderr).count("diarisation.engine is none") == 1
    again = place.run(settings=(*SCRIPTED, "diarisation.engine=none"))
    assert again.returncode == 0
    kept = place.rows("SELECT state, payload FROM call_steps WHERE step = 'speakers'")
    assert [(row["state"], row["payload"]) for row in kept] == [("missing", None)] * 2, json.dumps(kept, default=str)
