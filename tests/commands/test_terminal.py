"""Names and words as they are on the terminal: no markup, no control characters, no secrets."""

from __future__ import annotations

import json
import os
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from bench.materials.recordings import sample_speech, write_wav
from commands.console import Terminal, cell, table
from commands.doctor.command import show
from commands.doctor.finding import Finding, State
from commands.run.summary import calls_table
from commands.terminal import complain, say, say_json, say_secret
from pipeline import masking
from pipeline.visible_text import one_line, visible
from tests.commands.running import SCRIPTED, Workplace, told_by
from tests.house import PROJECT

ACTING = ["\x1b", "\x07", "\x9b", "\r", "\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\udcff", "\x00"]
MARKUP = ["[/red]", "[/b]", "[laughs]", "[bold]loud[/bold]", "[link=http://x]y[/link]", ":bell:", "[/]", "[", "\\[x]"]


def printed(*things: object) -> str:
    screen = StringIO()
    Terminal(screen, width=200).print(*things)
    return screen.getvalue()


@pytest.mark.parametrize("text", MARKUP)
def test_text_is_no_markup(text: str) -> None:
    shown = table(f"title {text}")
    shown.add_column(f"column {text}")
    shown.add_row(f"string {text}")
    shown.add_row(cell(f"cell {text}"))
    shown.caption = f"caption {text}"
    everything = printed(shown, f"line {text}")
    for where in ("title", "column", "string", "cell", "caption", "line"):
        assert f"{where} {text}" in everything


@pytest.mark.parametrize("character", ACTING)
def test_no_control_character_reaches_the_terminal(character: str, capfd: pytest.CaptureFixture[str]) -> None:
    text = f"before{character}after"
    say(text)
    say_secret(text)
    say_json({text: [text]})
    complain(text)
    out, err = capfd.readouterr()
    everything = out + err + printed(text, cell(text), table(text))
    assert character not in everything
    assert f"\\u{ord(character):04x}" in everything


@pytest.mark.parametrize("language", ["عيط ليا غدا", "Überweisung\t–\nZeile", "日本語", "naïve café"])
def test_words_of_every_language_stay_as_they_are(language: str) -> None:
    assert visible(language) == language


@given(st.text())
def test_json_means_the_same_with_its_characters_shown(text: str) -> None:
    written = json.dumps({"said": text}, ensure_ascii=False)
    assert json.loads(visible(written)) == {"said": text}


@given(st.text())
def test_a_cell_is_one_line_of_printable_text(text: str) -> None:
    assert not set(one_line(text)) & {"\n", "\t", *ACTING}


def test_a_secret_is_masked_wherever_it_is_printed_but_where_it_was_asked_for(
    capfd: pytest.CaptureFixture[str],
) -> None:
    masking.know("open sesame")
    say("it is open sesame")
    say_json({"it": "open sesame"})
    complain("it is open sesame")
    out, err = capfd.readouterr()
    assert "sesame" not in out + err + printed("open sesame", cell("open sesame"))
    say_secret("it is open sesame")
    assert "open sesame" in capfd.readouterr().out


def test_the_table_of_calls_shows_names_topics_and_summaries_as_they_are() -> None:
    row = {"file_name": "[/b]\x1b[2J.wav", "duration_s": 3.0, "topics": "[red]bills", "summary": "[laughs]\nand goes"}
    row |= {"client_fusion_sentiment": "negative", "agent_fusion_sentiment": None}
    shown = printed(calls_table([row], 200, summaries=True))
    assert "[/b]\\u001b[2J.wav" in shown
    assert "[red]bills" in shown
    assert "[laughs] · and goes" in shown


def test_in_a_file_a_line_is_neither_wrapped_nor_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    sentence = "found 37005 = " + " + ".join(f"{n} of kind {n}" for n in range(40))
    topic = "Technical support > Outage of a server"
    row = {"file_name": "20260914-091502_inbound_agent-003.wav", "duration_s": 3.0, "topics": topic, "summary": "words"}
    row |= {"client_fusion_sentiment": "negative", "agent_fusion_sentiment": None}
    file = StringIO()
    terminal = Terminal(file)
    terminal.print(sentence)
    terminal.print(calls_table([row], terminal.width, summaries=terminal.is_terminal))
    lines = file.getvalue().splitlines()
    assert lines[0] == sentence
    assert any(str(row["file_name"]) in line for line in lines)
    grid = Table(show_header=False, box=None)
    grid.add_row(cell("short"))
    grid.add_row(cell("long " * 40))
    terminal.print(grid)
    assert not any(line.endswith(" ") for line in file.getvalue().splitlines())
    assert "words" not in file.getvalue()


def test_the_doctors_findings_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show([Finding(area="input", name="input.path", state=State.BROKEN, detail="no folder [/b]\x1b[31m")], False, 1.0)
    shown = capsys.readouterr().out
    assert "no folder [/b]\\u001b[31m" in " ".join(shown.split())
    assert "a run could not start" in shown


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--\x1b[31mlimit", "3"], 2),
        (["search\x1b[31m"], 2),
        (["--set", "run.\x1b[31mordr=[/b]"], 2),
        (["--config", "no[/b]\x1b[31m.yaml"], 2),
        (["--limit", "\x1b[31m"], 2),
        (["export", "x.[/b]\x1b[31m"], 2),
        (["search", "a", "b\x1b[31m"], 2),
        (["--output", "/dev/null/[/b]\x1b[31m"], 3),
        (["--output", "/not/\udcff"], 2),
    ],
)
def test_a_wrong_command_line_is_told_as_it_was_typed(
    arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ended, told = told_by(arguments, monkeypatch, capfd)
    assert ended == code, told
    assert not set(told) & set(ACTING)


HOSTILE = "[b]\x1b[31m\u202e [laughs]"
"""Markup, a colour, a turn of direction."""


def test_hostile_names_go_through_a_run_and_every_reading_command(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "[" / f"b]{HOSTILE}"
    place = Workplace(home / "calls", home / "output", url)
    place.calls.mkdir(parents=True)
    write_wav(place.calls / f"{HOSTILE}\udcff.wav", sample_speech(30.0)[:96_000])
    (place.calls / f"{HOSTILE} broken.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    for path in place.calls.iterdir():
        os.utime(path, (1.7e9, 1.7e9))
    spool = f"run.spool_dir={tmp_path}/spool"
    command = [part for part in place.arguments(settings=(*SCRIPTED, spool)) if f"{place.output}/spool" not in part]
    command = [part for at, part in enumerate(command) if not (part == "--set" and command[at + 1] == "--set")]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
    told = [(run.stdout + run.stderr).decode()]
    assert run.returncode == 0, told
    config = ["--config", str(home / "config.yaml"), "--set", f"database.url={url}"]
    for options in (
        ["search", "[/red]"], ["search", "[/red]", "--json"], ["status"], ["status", "--json"],
        ["export", str(home / "calls.csv")],
        ["report", "--output", str(home / "report.html"), "--set", "output.readable_by=group"],
    ):  # fmt: skip
        code, text = told_by([*options, *config], monkeypatch, capfd)
        assert code == 0, text
        told.append(text)
    for text in (*told, (home / "report.html").read_text(encoding="utf-8")):
        assert not set(text) & set(ACTING)
    assert (home / "calls.csv").stat().st_mode & 0o777 == 0o600
    assert (home / "report.html").stat().st_mode & 0o777 == 0o640
    assert "[/b]" in told[0]
    assert "\\u001b[31m\\u202e" in "".join(told[0].split())
