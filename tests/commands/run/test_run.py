"""The main job through its command line: exit codes, resuming, what is redone, interrupts."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.materials.recordings import sample_speech as speech
from bench.materials.recordings import write_wav
from db.embedded.server import EmbeddedServer
from db.export.result_rows import FIRST_COLUMNS
from tests.commands.running import ALL_MODELS, NO_MODELS, SCRIPTED, Workplace, called
from tests.databases import TEMPLATE, fresh_database
from tests.house import PROJECT
from tests.waiting import until

PATIENCE_S = 180.0
"""For what comes in a few seconds, on a machine that has much else to do."""
_WRITE_SLOWLY = """
import sys, time
for _ in range(2000):
    open(sys.argv[1], "ab").write(bytes(4000))
    time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def three_calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short different calls, an hour old."""
    folder = tmp_path_factory.mktemp("three")
    talk = speech(30.0)
    for number in range(3):
        path = write_wav(folder / f"2026090{number + 1}-10000{number}_inbound.wav", talk[number * 90_000 :][:96_000])
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    return folder


@pytest.fixture
def place(server: EmbeddedServer, three_calls: Path, tmp_path: Path) -> Iterator[Workplace]:
    for url in fresh_database(server, TEMPLATE):
        calls = tmp_path / "calls"
        shutil.copytree(three_calls, calls)
        yield Workplace(calls, tmp_path / "output", url)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return called(arguments)


def transcribed_at(place: Workplace) -> dict[str, object]:
    return {row["fingerprint"]: row["created_at"] for row in place.rows("SELECT * FROM transcripts")}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--limmit", "3"), 2, "--limit"),
        (("--set", "run.ordr=x"), 2, "did you mean order?"),
        (("--order", "fast"), 2, "'newest', 'oldest' or 'shuffle'"),
        (("--limit", "0"), 2, "run.limit"),
        (("--save-mode", "paper"), 2, "'database', 'csv' or 'both'"),
        (("--config", "none.yaml"), 2, "none.yaml: no such file"),
        (("--input", "/no/such/folder", "--set", "database.url=postgresql://a@127.0.0.1:1/b"), 3, "127.0.0.1"),
        (("--output", "/dev/null/out"), 3, "cannot be written to"),
    ],
)
def test_what_is_wrong_before_a_run_is_told_with_its_exit_code(
    arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = command(*arguments)
    assert done.returncode == code, done.stderr
    assert message in " ".join((done.stderr + done.stdout).split())
    assert "Traceback" not in done.stderr


def test_an_input_that_is_not_there_exits_3(place: Workplace) -> None:
    shutil.rmtree(place.calls)
    run = place.run()
    assert run.returncode == 3
    assert "no such file or folder" in run.stderr


def test_a_recogniser_that_cannot_load_exits_3_and_says_why(place: Workplace) -> None:
    run = place.run(settings=[*SCRIPTED, "transcription.scripted.unavailable=planted reason"])
    assert run.returncode == 3
    assert (run.stdout + run.stderr).count("planted reason") == 1, "said once"
    assert "Traceback" not in run.stderr
    (logged,) = (place.output / "logs").glob("*.jsonl")
    assert "planted reason" in logged.read_text(encoding="utf-8")


def test_a_run_leaves_rows_a_csv_and_its_reports(place: Workplace) -> None:
    run = place.run(settings=ALL_MODELS)
    assert run.returncode == 0, run.stderr
    calls = place.rows("SELECT * FROM calls ORDER BY file_name")
    assert [row["status"] for row in calls] == ["done"] * 3
    assert {row["direction"] for row in calls} == {"inbound"}
    assert all(row["transcription"] and row["started_at"] and row["summary"] for row in calls)
    assert all(row["agent_text_sentiment"] for row in calls)
    with place.newest("results_*.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0][: len(FIRST_COLUMNS)]) == FIRST_COLUMNS
    assert len(rows) == 4
    assert json.loads(place.newest("failed_calls_*.json").read_text()) == []
    assert place.statuses()["counts"]["done"] == 3
    assert json.loads(place.newest("performance_report_*.json").read_text())["counts"]["found"] == 3
    assert list((place.output / "logs").glob("*.jsonl"))
    assert not list((place.output / "spool").rglob("*.f32"))
    recorded = place.rows("SELECT state, exit_code, counts FROM runs")
    assert [(row["state"], row["exit_code"], row["counts"]["done"]) for row in recorded] == [("finished", 0, 3)]


def test_save_mode_database_writes_no_csv_and_a_later_run_delivers(place: Workplace) -> None:
    assert place.run("--save-mode", "database").returncode == 0
    assert not list(place.output.glob("results_*.csv"))
    assert place.run("--save-mode", "csv").returncode == 0
    with place.newest("results_*.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == 4


def test_a_limit_takes_the_newest_and_leaves_the_rest(place: Workplace) -> None:
    run = place.run("--limit", "1")
    assert run.returncode == 0, run.stderr
    assert [row["file_name"] for row in place.rows("SELECT file_name FROM calls")] == ["20260903-100002_inbound.wav"]
    assert place.statuses()["counts"]["left"] == 2
    assert place.run("--limit", "1", "--order", "oldest").returncode == 0
    names = {row["file_name"] for row in place.rows("SELECT file_name FROM calls")}
    assert names == {"20260903-100002_inbound.wav", "20260901-100000_inbound.wav"}


def test_a_dry_run_writes_nothing_and_tells_the_plan(place: Workplace) -> None:
    run = place.run("--dry-run")
    assert run.returncode == 0, run.stderr
    assert "new" in run.stdout
    assert "nothing was written" in run.stdout
    assert "by a trial: scripted" in " ".join(run.stdout.split())
    assert place.rows("SELECT * FROM runs") == []
    assert not list(place.output.glob("*"))


def test_changed_audio_keeps_its_call_id_and_a_moved_file_too(place: Workplace) -> None:
    assert place.run().returncode == 0
    before = {row["file_name"]: row["call_id"] for row in place.rows("SELECT * FROM calls")}
    first, second, _third = sorted(before)
    write_wav(place.calls / first, speech(8.0))
    os.utime(place.calls / first, (time.time() - 600, time.time() - 600))
    (place.calls / second).rename(place.calls / "moved.wav")
    transcripts = transcribed_at(place)
    run = place.run()
    assert run.returncode == 0, run.stderr
    after = {row["file_name"]: row for row in place.rows("SELECT * FROM calls")}
    assert after[first]["call_id"] == before[first]
    assert after[first]["duration_s"] == pytest.approx(8.0, abs=0.05)
    assert after["moved.wav"]["call_id"] == before[second]
    assert second not in after
    assert len(transcribed_at(place)) == len(transcripts) + 1, "the moved one was recognised again"


def test_the_same_audio_under_another_name_is_recognised_once(place: Workplace) -> None:
    source = sorted(place.calls.glob("*.wav"))[0]
    shutil.copy2(source, place.calls / "copy.wav")
    assert place.run().returncode == 0
    rows = place.rows("SELECT call_id, transcript_fingerprint FROM calls WHERE file_name = ANY(%s)", [
        source.name, "copy.wav",
    ])  # fmt: skip
    assert len({row["call_id"] for row in rows}) == 2
    assert len({row["transcript_fingerprint"] for row in rows}) == 1


def test_a_changed_glossary_reclassifies_and_does_not_transcribe_again(place: Workplace, tmp_path: Path) -> None:
    assert place.run().returncode == 0
    transcripts = transcribed_at(place)
    steps = "SELECT call_id, step, updated_at FROM call_steps WHERE step = ANY(%s) ORDER BY 1, 2"
    others, topics = place.rows(steps, ["text", "summary"]), place.rows(steps, ["topic"])
    glossary = tmp_path / "b2c.yaml"
    text = (PROJECT / "glossaries" / "b2c.yaml").read_text(encoding="utf-8")
    glossary.write_text(text.replace("Billing", "Invoices"), encoding="utf-8")
    run = place.run(settings=[*SCRIPTED, f"glossary.b2c={glossary}"])
    assert run.returncode == 0, run.stderr
    assert place.statuses()["counts"]["done"] == 3
    assert transcribed_at(place) == transcripts
    assert place.rows(steps, ["text", "summary"]) == others
    assert [row["updated_at"] for row in place.rows(steps, ["topic"])] != [row["updated_at"] for row in topics]


def test_a_changed_rule_is_judged_again_and_nothing_else(place: Workplace, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rule = "rules:\n  - {name: NAME, title: Any call, weight: 2, when: {length: {over_s: 1}}}\n"
    rules.write_text(rule.replace("NAME", "first"), encoding="utf-8")
    with_rules = [*SCRIPTED, f"attention.rules={rules}"]
    assert place.run(settings=with_rules).returncode == 0
    found = "SELECT rule, weight, reason ^@ 'the recording has ' AS told FROM attention"
    assert place.rows(found) == [{"rule": "first", "weight": 2.0, "told": True}] * 3
    steps = "SELECT call_id, step, updated_at FROM call_steps WHERE step <> 'rules' ORDER BY 1, 2"
    transcripts, others = transcribed_at(place), place.rows(steps)
    rules.write_text("# only a comment\n" + rule.replace("NAME", "first"), encoding="utf-8")
    assert place.run(settings=with_rules).returncode == 0
    assert place.statuses()["counts"]["unchanged"] == 3
    rules.write_text(rule.replace("NAME", "second"), encoding="utf-8")
    assert place.run(settings=with_rules).returncode == 0
    assert place.statuses()["counts"]["done"] == 3
    assert {row["rule"] for row in place.rows(found)} == {"second"}
    assert (transcribed_at(place), place.rows(steps)) == (transcripts, others)
    assert place.run(settings=[*SCRIPTED, "attention.rules=null"]).returncode == 0
    assert place.rows(found) == []


def test_a_wrong_rule_file_stops_the_run_before_it_begins(place: Workplace, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {name: one, title: One, when: {siad: {any_of: a}}}\n", encoding="utf-8")
    run = place.run(settings=[*SCRIPTED, f"attention.rules={rules}"])
    assert run.returncode == 2, run.stderr
    said = " ".join(run.stderr.split())
    assert f"{rules}:2: rules.0.when.siad: unknown key; did you mean said?" in said


def test_a_fallback_serves_and_is_redone_when_the_first_choice_returns(place: Workplace) -> None:
    order = (*NO_MODELS, "transcription.engines=[scripted,sphinx]")
    down = place.run(settings=[*order, "transcription.scripted.unavailable=gone today"])
    assert down.returncode == 0, down.stderr
    assert "gone today" in down.stderr
    rows = place.rows("SELECT asr_engine, asr_passed_over FROM calls")
    assert {row["asr_engine"] for row in rows} == {"sphinx"}
    assert all("gone today" in row["asr_passed_over"][0] for row in rows)
    assert place.run(settings=[*SCRIPTED, *order]).returncode == 0
    assert {row["asr_engine"] for row in place.rows("SELECT asr_engine FROM calls")} == {"scripted"}
    again = place.run(settings=[*order, "transcription.scripted.unavailable=gone today"])
    assert again.returncode == 0, again.stderr
    assert {row["asr_engine"] for row in place.rows("SELECT asr_engine FROM calls")} == {"scripted"}


def test_strict_refuses_the_fallback(place: Workplace) -> None:
    run = place.run(
        settings=[
            *NO_MODELS,
            "transcription.engines=[scripted,sphinx]",
            "transcription.scripted.unavailable=gone",
            "transcription.strict=true",
        ]
    )
    assert run.returncode == 3
    assert place.rows("SELECT * FROM calls WHERE status = 'done'") == []


def test_two_runs_at_once_the_second_exits_4(place: Workplace) -> None:
    held = [*SCRIPTED, "transcription.scripted.hang_on=['*']"]
    with subprocess.Popen(place.arguments(settings=held), cwd=PROJECT, stderr=subprocess.DEVNULL) as first:
        wait_for(place, "SELECT 1 FROM runs WHERE state = 'running'")
        second = place.run()
        assert second.returncode == 4
        assert "lock" in second.stderr
        status = command("status", "--set", f"database.url={place.url}")
        assert "running" in status.stdout
        first.send_signal(signal.SIGKILL)
    assert place.run().returncode == 0, "the lock of a killed run is free at once"
    assert {row["state"] for row in place.rows("SELECT state FROM runs")} == {"crashed", "finished"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_is_finished_and_the_next_run_goes_on(place: Workplace, number: signal.Signals) -> None:
    others = "transcription.scripted.hang_on=['20260901*', '20260902*']"
    held = [*SCRIPTED, others, "run.stop_grace_s=0", "run.calls_ahead=1"]
    with subprocess.Popen(place.arguments(settings=held), cwd=PROJECT, stderr=subprocess.DEVNULL) as run:
        wait_for(place, "SELECT 1 FROM calls WHERE status = 'done'")
        run.send_signal(number)
        assert run.wait(PATIENCE_S) == 130
    done = place.rows("SELECT * FROM calls WHERE status = 'done'")
    assert len(done) == 1
    assert place.rows("SELECT * FROM indexed_transcripts") == [], "whoever stops a run does not wait for that"
    assert place.run(settings=[*SCRIPTED]).returncode == 0
    assert len(place.rows("SELECT * FROM calls WHERE status = 'done'")) == 3
    assert len(place.rows("SELECT * FROM indexed_transcripts")) == 3
    for row in done:
        kept = place.rows("SELECT * FROM calls WHERE call_id = %s", row["call_id"])
        assert kept[0]["processed_at"] == row["processed_at"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_the_database_is_waited_for_ends_with_130_too(place: Workplace, number: signal.Signals) -> None:
    """Before and after the stages as within them: found when SIGTERM killed a run in its start-up outright."""
    deaf = socket.create_server(("127.0.0.1", 0), backlog=1)
    address = f"database.url=postgresql://nobody@127.0.0.1:{deaf.getsockname()[1]}/earshot"
    arguments = place.arguments(settings=[*SCRIPTED, address, "database.connect_timeout_s=60"])
    with deaf, subprocess.Popen(arguments, cwd=PROJECT, stderr=subprocess.PIPE, text=True) as run:
        peer, _ = deaf.accept()  # it is waiting for an answer now
        run.send_signal(number)
        assert run.wait(PATIENCE_S) == 130
        peer.close()
        assert run.stderr is not None
        assert "Traceback" not in run.stderr.read()


def test_a_recogniser_crash_costs_one_call_its_segments_not_the_run(place: Workplace) -> None:
    culprit = sorted(place.calls.glob("*.wav"))[0].name
    run = place.run(settings=[*SCRIPTED, f"transcription.scripted.crash_on=['{culprit}']", "run.attempts=1"])
    assert run.returncode == 1, run.stderr
    failed = json.loads(place.newest("failed_calls_*.json").read_text())
    assert [(entry["file_name"], entry["transient"]) for entry in failed] == [(culprit, True)]
    assert len(place.rows("SELECT * FROM calls WHERE status = 'done'")) == 2
    assert place.run().returncode == 0
    assert len(place.rows("SELECT * FROM calls WHERE status = 'done'")) == 3


def test_a_call_that_keeps_failing_is_quarantined_and_then_left_alone(place: Workplace) -> None:
    culprit = sorted(place.calls.glob("*.wav"))[0].name
    settings = [*SCRIPTED, f"transcription.scripted.error_on=['{culprit}']", "run.quarantine_after_runs=2"]
    assert place.run(settings=settings).returncode == 1
    assert place.run(settings=settings).returncode == 1
    assert place.rows("SELECT status FROM calls WHERE file_name = %s", culprit) == [{"status": "quarantined"}]
    third = place.run(settings=settings)
    assert third.returncode == 0
    assert "1 quarantined" in " ".join(third.stdout.split())
    assert place.run("--reprocess", "failed").returncode == 0
    assert place.rows("SELECT status FROM calls WHERE file_name = %s", culprit) == [{"status": "done"}]


def test_a_file_removed_while_the_run_goes_on_fails_transiently(place: Workplace) -> None:
    held = holding(place, "run.calls_ahead=1", "run.attempts=1")
    gone = sorted(place.calls.glob("*.wav"))[0]  # the oldest: the last one that is looked at
    with subprocess.Popen(place.arguments(settings=held), cwd=PROJECT, stderr=subprocess.DEVNULL) as run:
        wait_for(place, "SELECT 1 FROM claims HAVING count(*) = 3")
        gone.unlink()
        let_go(place)
        code = run.wait(PATIENCE_S)
    assert code == 1
    failed = json.loads(place.newest("failed_calls_*.json").read_text())
    assert [(entry["file_name"], entry["error_type"]) for entry in failed] == [(gone.name, "SourceUnreadable")]
    assert len(place.rows("SELECT * FROM calls WHERE status = 'done'")) == 2


def test_a_file_still_growing_is_left_for_the_next_run(place: Workplace) -> None:
    growing = place.calls / "growing.wav"
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITE_SLOWLY, str(growing)],
    )
    try:
        time.sleep(0.5)
        run = place.run()
    finally:
        writer.kill()
        writer.wait()
    assert run.returncode == 0, run.stderr
    counts = place.statuses()["counts"]
    assert (counts["waiting"], counts["done"]) == (1, 3)
    assert place.rows("SELECT * FROM calls WHERE file_name = 'growing.wav'") == []


def test_killed_at_any_moment_the_next_run_ends_with_the_same_rows(place: Workplace, server: EmbeddedServer) -> None:
    chunks = """SELECT file_name, channel, ordinal, start_s, end_s, text
        FROM chunks JOIN calls USING (call_id) ORDER BY 1, 2, 3"""
    others = [*SCRIPTED, "transcription.scripted.hang_on=['20260901*', '20260902*']"]
    for settings, moment in (
        (holding(place), "SELECT 1 FROM claims"),
        (holding(place), "SELECT 1 FROM claims WHERE stage = 'recognise'"),
        (others, "SELECT 1 FROM calls WHERE status = 'done'"),
    ):
        with subprocess.Popen(place.arguments(settings=settings), cwd=PROJECT, stderr=subprocess.DEVNULL) as run:
            wait_for(place, moment)
            run.kill()
    assert place.run().returncode == 0
    killed = place.rows(chunks)
    for url in fresh_database(server, TEMPLATE):
        undisturbed = Workplace(place.calls, place.output, url)
        assert undisturbed.run().returncode == 0
        assert killed == undisturbed.rows(chunks)
    assert killed


def wait_for(place: Workplace, query: str) -> None:
    until(lambda: place.rows(query))


def holding(place: Workplace, *settings: str) -> list[str]:
    """Settings of a run whose recogniser waits until it is let go."""
    mark = place.output.with_name("held")
    mark.touch()
    return [*SCRIPTED, "transcription.scripted.hang_on=['*']", f"transcription.scripted.hang_while={mark}", *settings]


def let_go(place: Workplace) -> None:
    place.output.with_name("held").unlink()
