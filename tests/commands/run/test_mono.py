"""Mono recordings through the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.materials.recordings import sample_speech, write_wav
from db.embedded.server import EmbeddedServer
from pipeline.weights.packages import missing_packages
from pipeline.weights.published import VOICE_ENCODER
from tests.commands.running import SCRIPTED, Workplace
from tests.databases import TEMPLATE, fresh_database

VOICES_HERE = not missing_packages(VOICE_ENCODER)


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


@pytest.mark.slow
def test_a_mono_call_gets_two_speakers_and_their_roles_by_default(place: Workplace) -> None:
    """The whole path with the encoder out of its package: cut where the speaker changes, roles from the words."""
    if not VOICES_HERE:
        pytest.skip("the voice encoder's package is not installed")
    for path in place.calls.iterdir():
        path.unlink()
    speech = sample_speech()
    write_wav(place.calls / "both.wav", speech.mean(axis=1).astype("int16"))
    write_wav(place.calls / "voicemail.wav", speech[:, 1])
    run = place.run()
    assert run.returncode == 0, run.stderr
    both, voicemail = place.rows("SELECT flags, missing_reasons, call_id FROM calls ORDER BY file_name")
    assert "diarised" in both["flags"]
    assert "not_diarised" not in both["flags"]
    chunks = place.rows("SELECT channel, start_s FROM chunks WHERE call_id = %s ORDER BY start_s", both["call_id"])
    assert {chunk["channel"] for chunk in chunks} == {0, 1}
    assert [chunk["channel"] for chunk in chunks][:2] == [0, 1]
    [kept] = place.rows("SELECT state, payload, provider FROM call_steps WHERE step = 'speakers' AND state = 'done'")
    assert (kept["provider"], kept["payload"]["engine"]) == ("voices", "voices")
    assert "not_diarised" in voicemail["flags"]
    assert "one voice is heard" in voicemail["missing_reasons"]["speakers"]
    again = place.run()
    assert "0 done" in again.stdout
