"""A database with calls, the command over it, and its sheets."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.watch.drawing import draw_sample
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from tests.db.samples import found, outcome, prepared, transcript

CALLS = 8
TRUE_WORDS = 18
"""Words of TALK after the normaliser."""


def store_call(store: PostgresStore, run_id: str, name: str, **changes: Any) -> str:
    call = found(f"{name}.wav")
    call_id = store.claim_call(call, name, None)
    words = replace(transcript(f"t{name}"), **changes)
    store.save_call(outcome(call_id, run_id, call, audio=prepared(name), words=words))
    return call_id


Ask = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Watching:
    """A database, its settings, and the command over both."""

    database: Database
    store: PostgresStore
    settings: Settings
    run_id: str
    ask: Ask

    def drawn(self, stamp: str = "1", **watch: Any) -> Path:
        """The sheet of what a run draws."""
        changed = self.settings.watch.model_copy(update=watch)
        settings = self.settings.model_copy(update={"watch": changed})
        wanted = changed.calls_per_night
        sample = draw_sample(self.database, settings, stamp, wanted=wanted, within=timedelta(0), run_id=self.run_id)
        assert sample.sheet is not None
        return sample.sheet


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def filled(path: Path, change: Callable[[dict[str, str]], dict[str, str] | None]) -> Path:
    """The sheet after a person, in a spreadsheet that writes semicolons."""
    rows = [made for row in rows_of(path) if (made := change(row)) is not None]
    into = path.with_name("filled.csv")
    with into.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return into


def checked(row: dict[str, str]) -> dict[str, str]:
    """One word of 18 was heard wrongly: `card` for `car`."""
    return row | {"checked_by": "Ann", "said": row["said"].replace("my card", "my car")}


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return content
