"""Recognition through the main job: engines that give out, files per call, models side by side, what reports say."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pysrt
import pytest
import webvtt

from bench.materials.recordings import sample_speech as speech
from bench.materials.recordings import write_wav
from db.embedded.server import EmbeddedServer
from tests.commands.running import NO_MODELS, Workplace
from tests.databases import TEMPLATE, fresh_database

NAMES = ("20260901-100000_inbound.wav", "20260901-100001_inbound.wav", "20260901-100002_inbound.wav")
ORDER = (*NO_MODELS, "transcription.engines=[scripted,sphinx]")
BY_ENGINE = """SELECT c.file_name, t.engine, t.passed_over,
        (SELECT string_agg(k.text, ' ') FROM chunks k WHERE k.call_id = c.call_id) AS words
    FROM calls c JOIN transcripts t ON t.fingerprint = c.transcript_fingerprint WHERE c.status = 'done' ORDER BY 1"""
COMPARED = """SELECT t.audio_sha256, count(*) AS models, count(DISTINCT t.revision) AS revisions,
        array_agg(k.words ORDER BY t.created_at) AS texts
    FROM transcripts t
    JOIN (SELECT transcript_fingerprint AS fingerprint, lower(string_agg(text, ' ' ORDER BY start_s)) AS words
          FROM transcript_chunks GROUP BY 1) k USING (fingerprint)
    GROUP BY t.audio_sha256"""
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
ARABIC = "السلام عليكم، أريد إلغاء بطاقتي البنكية اليوم"


@pytest.fixture
def place(server: EmbeddedServer, tmp_path: Path) -> Iterator[Workplace]:
    talk = speech(30.0)
    calls = tmp_path / "calls"
    calls.mkdir()
    for number, name in enumerate(NAMES):
        path = write_wav(calls / name, talk[number * 90_000 :][:96_000])
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    for url in fresh_database(server, TEMPLATE):
        yield Workplace(calls, tmp_path / "output", url)


def scripts(folder: Path, *of_a_side: dict[str, Any]) -> str:
    """The same turns for both sides of each of the calls; the setting that reads them."""
    folder.mkdir(exist_ok=True)
    turns = [{**turn, "channel": channel} for channel in (0, 1) for turn in of_a_side]
    for name in NAMES:
        (folder / f"{Path(name).stem}.json").write_text(json.dumps({"turns": turns}), "utf-8")
    return f"transcription.scripted.transcripts={folder}"


def said(text: str, start: float = 0.0, end: float = 6.0) -> dict[str, Any]:
    return {"start": start, "end": end, "text": text}


ZEBRAS = said(" ".join(f"zebra{letter}" for letter in "abcdefghij"))


def report_of(place: Workplace) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(place.newest("performance_report_*.json").read_text("utf-8"))
    return content


def by_engine(place: Workplace) -> dict[str, str]:
    """Engine by file; checks that no transcript is of two engines."""
    rows = place.rows(BY_ENGINE)
    for row in rows:
        words = row["words"].split()
        assert words
        assert {word.lower().startswith("zebra") for word in words} == {row["engine"] == "scripted"}, row
    return {row["file_name"]: row["engine"] for row in rows}


def test_out_of_memory_the_next_engine_goes_on_and_the_first_redoes_it_when_it_is_back(
    place: Workplace, tmp_path: Path
) -> None:
    given = scripts(tmp_path / "scripts", ZEBRAS)
    fault = f"transcription.scripted.out_of_memory_on=['{NAMES[1]}']"
    run = place.run("--order", "oldest", settings=[*ORDER, given, fault, "run.calls_ahead=1", "run.decode_workers=1"])
    assert run.returncode == 0, run.stderr
    engines = by_engine(place)
    assert set(engines) == set(NAMES)
    assert engines[NAMES[1]] == "sphinx"
    assert "planted lack of memory" in place.rows(BY_ENGINE)[1]["passed_over"][0]
    assert "no longer scripted" in " ".join(run.stderr.split())
    assert report_of(place)["engine"] == "sphinx"
    assert "planted lack of memory" in report_of(place)["passed_over"][0]
    again = place.run(settings=[*ORDER, given])
    assert again.returncode == 0, again.stderr
    assert set(by_engine(place).values()) == {"scripted"}


def test_out_of_memory_in_strict_mode_costs_that_call_until_a_later_run(place: Workplace, tmp_path: Path) -> None:
    settings = [*ORDER, "transcription.strict=true", scripts(tmp_path / "scripts", ZEBRAS)]
    run = place.run(settings=[*settings, f"transcription.scripted.out_of_memory_on=['{NAMES[1]}']"])
    assert run.returncode == 1, run.stderr
    failed = json.loads(place.newest("failed_calls_*.json").read_text("utf-8"))
    assert [(entry["file_name"], entry["transient"]) for entry in failed] == [(NAMES[1], True)]
    assert "planted lack" in failed[0]["message"]
    assert "strict" in failed[0]["message"]
    assert by_engine(place) == {NAMES[0]: "scripted", NAMES[2]: "scripted"}
    assert place.run(settings=settings).returncode == 0
    assert by_engine(place) == dict.fromkeys(NAMES, "scripted")


def test_an_engine_that_does_not_come_back_after_a_crash_leaves_no_mixed_transcript(
    place: Workplace, tmp_path: Path
) -> None:
    given = scripts(tmp_path / "scripts", ZEBRAS)
    marker = tmp_path / "scripts" / "empty.json"  # an unreadable script: the engine loads no more
    crash = [f"transcription.scripted.crash_on=['{NAMES[1]}']", f"transcription.scripted.crash_once_marker={marker}"]
    crash += ["transcription.scripted.sleep_per_audio_s=0.3"]  # so that the last call waits for its turn then
    run = place.run("--order", "oldest", settings=[*ORDER, given, *crash])
    assert run.returncode == 0, run.stderr
    assert marker.exists()
    engines = by_engine(place)
    assert set(engines) == set(NAMES)
    assert engines[NAMES[1]] == engines[NAMES[2]] == "sphinx"

    words_lie_in_their_chunks(place)


def words_lie_in_their_chunks(place: Workplace) -> None:
    chunks = place.rows(
        """SELECT k.start_s, k.end_s, k.text, k.words FROM chunks k JOIN calls c USING (call_id)
           WHERE k.text <> '' AND c.asr_engine = 'sphinx'"""
    )
    assert chunks
    for chunk in chunks:
        assert len(chunk["words"]) == len(chunk["text"].split())
        for word in chunk["words"]:
            assert chunk["start_s"] - 1e-6 <= word["start_s"] < word["end_s"] <= chunk["end_s"] + 1e-6
            assert 0 <= word["confidence"] <= 1


def test_two_models_stand_side_by_side_with_files_and_counts(place: Workplace, tmp_path: Path) -> None:
    odd = (said(f"hello {LONG_WORD} & <tags> --> arrows", 0.0, 3.0), said(ARABIC, 3.0, 5.0), said("gone", 5.0, 5.0))
    one = scripts(tmp_path / "one", *odd)
    other = scripts(tmp_path / "other", said("no " * 60))
    files = ["output.transcripts.formats=[txt,srt,vtt,json]", "output.transcripts.max_line_chars=30"]
    files += ["output.transcripts.max_lines=2", "output.transcripts.max_cue_s=3"]
    scripted = (*NO_MODELS, "transcription.engines=[scripted]")

    run = place.run(settings=[*scripted, one, *files])
    assert run.returncode == 0, run.stderr
    files_are_valid(place.output / "transcripts")

    run = place.run(settings=[*scripted, other])
    assert run.returncode == 0, run.stderr
    flagged = place.rows("SELECT count(*) AS n FROM chunks WHERE 'loop' = ANY(flags)")[0]["n"]
    assert report_of(place)["segment_flags"]["loop"] == flagged > 0
    compared = place.rows(COMPARED)
    assert len(compared) == 3
    for row in compared:
        assert (row["models"], row["revisions"]) == (2, 2)
        assert ["no no" in text for text in row["texts"]] == [False, True]

    made = {row["fingerprint"]: row["created_at"] for row in place.rows("SELECT * FROM transcripts")}
    back = place.run(settings=[*scripted, one])
    assert back.returncode == 0, back.stderr
    assert {row["fingerprint"]: row["created_at"] for row in place.rows("SELECT * FROM transcripts")} == made
    assert not any("no no" in row["transcription"].lower() for row in place.rows("SELECT transcription FROM calls"))


def files_are_valid(folder: Path) -> None:
    found = {ending: sorted(folder.glob(f"*.{ending}")) for ending in ("txt", "srt", "vtt", "json")}
    assert {ending: len(paths) for ending, paths in found.items()} == dict.fromkeys(found, 3)
    for path in found["srt"]:
        cues = pysrt.open(str(path), encoding="utf-8", error_handling=pysrt.SubRipFile.ERROR_RAISE)
        assert cues
        for cue in cues:
            assert 0 < cue.end.ordinal - cue.start.ordinal <= 3000
            assert len(cue.text.splitlines()) <= 2
            assert all(len(line) <= 30 for line in cue.text.splitlines())
    texts = ""
    for as_vtt, as_json, as_txt in zip(found["vtt"], found["json"], found["txt"], strict=True):
        segments = json.loads(as_json.read_text("utf-8"))["segments"]
        words = [word for segment in segments for line in segment["lines"] for word in line["words"] or ()]
        assert all(word["start_s"] <= word["end_s"] for word in words)
        captions = webvtt.read(str(as_vtt)).captions
        assert all(caption.start < caption.end for caption in captions)
        assert all(caption.voice in {"Customer", "Agent", "Speaker 1"} for caption in captions)
        shown = sorted(letter for caption in captions for letter in unescape(caption.text) if not letter.isspace())
        assert shown == sorted(letter for s in segments for letter in s["text"] if not letter.isspace())
        texts += as_txt.read_text("utf-8")
    assert LONG_WORD in texts
    assert ARABIC.split()[2] in texts
