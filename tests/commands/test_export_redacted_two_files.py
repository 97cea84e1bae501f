"""Copies of a call that has a file for each side."""

from __future__ import annotations

import json
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np

from db.ledger.store import PostgresStore
from pipeline.config.areas.sources import InputSettings
from pipeline.records import FoundCall
from pipeline.sources.addresses import file_uri
from pipeline.sources.folder import NamedFilesSource
from tests.commands.test_export_redacted_audio import NUMBER, RATE_HZ, export
from tests.db.samples import chunk, outcome, transcript


def record(path: Path, level: int) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(np.full(8 * RATE_HZ, level, dtype="<i2").tobytes())


def heard(path: Path) -> list[int]:
    """The level in each second."""
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(8, RATE_HZ)
    return [int(second[RATE_HZ // 2]) for second in samples]


def test_each_side_has_its_copy_under_its_number(url: str, store: PostgresStore, run_id: str, tmp_path: Path) -> None:
    record(tmp_path / "a-in.wav", 9000)
    record(tmp_path / "a-out.wav", 3000)
    (call,) = NamedFilesSource([str(tmp_path / "a-in.wav")], InputSettings()).discover()
    assert isinstance(call, FoundCall)
    assert (call.source_uri, len(call.sides)) == (file_uri(str(tmp_path / "a-in.wav")), 2)
    call_id = store.claim_call(call, "a", None)
    said = replace(chunk(0, 0, 2.0, "my card number is " + NUMBER), words=None)
    store.save_call(outcome(call_id, run_id, call, words=transcript("f", chunks=(said,)), steps=()))
    code, told = export(url, tmp_path)
    assert code == 0, told
    stem = f"a-in-{call_id[:8]}.redacted"
    levels = {path.name: heard(path) for path in (tmp_path / "out").glob("*.wav")}
    assert levels == {
        f"{stem}.1.wav": [9000, 9000, 0, 0, 9000, 9000, 9000, 9000],
        f"{stem}.2.wav": [3000, 3000, 0, 0, 3000, 3000, 3000, 3000],
    }
    copies = json.loads((tmp_path / "out" / f"{stem}.json").read_text())["copies"]
    assert [copy["file"] for copy in copies] == [f"{stem}.1.wav", f"{stem}.2.wav"]
