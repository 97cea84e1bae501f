"""What the report says, and that no call's words or file name break it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands.evaluate.comparison.changes import changes
from commands.evaluate.comparison.command import _show as show
from commands.evaluate.comparison.decision import decide
from commands.evaluate.comparison.document import Report, build_report
from commands.evaluate.comparison.kept import KeptTranscript, KeptTranscripts
from commands.evaluate.comparison.running import SystemResult, Transcribed
from commands.evaluate.comparison.systems import PLAIN, System
from commands.evaluate.comparison.writers import html, markdown
from pipeline.config.influence import Result
from pipeline.config.root import Settings
from pipeline.records import EngineIdentity, Transcript
from tests.commands.evaluate.comparison.made_up import comparison, heard, result, system
from tests.pinned import assert_pinned

MANY, FEW = [10, 12, 9, 14, 11, 10, 13, 12], [5, 7, 4, 9, 6, 5, 8, 7]
TODAY = {"transcription": {"faster_whisper": {"model": "a/small"}}, "reporting": {"machine_usd_per_hour": 0.5}}
TOMORROW = {"transcription": {"faster_whisper": {"model": "a/large", "cpu_threads": 2}}}


def report(one: SystemResult, other: SystemResult, tomorrow: dict[str, Any] | None = None) -> Report:
    systems = [system("today.yaml", **TODAY), system("tomorrow.yaml", **(tomorrow or TOMORROW))]
    found = comparison(systems, one, other)
    return build_report(
        found, systems, decide(found, systems), when="2026-11-26 12:00", machine="a machine", truth="truth",
        recordings="calls", stored_calls=120,
    )  # fmt: skip


def test_it_says_what_to_do_what_it_costs_and_how_to_go_back() -> None:
    text = markdown(report(result(MANY), result(FEW)))
    assert "Change to tomorrow.yaml" in text
    assert "better beyond noise" in text
    assert "run with --config configurations/tomorrow.yaml" in text
    assert "| transcription.faster\\_whisper.model | a/small | a/large | identity |" in text
    assert "| transcription.faster\\_whisper.cpu\\_threads | 0 | 2 | nothing stored |" in text
    assert "transcripts of 120 stored calls" in text
    assert "used again without recognising" in text
    assert "Machine: a machine. Date: 2026-11-26 12:00 UTC." in text
    assert "| cost per audio hour, US dollars | 0.1000 | – |" in text, "6 s of wall time for 30 s, at 0.5 an hour"


def test_a_change_of_nothing_stored_makes_no_transcript_stale() -> None:
    settings = {"transcription": {"faster_whisper": {"model": "a/small", "cpu_threads": 4}}}
    text = markdown(report(result(MANY), result(FEW), settings))
    assert "No stored transcript becomes stale" in text


def test_keeping_what_is_there_needs_no_way_back() -> None:
    assert "Nothing is changed" in markdown(report(result(FEW), result(MANY)))


def test_words_of_calls_cannot_become_markup() -> None:
    odd = result(FEW)
    name = "call-0"
    words = "<script>alert(1)</script> right | **right**"
    odd.calls[name] = Transcribed(heard=heard(name, 0, words), effort=odd.calls[name].effort, reused=False)
    del odd.calls["call-1"]
    odd.failures["call-1"] = "broken | <script>alert(2)</script>"
    found = report(result(MANY), odd)
    page, text = html(found), markdown(found)
    assert "<script>" not in page
    assert "alert(2)" in page
    assert "http" not in page, "it loads nothing"
    (line,) = (line for line in text.splitlines() if line.startswith("| call-1"))
    assert line.replace("\\|", "").count("|") == 3


def test_no_words_are_shown_where_stored_text_is_redacted() -> None:
    found = report(result(MANY), result(FEW), {**TOMORROW, "redaction": {"redact_stored": True}})
    assert "Not shown: redaction.redact" in markdown(found)
    assert all(one["confusions"] is None for one in found.data["systems"])
    assert "right right" not in html(found)


def test_changes_name_what_a_setting_shapes() -> None:
    found = {one.key: one for one in changes(Settings(), Settings.model_validate({"run": {"limit": 3}, **TOMORROW}))}
    assert set(found) == {
        "run.limit", "transcription.faster_whisper.model", "transcription.faster_whisper.cpu_threads",
    }  # fmt: skip
    assert found["transcription.faster_whisper.model"].transcribes_again
    assert found["transcription.faster_whisper.model"].results == {Result.IDENTITY}
    assert not found["run.limit"].transcribes_again
    assert (found["run.limit"].before, found["run.limit"].after) == ("null", "3")


def test_kept_transcripts_come_back_and_broken_ones_are_made_again(tmp_path: Path) -> None:
    identity = EngineIdentity(engine="e", model="m", revision=None, options_hash="h", rank=0, demonstration=False)
    chunks = heard("call", 1).chunks
    transcript = Transcript(fingerprint="f" * 64, identity=identity, language="en", chunks=chunks)
    kept = KeptTranscript(transcript=transcript, effort=result(FEW).calls["call-0"].effort)
    store = KeptTranscripts(tmp_path / "kept")
    assert store.get("f" * 64) is None
    store.put(kept)
    assert store.get("f" * 64) == kept
    (tmp_path / "kept" / f"{'f' * 64}.json").write_text("{}")
    assert store.get("f" * 64) is None


@pytest.mark.parametrize(
    ("engine", "settings", "per_hour"),
    [
        ("scripted", {}, None),
        ("scripted", {"reporting": {"machine_usd_per_hour": 0.5}}, 0.1),
        ("openai_audio", {"reporting": {"machine_usd_per_hour": 0.5}}, None),
        ("openai_audio", {"transcription": {"openai_audio": {"usd_per_minute": 0.006}}}, 0.36),
        (
            "openai_audio",
            {"transcription": {"openai_audio": {"usd_per_minute": 0.006}}, "reporting": {"machine_usd_per_hour": 0.5}},
            0.46,
        ),
    ],
)
def test_an_audio_hour_costs_the_machine_and_the_service_or_nothing_is_said(
    engine: str, settings: dict[str, Any], per_hour: float | None
) -> None:
    made = result(FEW)
    for name, call in made.calls.items():
        made.calls[name] = Transcribed(heard=heard(name, 0, engine=engine), effort=call.effort, reused=False)
    found = comparison([system("one", **settings)], made)
    assert found.systems[0].effort.usd_per_audio_hour == (None if per_hour is None else pytest.approx(per_hour))


def of_everything() -> tuple[Report, Any, Any]:
    """Three systems: one measured on two machines and partly used again, one that heard a call less, the baseline."""
    today, tomorrow, plain = result(MANY, 3.0, reused=2), result(FEW, 9.0, engine="openai_audio"), result(MANY, 2.0)
    for number in (0, 1):
        call = today.calls[f"call-{number}"]
        assert call.effort is not None
        effort = replace(call.effort, machine="another", wall_s=9.0, peak_memory_bytes=2 * 10**9,
                         made_at="2026-11-25T12:00:00+00:00")  # fmt: skip
        today.calls[f"call-{number}"] = replace(call, effort=effort)
    plain.calls["call-3"] = replace(plain.calls["call-3"], effort=None)
    tomorrow.calls["call-2"] = replace(tomorrow.calls["call-2"], heard=heard("call-2", 9, engine="sphinx"))
    del tomorrow.calls["call-7"]
    tomorrow.failures["call-7"] = "noise"
    today.notices.extend(f"notice {number}" for number in range(12))
    systems = [system("today.yaml", **TODAY), system("tomorrow.yaml", **TOMORROW), System(
        name=PLAIN, settings=Settings(), path="")]  # fmt: skip
    found = comparison(systems, today, tomorrow, plain, names=("right",))
    decision = decide(found, systems)
    return build_report(
        found, systems, decision, when="2026-11-26 12:00", machine="a machine", truth="truth", recordings="calls",
        stored_calls=None,
    ), found, decision  # fmt: skip


def test_the_whole_report_is_as_before() -> None:
    made, _, _ = of_everything()
    assert_pinned("report.md", markdown(made))
    assert_pinned("report.html", html(made))
    assert_pinned("report.json", json.dumps(made.data, indent=1, default=str))


def test_a_comparison_is_shown_on_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    _, found, decision = of_everything()
    show(found, decision, [Path("a.md"), Path("b.html")])
    assert_pinned("shown.txt", capsys.readouterr().out)
