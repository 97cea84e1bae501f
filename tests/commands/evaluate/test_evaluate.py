"""`run.py evaluate transcripts`: figures that are right on transcripts that are known."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db.embedded.server import EmbeddedServer
from tests.commands.evaluate.two_files import PAIR, in_two_files
from tests.commands.running import SCRIPTED, Workplace, called, told_by
from tests.databases import TEMPLATE, fresh_database
from tests.house import PROJECT
from tests.pinned import assert_pinned

SAMPLES = PROJECT / "samples"
LOST_CARD = next((SAMPLES / "calls").glob("*lost-card.wav"))


@pytest.fixture(scope="module")
def figures(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A sample call whose true text the scripted recogniser replays, evaluated against that very text."""
    folder = tmp_path_factory.mktemp("evaluate")
    for url in fresh_database(server, TEMPLATE):
        place = Workplace(LOST_CARD, folder / "output", url)
        done = place.run(settings=[*SCRIPTED, f"transcription.scripted.transcripts={SAMPLES / 'truth'}"])
        assert done.returncode == 0, done.stderr
        options = ["--truth", str(SAMPLES / "truth"), "--json", "--set", f"database.url={url}"]
        evaluated = called(["evaluate", "transcripts", *options])
        assert evaluated.returncode == 0, evaluated.stderr
        yield json.loads(evaluated.stdout) | {"url": url}


@pytest.fixture(scope="module")
def stored_pair(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same call in a file for each side, stored; the address of the database."""
    folder = tmp_path_factory.mktemp("pair")
    for inside in ("calls", "scripts"):
        (folder / inside).mkdir()
    in_two_files(LOST_CARD, folder / "calls")
    shutil.copy(next((SAMPLES / "truth").glob("*lost-card.json")), folder / "scripts" / f"{PAIR}-in.json")
    for url in fresh_database(server, TEMPLATE):
        place = Workplace(folder / "calls", folder / "output", url)
        done = place.run(settings=[*SCRIPTED, f"transcription.scripted.transcripts={folder / 'scripts'}"])
        assert done.returncode == 0, done.stderr
        yield url


def test_a_replayed_truth_has_next_to_no_errors_and_right_roles(figures: dict[str, Any]) -> None:
    assert {side["role"] for side in figures["sides"]} == {"agent", "client"}
    assert figures["word_error_rate"] < 0.03, "words at the border of two segments only"
    assert all(side["roles_right"] for side in figures["sides"])
    assert all(side["turn_order"] == 1.0 for side in figures["sides"])
    assert all(side["speech_f1"] > 0.9 for side in figures["sides"])


def test_the_figures_are_shown_in_tables(
    figures: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(PROJECT)
    options = ["--truth", str(SAMPLES / "truth"), "--set", f"database.url={figures['url']}"]
    code, told = told_by(["evaluate", "transcripts", *options], monkeypatch, capfd)
    assert code == 0, told
    timed = re.compile(r"(real-time factor in the run, .*│ )[0-9.]+ ")
    assert_pinned("transcripts.txt", "\n".join(timed.sub(r"\1… ", line).rstrip() for line in told.splitlines()))


def test_every_figure_and_the_worst_errors_are_told_to_machines(figures: dict[str, Any]) -> None:
    assert {"wer", "cer", "wer_agent", "short_answers", "word_time_s"} <= set(figures["figures"])
    assert figures["figures"]["wer"]["value"] == figures["word_error_rate"]
    assert figures["figures"]["wer"]["low"] is None, "one call has no interval"
    assert figures["confusions"] == []
    assert 0 < figures["real_time_factor_p50"] <= figures["real_time_factor_p95"]
    assert len(figures["without_transcript"]) == 7


@pytest.mark.parametrize("name", ["call-17", "call-17-in", "call-17-out"])
def test_a_call_in_two_files_has_the_truth_of_either_or_of_both(
    name: str, stored_pair: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    shutil.copy(next((SAMPLES / "truth").glob("*lost-card.json")), tmp_path / f"{name}.json")
    code, told = told_by(
        ["evaluate", "transcripts", "--truth", str(tmp_path), "--json", "--set", f"database.url={stored_pair}"],
        monkeypatch, capfd,
    )  # fmt: skip
    assert code == 0, told
    figures = json.loads(told)
    assert {(side["call"], side["role"]) for side in figures["sides"]} == {(name, "agent"), (name, "client")}
    assert figures["word_error_rate"] < 0.05
    assert figures["without_transcript"] == []
