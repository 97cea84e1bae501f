"""`run.py evaluate transcripts`: figures that are right on transcripts that are known."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.evaluate.transcripts import TrueTurn, on_one_channel, order_agreement, read_truth, without_noises
from db.embedded.server import EmbeddedServer
from db.queries.calls import SaidChunk
from pipeline.errors import ConfigurationError
from pipeline.records import Role
from tests.commands.running import Workplace
from tests.databases import TEMPLATE, fresh_database
from tests.house import PROJECT

SAMPLES = PROJECT / "samples"
LOST_CARD = next((SAMPLES / "calls").glob("*lost-card.wav"))


@pytest.fixture(scope="module")
def figures(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A sample call whose true text the scripted recogniser replays, evaluated against that very text."""
    folder = tmp_path_factory.mktemp("evaluate")
    for url in fresh_database(server, TEMPLATE):
        place = Workplace(LOST_CARD, folder / "output", url)
        scripted = ["transcription.engines=[scripted]", f"transcription.scripted.transcripts={SAMPLES / 'truth'}"]
        done = place.run(settings=scripted)
        assert done.returncode == 0, done.stderr
        evaluated = subprocess.run(
            [sys.executable, "run.py", "evaluate", "transcripts", "--truth", str(SAMPLES / "truth"), "--json",
             "--set", f"database.url={url}"],
            cwd=PROJECT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        yield json.loads(evaluated.stdout)


def test_a_replayed_truth_has_next_to_no_errors_and_right_roles(figures: dict[str, Any]) -> None:
    assert {side["role"] for side in figures["sides"]} == {"agent", "client"}
    assert figures["word_error_rate"] < 0.03, "words at the border of two segments only"
    assert all(side["roles_right"] for side in figures["sides"])
    assert all(side["turn_order"] == 1.0 for side in figures["sides"])
    assert all(side["speech_f1"] > 0.9 for side in figures["sides"])


def test_a_truth_file_of_another_form_is_named(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text('{"turns": [{"channel": 0}]}', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"call\.json: not a truth file"):
        read_truth(path)


@pytest.mark.parametrize(
    ("text", "words"), [("yes [noise] please", "yes please"), ("[noise]", ""), ("plain", "plain"), ("", "")]
)
def test_noises_are_no_words(text: str, words: str) -> None:
    assert without_noises(text) == words


def turn(channel: int, start_s: float) -> TrueTurn:
    return TrueTurn(channel, "agent", start_s, start_s + 1, "word")


def said(channel: int, start_s: float) -> SaidChunk:
    return SaidChunk(channel=channel, role=Role.AGENT, start_s=start_s, end_s=start_s + 1, text="word")


@pytest.mark.parametrize(
    ("chunks", "share"),
    [
        ([said(0, 0), said(1, 2), said(0, 4)], 1.0),
        ([said(1, 2), said(0, 0), said(0, 4)], 2 / 3),
        ([], None),
    ],
)
def test_order_is_the_share_of_turns_that_do_not_step_back(chunks: list[SaidChunk], share: float | None) -> None:
    assert order_agreement([turn(0, 0), turn(1, 2), turn(0, 4)], chunks) == (
        None if share is None else pytest.approx(share)
    )


def test_a_doubled_channel_is_judged_as_one_without_roles() -> None:
    merged = on_one_channel([turn(1, 4), turn(0, 0)])
    assert [(one.channel, one.role, one.start_s) for one in merged] == [(0, None, 0), (0, None, 4)]
