"""Stored calls, settings, and the command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.evaluate.watch.command import watch_transcripts
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from tests.commands.evaluate.watch.watching import (
    CALLS,
    Ask,
    Watching,
    store_call,
)
from tests.loopback import Loopback, Reply, listening


@pytest.fixture
def stored(store: PostgresStore, run_id: str) -> list[str]:
    return [store_call(store, run_id, str(number)) for number in range(CALLS)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({
        "watch": {"calls_per_night": 6, "sheet": "csv"}, "output": {"directory": str(tmp_path / "output")}
    })  # fmt: skip


@pytest.fixture
def ask(url: str, tmp_path: Path) -> Ask:
    config = tmp_path / "config.yaml"
    config.touch()

    def work(*overrides: str, **given: Any) -> int:
        request: dict[str, Any] = {"read": (), "draw": False, "sheet": None, "as_json": True} | given
        chosen = (f"database.url={url}", f"output.directory={tmp_path / 'output'}", *overrides)
        return watch_transcripts(config, chosen, **request)

    return work


@pytest.fixture
def watching(database: Database, store: PostgresStore, settings: Settings, run_id: str, ask: Ask) -> Watching:
    return Watching(database, store, settings, run_id, ask)


@pytest.fixture
def webhook() -> Iterator[Loopback]:
    with listening(lambda _: Reply()) as server:
        yield server
