"""`run.py export --format redacted_audio`: what is personal is not heard in the copy."""

from __future__ import annotations

import json
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest
from typer.testing import CliRunner

from commands.app import app
from db.ledger.store import PostgresStore
from pipeline.records import TranscriptChunk
from pipeline.sources.addresses import file_uri
from tests.db.samples import chunk, found, outcome, transcript

RATE_HZ = 8000
NUMBER = "4111 1111 1111 1111"


def store_call(store: PostgresStore, run_id: str, path: Path, *chunks: TranscriptChunk) -> str:
    samples = np.full((20 * RATE_HZ, 2), 9000, dtype="<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
    call = replace(found(path.name, size=path.stat().st_size), source_uri=file_uri(str(path)))
    call_id = store.claim_call(call, path.name, None)
    words = transcript(f"f {path.name}", chunks=chunks)
    store.save_call(outcome(call_id, run_id, call, words=words, steps=()))
    return call_id


def export(url: str, folder: Path, *arguments: str) -> tuple[int, str]:
    config = folder / "config.yaml"
    config.write_text(f"database:\n  url: {url}\nrun:\n  spool_dir: {folder}/spool\n")
    done = CliRunner().invoke(
        app, ["export", str(folder / "out"), "--format", "redacted_audio", *arguments, "--config", str(config)]
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def silent_seconds(path: Path) -> list[int]:
    """Whole seconds in which nothing at all is heard on any channel."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE_HZ, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    return [second for second in range(20) if not samples[second * RATE_HZ : (second + 1) * RATE_HZ].any()]


def test_numbers_are_silent_by_word_times_and_whole_chunks_without(
    url: str, store: PostgresStore, run_id: str, tmp_path: Path
) -> None:
    timed = chunk(0, 0, 0.0, "my card number is " + NUMBER)  # eight words in two seconds: the number from 1.0 to 2.0
    untimed = chunk(0, 1, 6.0, "my card number is " + NUMBER, words=False)
    lost = replace(chunk(1, 0, 12.0, "", words=False), flags=("recognition_failed",))
    call_id = store_call(store, run_id, tmp_path / "a.wav", timed, untimed, lost, chunk(1, 1, 16.0, "thank you"))
    code, said = export(url, tmp_path)
    assert code == 0, said
    assert "1 recording, silent in 3 stretches of personal data; 2 of them a whole chunk" in said
    (copy,) = (tmp_path / "out").glob("*.wav")
    assert copy.name == f"a-{call_id[:8]}.redacted.wav"
    assert silent_seconds(copy) == [1, 6, 7, 12, 13]
    told = json.loads((tmp_path / "out" / f"a-{call_id[:8]}.redacted.json").read_text())
    assert [(one["start_s"], one["end_s"], one["what"], one["whole_chunk"]) for one in told["muted"]] == [
        (1.0, 2.0, "[CARD_1]", False), (6.0, 8.0, "[CARD_1]", True), (12.0, 14.0, "[UNHEARD]", True),
    ]  # fmt: skip
    assert "4111" not in json.dumps(told)


@pytest.mark.parametrize("words", [True, False], ids=["with its word", "without words"])
def test_what_was_redacted_before_it_was_stored_is_silent_too(
    url: str, store: PostgresStore, run_id: str, tmp_path: Path, words: bool
) -> None:
    stored = replace(chunk(0, 0, 4.0, "[CARD_1] yes", words=words), flags=("redacted",))
    store_call(store, run_id, tmp_path / "a.wav", stored)
    assert export(url, tmp_path)[0] == 0
    (copy,) = (tmp_path / "out").glob("*.wav")
    assert 4 in silent_seconds(copy)
    assert (5 in silent_seconds(copy)) is not words, "a chunk without words is silent as a whole"


def test_a_recording_without_a_copy_is_named(url: str, store: PostgresStore, run_id: str, tmp_path: Path) -> None:
    store_call(store, run_id, tmp_path / "a.wav", chunk(0, 0, 0.0, "hello"))
    (tmp_path / "a.wav").unlink()
    code, said = export(url, tmp_path)
    assert code == 1
    assert "not written: " in said
    assert "a.wav" in said
    assert not list((tmp_path / "out").iterdir())


def test_a_call_without_a_copy_does_not_stop_the_others(
    url: str, store: PostgresStore, run_id: str, tmp_path: Path
) -> None:
    names = ("a.wav", "b.wav", "c.wav", "d.wav")
    calls = {name: store_call(store, run_id, tmp_path / name, chunk(0, 0, 0.0, "hello")) for name in names}
    (tmp_path / "b.wav").unlink()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE calls SET transcript_fingerprint = NULL WHERE call_id = %s", [calls["a.wav"]])
    code, said = export(url, tmp_path)
    assert code == 1
    assert "a.wav: no transcript says what is to be silent" in said
    assert "b.wav" in said
    assert "2 recordings, silent in 0 stretches" in said
    copies = sorted(path.name[:1] for path in (tmp_path / "out").glob("*.wav"))
    assert copies == ["c", "d"]
    (told,) = (tmp_path / "out").glob("c-*.json")
    assert json.loads(told.read_text()) == {
        "call_id": calls["c.wav"],
        "copies": [{"file": f"c-{calls['c.wav'][:8]}.redacted.wav", "sample_rate_hz": RATE_HZ, "channels": 2,
                    "duration_s": 20.0, "muted_s": 0.0}],
        "muted": [],
    }  # fmt: skip
