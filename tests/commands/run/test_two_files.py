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
OLD_S = time.time() - 48 * 3600


@pytest.fixture
def place(server: EmbeddedServer, tmp_path: Path) -> Iterator[Workplace]:
    (tmp_path / "calls").mkdir()
    for url in fresh_database(server, TEMPLATE):
        yield Workplace(tmp_path / "calls", tmp_path / "output", url)


def side(place: Workplace, which: str, key: str = KEY, rate_hz: int = 16_000, start: int = 0) -> Path:
    """One side of a sample call, as long as the other but for half a second, two days old."""
    channel = ("in", "out").index(which)
    samples = sample_speech(14.0)[start : start + 96_000 + 8_000 * channel, channel][:: 16_000 // rate_hz]
    path = write_wav(place.calls / f"{key}-{which}.wav", samples, rate_hz)
    os.utime(path, (OLD_S, OLD_S))
    return path


def rows(place: Workplace) -> dict[str, dict[str, Any]]:
    return {row["file_name"]: row for row in place.rows("SELECT * FROM calls")}


def said(run: Any) -> str:
    return " ".join((run.stdout + run.stderr).replace("│", " ").split())


def test_two_files_become_one_call_that_is_done_once(place: Workplace) -> None:
    side(place, "in")
    side(place, "out", rate_hz=8000)
    shutil.copy(place.calls / f"{KEY}-in.wav", place.calls / "sign-in.wav")
    planned = place.run("--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "1 call has two files, one for each side: 3 files in all" in said(planned)
    first = place.run()
    assert first.returncode == 0, first.stderr
    assert "found 2 = 2 done" in first.stdout
    assert "1 call has two files, one for each side: 3 files in all" in said(first)
    found = rows(place)
    assert set(found) == {f"{KEY}-in.wav", "sign-in.wav"}
    call = found[f"{KEY}-in.wav"]
    assert (call["status"], call["channels"], call["sample_rate_hz"]) == ("done", 2, 16_000)
    assert call["duration_s"] == pytest.approx(6.5, abs=0.1)
    assert call["source_uri"].endswith(f"{KEY}-in.wav")
    assert call["metadata"]["second_file"] == f"{KEY}-out.wav"
    assert call["metadata"]["call_key"] == KEY
    assert "mono" not in call["flags"]
    spoken = place.rows("SELECT DISTINCT channel, role FROM chunks WHERE call_id = %s", call["call_id"])
    assert sorted((row["channel"], row["role"]) for row in spoken) == [(0, "unknown"), (1, "unknown")]
    statuses = place.statuses()
    assert (statuses["adds_up"], statuses["second_files"]) == (True, 1)
    assert {item["file_name"]: item["status"] for item in statuses["files"]} == {
        f"{KEY}-in.wav": "done", f"{KEY}-out.wav": "joined", "sign-in.wav": "done",
    }  # fmt: skip
    again = place.run()
    assert again.returncode == 0, again.stderr
    assert "0 done + 2 unchanged" in again.stdout
    assert "transcribed again" not in said(again)
    assert rows(place) == found


def test_roles_come_from_the_configured_sides_and_the_direction(place: Workplace) -> None:
    for which in ("in", "out"):
        side(place, which, key=f"in-201-5550100199-20261126-091502-{KEY}")
        shutil.copy(side(place, which, "x"), place.calls / f"7_{'near' if which == 'in' else 'far'}.wav")
        (place.calls / f"x-{which}.wav").unlink()
    kind = "{sides: [near, far], channel_roles: [agent, client]}"
    run = place.run("--set", f"input.pairs.kinds=[[in, out], {kind}]")
    assert run.returncode == 0, run.stderr
    spoken = place.rows("SELECT DISTINCT c.file_name, k.channel, k.role FROM chunks k JOIN calls c USING (call_id)")
    by_call = {(row["file_name"][:2], row["channel"]): row["role"] for row in spoken}
    assert by_call == {("in", 0): "client", ("in", 1): "agent", ("7_", 0): "agent", ("7_", 1): "client"}


@pytest.mark.parametrize("early", ["in", "out"])
def test_a_side_that_was_taken_alone_is_done_again_as_one_call_when_the_other_arrives(
    place: Workplace, early: str
) -> None:
    path = side(place, early)
    young = time.time() - 3600
    os.utime(path, (young, young))
    waiting = place.run()
    assert waiting.returncode == 0, waiting.stderr
    assert "1 waiting" in waiting.stdout
    assert "1 file waits for the other side of the call" in said(waiting)
    assert rows(place) == {}
    os.utime(path, (OLD_S, OLD_S))
    alone = place.run()
    assert alone.returncode == 0, alone.stderr
    (row,) = rows(place).values()
    assert "other_side_missing" in row["flags"]
    assert "not_diarised" not in row["flags"]
    assert "not there" in row["metadata"]["other_side_missing"]
    side(place, "out" if early == "in" else "in")
    both = place.run()
    assert both.returncode == 0, both.stderr
    assert "1 call is transcribed again: the files of both sides are there" in said(both)
    (call,) = rows(place).values()
    assert call["call_id"] == row["call_id"], "the call keeps its id"
    assert (call["file_name"], call["channels"]) == (f"{KEY}-in.wav", 2)
    assert "other_side_missing" not in call["flags"]
    assert "0 done + 1 unchanged" in place.run().stdout


def test_files_that_were_calls_of_their_own_become_one_and_the_old_text_stays_readable(place: Workplace) -> None:
    for which in ("in", "out"):
        side(place, which)
    assert place.run("--set", "input.pairs.kinds=[]").returncode == 0
    before = rows(place)
    assert [row["channels"] for row in before.values()] == [1, 1]
    joined = place.run()
    assert joined.returncode == 0, joined.stderr
    assert "1 call is transcribed again" in said(joined)
    after = rows(place)
    call, old = after[f"{KEY}-in.wav"], after[f"{KEY}-out.wav"]
    assert (call["status"], call["channels"]) == ("done", 2)
    assert (old["status"], old["error_type"]) == ("skipped", "side_of_call")
    assert str(call["call_id"]) in old["error_message"]
    assert old["transcription"] == before[f"{KEY}-out.wav"]["transcription"]
    texts = place.rows("SELECT count(*) AS n FROM transcripts")
    assert texts[0]["n"] == 3
    again = place.run()
    assert "0 done + 1 unchanged" in again.stdout
    assert "disappeared" not in said(again)
    assert rows(place) == after
    apart = place.run("--set", "input.pairs.kinds=[]")
    assert "2 done" in apart.stdout, "kept apart again, both are calls again"
    assert {row["status"] for row in rows(place).values()} == {"done"}


def test_a_whole_call_is_not_replaced_by_half_of_it(place: Workplace) -> None:
    for which in ("in", "out"):
        side(place, which)
    assert place.run().returncode == 0
    before = rows(place)
    (place.calls / f"{KEY}-out.wav").unlink()
    after = place.run()
    assert after.returncode == 0, after.stderr
    assert "found 1 = 0 done + 1 unchanged" in after.stdout
    assert rows(place) == before


def test_a_changed_side_redoes_the_call_and_moved_files_keep_it(place: Workplace) -> None:
    for which in ("in", "out"):
        side(place, which)
    assert place.run().returncode == 0
    (before,) = rows(place).values()
    side(place, "out", start=48_000)
    assert "1 done" in place.run().stdout
    (changed,) = rows(place).values()
    assert changed["call_id"] == before["call_id"]
    assert changed["audio_sha256"] != before["audio_sha256"]
    for which in ("in", "out"):
        (place.calls / f"{KEY}-{which}.wav").rename(place.calls / f"77-{which}.wav")
    moved = place.run()
    assert moved.returncode == 0, moved.stderr
    (after,) = rows(place).values()
    assert (after["call_id"], after["file_name"]) == (before["call_id"], "77-in.wav")


def test_a_side_that_cannot_be_decoded_is_flagged_and_the_other_keeps_its_side(place: Workplace) -> None:
    side(place, "in", "7")
    (place.calls / "7-in.wav").rename(place.calls / "7-agent.wav")
    broken = place.calls / "7-client.wav"
    broken.write_bytes(b"RIFF" + bytes(5000))
    os.utime(broken, (OLD_S, OLD_S))
    run = place.run()
    assert run.returncode == 0, run.stderr
    (row,) = rows(place).values()
    assert "undecodable_track" in row["flags"]
    assert "undecodable_track: 7-client.wav: " in said(run)
    assert row["agent_transcription"]
    assert row["client_transcription"] is None


def test_two_inputs_may_be_named_and_one_side_brings_the_other(place: Workplace) -> None:
    paths = [str(side(place, which)) for which in ("in", "out")]
    other = str(shutil.copy(paths[0], place.calls / "other.wav"))
    arguments = [a for a in place.arguments() if a not in {"--input", str(place.calls)}]
    import subprocess

    from tests.house import PROJECT

    def run(*inputs: str) -> str:
        done = subprocess.run(
            [*arguments, *inputs], cwd=PROJECT, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "found 1 = 1 done" in run(*paths)
    assert "found 1 = 0 done + 1 unchanged" in run(paths[1])
    assert "found 2 = 1 done + 1 unchanged" in run(paths[0], other)
    assert [row["channels"] for row in rows(place).values()] == [2, 1]


@pytest.mark.parametrize("kind", ["zip", "s3"])
def test_a_delivery_and_a_bucket_are_joined_like_a_folder(place: Workplace, tmp_path: Path, kind: str) -> None:
    contents = {f"night/{KEY}-{which}.wav": side(place, which).read_bytes() for which in ("in", "out")}
    shutil.rmtree(place.calls)
    with serving(contents) as bucket:
        settings = [
            *SCRIPTED, f"input.s3.endpoint_url={bucket.url}", "input.s3.anonymous=true", "input.s3.addressing=path",
            "input.s3.region=eu-central-1",
        ]  # fmt: skip
        where = "s3://recordings/night"
        if kind == "zip":
            where = str(tmp_path / "night.zip")
            with zipfile.ZipFile(where, "w") as archive:
                for name, content in contents.items():
                    archive.writestr(name, content)
        first = place.run("--input", where, settings=settings)
        assert first.returncode == 0, first.stderr
        (row,) = rows(place).values()
        assert (row["channels"], row["metadata"]["second_file"]) == (2, f"{KEY}-out.wav")
        assert not [path for path in (tmp_path / "output" / "spool").rglob("*") if path.is_file()]
        assert "0 done + 1 unchanged" in place.run("--input", where, settings=settings).stdout
        if kind == "s3":
            assert "two files" in place.run("--input", where, "--dry-run", settings=settings).stdout


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
    spoken = place.rows(
        "SELECT c.file_name, array_agg(DISTINCT k.channel || ' ' || k.role ORDER BY k.channel || ' ' || k.role) AS sides "
        "FROM chunks k JOIN calls c USING (call_id) GROUP BY 1"
    )
    assert {row["file_name"]: row["sides"] for row in spoken} == {
        f"{KEY}-in.wav": ["0 unknown", "1 unknown"],
        "20261126-091502_call77-caller.wav": ["0 client", "1 agent"],
        "two_tracks.m4a": ["0 client", "1 agent"],
        "silent_first_then_stereo.mp4": ["0 client", "1 agent"],
    }
