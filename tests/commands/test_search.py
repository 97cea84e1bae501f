"""`run.py search`: what it prints, and the page it opens."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands import view
from commands.app import app
from db.ledger.store import PostgresStore
from tests.db.samples import found, outcome
from tests.loopback import Reply, listening


@pytest.fixture
def call_id(store: PostgresStore, run_id: str) -> str:
    call_id = store.claim_call(found(), "aa", None)
    store.save_call(outcome(call_id, run_id))
    return call_id


def searched(url: str, folder: Path, *arguments: str) -> tuple[int, str]:
    config = folder / "config.yaml"
    config.write_text(f"database:\n  url: {url}\n")
    done = CliRunner().invoke(app, ["search", *arguments, "--config", str(config)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_a_table_of_hits(url: str, call_id: str, tmp_path: Path) -> None:
    code, said = searched(url, tmp_path, "charging", "--role", "client", "--agent", "A7", "--from", "2026-11-20")
    assert code == 0
    assert "1 hit for 'charging'" in said
    assert "0:01" in said, "the second of the word, not of the chunk"
    assert "\ue000" not in said
    assert "0 hits" in searched(url, tmp_path, "charging", "--agent", "A8")[1]


def test_a_mistyped_word_is_searched_as_what_it_may_mean(url: str, call_id: str, tmp_path: Path) -> None:
    code, said = searched(url, tmp_path, "chargd twise")
    assert code == 0
    assert "nobody said 'chargd twise'; shown for 'charged twice'" in said
    (hit,) = json.loads(searched(url, tmp_path, "chargd twise", "--json")[1])
    assert (hit["call_id"], hit["searched_instead"], hit["at_s"]) == (call_id, "charged twice", pytest.approx(4 / 3))


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A reading room that runs, and the addresses a browser was opened with."""
    opened: list[str] = []

    with listening(lambda _: Reply()) as server:
        monkeypatch.setattr(view, "PORT", server.port)
        monkeypatch.setattr(webbrowser, "open", opened.append)
        yield opened


def test_a_hit_is_opened_at_its_second(url: str, call_id: str, tmp_path: Path, room: list[str]) -> None:
    assert searched(url, tmp_path, "twice", "--open", "1")[0] == 0
    assert room == [f"http://127.0.0.1:{view.PORT}/calls/{call_id}#at=1.7"]
    assert searched(url, tmp_path, "twice", "--open", "2")[0] == 1


def test_no_room_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "PORT", 1)
    assert view.running_room("calls/x") is None
