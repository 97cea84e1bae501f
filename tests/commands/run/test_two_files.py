"""The main job on calls in two files, one for each side: from the files to the rows, and what a later run does."""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.materials.recordings import sample_speech, write_wav
from db.embedded.server import EmbeddedServer
from tests.commands.running import SCRIPTED, Workplace
from tests.databases import TEMPLATE, fresh_database
from tests.pipeline.sources.bucket_server import serving

KEY = "1793500200.42"
IN_201 = f"in-201-5550100199-20261126-091502-{KEY}"
OLD_S = time.time() - 48 * 3600


@pytest.fixture
def place(server: EmbeddedServer, tmp_path: Path) -> Iterator[Workplace]:
    (tmp_path / "calls").mkdir()
    for url in fresh_database(server, TEMPLATE):
        yield Workplace(tmp_path / "calls", tmp_path / "output", url)


def side(place: Workplace, which: str, key: str = KEY, rate_hz: int = 16_000, start: int = 0) -> Path:
    """One side of a sample call, in which it speaks for three seconds, two days old. The second is the longer one."""
    channel = ("in", "out").index(which)
    begin = start + 4 * 16_000
    samples = sample_speech(20.0)[begin : begin + 96_000 + 8_000 * channel, channel][:: 16_000 // rate_hz]
    path = write_wav(place.calls / f"{key}-{which}.wav", samples, rate_hz)
    os.utime(path, (OLD_S, OLD_S))
    return path


def rows(place: Workplace) -> dict[str, dict[str, Any]]:
    return {row["file_name"]: row for row in place.rows("SELECT * FROM calls")}


def said(run: Any) -> str:
    return " ".join((run.stdout + run.stderr).replace("│", " ").split())


def sides(place: Workplace) -> dict[str, list[str]]:
    """Channel and role of all that was said, by call."""
    heard = place.rows("SELECT DISTINCT c.file_name, k.channel, k.role FROM chunks k JOIN calls c USING (call_id)")
    found: dict[str, list[str]] = {}
    for row in sorted(heard, key=lambda row: int(row["channel"])):
        found.setdefault(row["file_name"], []).append(f"{row['channel']} {row['role']}")
    return found


def test_two_files_become_one_call_that_is_done_once_and_followed_when_it_changes(place: Workplace) -> None:
    side(place, "in")
    side(place, "out", rate_hz=8000)
    shutil.copy(place.calls / f"{KEY}-in.wav", place.calls / "sign-in.wav")
    for which, name in (("in", "near"), ("out", "far")):
        side(place, which, key=IN_201)
        side(place, which, "7").rename(place.calls / f"7_{name}.wav")
    side(place, "in", "8").rename(place.calls / "8-agent.wav")
    broken = place.calls / "8-client.wav"
    broken.write_bytes(b"RIFF" + bytes(5000))
    os.utime(broken, (OLD_S, OLD_S))
    kinds = (
        "--set",
        "input.pairs.kinds=[[in, out], [client, agent], {sides: [near, far], channel_roles: [agent, client]}]",
    )
    in_all = "4 calls have two files, one for each side: 9 files in all"

    planned = place.run(*kinds, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert in_all in said(planned)

    first = place.run(*kinds)
    assert first.returncode == 0, first.stderr
    assert "found 5 = 5 done" in first.stdout
    assert in_all in said(first)
    found = rows(place)
    assert set(found) == {f"{KEY}-in.wav", f"{IN_201}-in.wav", "7_near.wav", "8-client.wav", "sign-in.wav"}
    call = found[f"{KEY}-in.wav"]
    assert (call["status"], call["channels"], call["sample_rate_hz"]) == ("done", 2, 16_000)
    assert call["duration_s"] == pytest.approx(6.5, abs=0.1)
    assert (call["metadata"]["second_file"], call["metadata"]["call_key"]) == (f"{KEY}-out.wav", KEY)
    assert "mono" not in call["flags"]
    assert sides(place) == {
        f"{KEY}-in.wav": ["0 unknown", "1 unknown"],
        f"{IN_201}-in.wav": ["0 client", "1 agent"],
        "7_near.wav": ["0 agent", "1 client"],
        "8-client.wav": ["1 agent"],
        "sign-in.wav": ["0 unknown"],
    }
    assert "undecodable_track" in found["8-client.wav"]["flags"]
    assert "undecodable_track: 8-client.wav: " in said(first)
    assert found["8-client.wav"]["missing_reasons"]["undecodable_track"].startswith("8-client.wav: ")
    statuses = place.statuses()
    assert (statuses["adds_up"], statuses["second_files"]) == (True, 4)
    assert len(statuses["files"]) == 9
    joined = {item["file_name"]: item["detail"] for item in statuses["files"] if item["status"] == "joined"}
    assert joined[f"{KEY}-out.wav"] == f"the other side of {KEY}-in.wav"

    again = place.run(*kinds)
    assert "0 done + 5 unchanged" in again.stdout
    assert "transcribed again" not in said(again)
    assert rows(place) == found

    (place.calls / f"{KEY}-out.wav").unlink()
    os.utime(side(place, "out", key=IN_201, start=16_000), (OLD_S + 60, OLD_S + 60))
    for name in ("near", "far"):
        (place.calls / f"7_{name}.wav").rename(place.calls / f"77_{name}.wav")
    later = place.run(*kinds)
    assert later.returncode == 0, later.stderr
    after = rows(place)
    assert after[f"{KEY}-in.wav"] == call, "half a call does not replace a whole one"
    before, changed = found[f"{IN_201}-in.wav"], after[f"{IN_201}-in.wav"]
    assert changed["call_id"] == before["call_id"]
    assert changed["audio_sha256"] != before["audio_sha256"]
    assert after["77_near.wav"]["call_id"] == found["7_near.wav"]["call_id"]
    assert len(after) == 5


def test_a_side_that_was_taken_alone_is_done_again_as_one_call_when_the_other_arrives(place: Workplace) -> None:
    early = [side(place, "in", "first1"), side(place, "out", "second2")]
    for path in early:
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    waiting = place.run()
    assert waiting.returncode == 0, waiting.stderr
    assert "2 waiting" in waiting.stdout
    assert "2 files wait for the other side of the call: first1-in.wav: " in said(waiting)
    assert {item["reason"] for item in place.statuses()["files"]} == {"other_side_awaited"}
    assert rows(place) == {}

    for path in early:
        os.utime(path, (OLD_S, OLD_S))
    alone = place.run()
    assert alone.returncode == 0, alone.stderr
    before = rows(place)
    for row in before.values():
        assert "other_side_missing" in row["flags"]
        assert not {"diarised", "not_diarised"} & set(row["flags"]), "it is one speaker"
        assert "not there" in row["metadata"]["other_side_missing"]

    side(place, "out", "first1")
    side(place, "in", "second2")
    both = place.run()
    assert both.returncode == 0, both.stderr
    assert "2 calls are transcribed again: the files of both sides are there" in said(both)
    after = rows(place)
    assert {name: row["channels"] for name, row in after.items()} == {"first1-in.wav": 2, "second2-in.wav": 2}
    assert not any("other_side_missing" in row["flags"] for row in after.values())
    assert after["first1-in.wav"]["call_id"] == before["first1-in.wav"]["call_id"]
    assert after["second2-in.wav"]["call_id"] == before["second2-out.wav"]["call_id"]
    assert "0 done + 2 unchanged" in place.run().stdout


def test_files_that_were_calls_of_their_own_become_one_and_the_old_text_stays_readable(place: Workplace) -> None:
    paths = [side(place, which) for which in ("in", "out")]
    apart = ("--set", "input.pairs.kinds=[]")
    assert place.run(*apart).returncode == 0
    before = rows(place)
    assert [row["channels"] for row in before.values()] == [1, 1]

    joined = place.run("--input", str(paths[0]), "--also", str(paths[1]))
    assert joined.returncode == 0, joined.stderr
    assert "found 1 = 1 done" in joined.stdout
    assert "1 call is transcribed again" in said(joined)
    after = rows(place)
    call, old = after[f"{KEY}-in.wav"], after[f"{KEY}-out.wav"]
    assert (call["status"], call["channels"]) == ("done", 2)
    assert (old["status"], old["error_type"]) == ("skipped", "side_of_call")
    assert str(call["call_id"]) in old["error_message"]
    assert old["transcription"] == before[f"{KEY}-out.wav"]["transcription"]
    assert place.rows("SELECT count(*) AS n FROM transcripts")[0]["n"] == 3

    again = place.run()
    assert "found 1 = 0 done + 1 unchanged" in again.stdout
    assert "transcribed again" not in said(again)
    assert rows(place) == after

    assert "2 done" in place.run(*apart).stdout, "kept apart again, both are calls again"
    assert {row["status"] for row in rows(place).values()} == {"done"}


def test_a_delivery_and_a_bucket_are_joined_like_a_folder(place: Workplace, tmp_path: Path) -> None:
    contents = {f"night/{KEY}-{which}.wav": side(place, which).read_bytes() for which in ("in", "out")}
    shutil.rmtree(place.calls)
    archive = str(tmp_path / "night.zip")
    with zipfile.ZipFile(archive, "w") as packed:
        for name, content in contents.items():
            packed.writestr(name, content)
    with serving(contents) as bucket:
        settings = [
            *SCRIPTED, f"input.s3.endpoint_url={bucket.url}", "input.s3.anonymous=true", "input.s3.addressing=path",
            "input.s3.region=eu-central-1",
        ]  # fmt: skip
        for where in (archive, "s3://recordings/night"):
            first = place.run("--input", where, settings=settings)
            assert first.returncode == 0, first.stderr
            assert "found 1 = 1 done" in first.stdout
        again = place.run("--input", "s3://recordings/night", settings=settings)
        assert "found 1 = 0 done + 1 unchanged" in again.stdout
    found = place.rows("SELECT source_uri, channels, audio_sha256, metadata FROM calls ORDER BY source_uri")
    assert [row["source_uri"].partition("://")[0] for row in found] == ["s3", "zip"]
    assert [(row["channels"], row["metadata"]["second_file"]) for row in found] == [(2, f"{KEY}-out.wav")] * 2
    assert len({row["audio_sha256"] for row in found}) == 1
    assert not [path for path in (tmp_path / "output" / "spool").rglob("*") if path.is_file()]


def test_the_reference_pairs_and_tracks_are_calls_with_two_sides(place: Workplace, reference_data: Path) -> None:
    names = {
        f"{KEY}-in.wav", f"{KEY}-out.wav", "20261126-091502_call77-caller.wav", "20261126-091502_call77-callee.wav",
        "two_tracks.m4a", "silent_first_then_stereo.mp4",
    }  # fmt: skip
    for name in names:
        copy = shutil.copyfile(reference_data / "cases" / "audio" / name, place.calls / name)
        os.utime(copy, (OLD_S, OLD_S))
    run = place.run()
    assert run.returncode == 0, run.stderr
    assert "found 4 = 4 done" in run.stdout
    assert sides(place) == {
        f"{KEY}-in.wav": ["0 unknown", "1 unknown"],
        "20261126-091502_call77-caller.wav": ["0 client", "1 agent"],
        "two_tracks.m4a": ["0 client", "1 agent"],
        "silent_first_then_stereo.mp4": ["0 client", "1 agent"],
    }
