"""What a dry run says is what a run does: also before the first one, and after a changed prompt."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bench.materials.recordings import sample_speech, write_wav
from db.embedded.server import EmbeddedServer
from tests.commands.running import SCRIPTED, Workplace
from tests.databases import TEMPLATE, fresh_database
from tests.house import PROJECT


@pytest.fixture
def one_call(tmp_path: Path) -> Path:
    calls = tmp_path / "calls"
    calls.mkdir()
    path = write_wav(calls / "20260901-100000_inbound.wav", sample_speech(12.0)[:96_000])
    os.utime(path, (time.time() - 3600, time.time() - 3600))
    return calls


@pytest.fixture
def place(server: EmbeddedServer, one_call: Path, tmp_path: Path) -> Iterator[Workplace]:
    for url in fresh_database(server, TEMPLATE):
        yield Workplace(one_call, tmp_path / "output", url)


def said(place: Workplace, *extra: str, settings: tuple[str, ...] = SCRIPTED) -> str:
    run = place.run("--dry-run", *extra, settings=settings)
    assert run.returncode == 0, run.stderr
    return " ".join(run.stdout.split())


def planned(place: Workplace, *extra: str, settings: tuple[str, ...] = SCRIPTED) -> dict[str, str]:
    """The table of the plan: calls by what is to be done."""
    run = place.run("--dry-run", *extra, settings=settings)
    assert run.returncode == 0, run.stderr
    cells = [[cell.strip() for cell in line.strip("│┃ ").split("│")] for line in run.stdout.splitlines()]
    return {row[0]: row[1] for row in cells if len(row) == 2 and row[1].isdigit()}


def test_a_dry_run_before_the_first_run_on_a_server_plans_and_makes_no_table(
    server: EmbeddedServer, one_call: Path, tmp_path: Path
) -> None:
    """operations.md tells people to begin with it; it ended in a traceback."""
    for url in fresh_database(server, "template1"):
        place = Workplace(one_call, tmp_path / "output", url)
        assert planned(place) == {"new": "1"}
        assert place.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


def test_tables_of_another_version_are_told_of(place: Workplace) -> None:
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE calls DROP COLUMN failed_runs CASCADE")
    run = place.run("--dry-run")
    assert run.returncode == 3
    assert "db migrate" in run.stderr
    assert "Traceback" not in run.stderr


BEHIND_ANOTHER = ("transcription.engines=[sphinx, scripted]", *SCRIPTED[1:])
"""The stored transcripts are not the first engine's: a run would load it to decide."""


@pytest.mark.slow
def test_a_dry_run_knows_which_analysis_a_run_would_redo(place: Workplace, tmp_path: Path) -> None:
    """It said unchanged and a cost of 0, and the run redid all of it."""
    assert place.run().returncode == 0
    glossary = tmp_path / "b2c.yaml"
    text = (PROJECT / "glossaries" / "b2c.yaml").read_text(encoding="utf-8")
    glossary.write_text(text.replace("Billing", "Invoices"), encoding="utf-8")
    changed = f"glossary.b2c={glossary}"
    files = sorted(place.output.rglob("*"))
    steps = place.rows("SELECT * FROM call_steps ORDER BY call_id, step")

    assert planned(place) == {"unchanged": "1"}
    assert planned(place, "--reprocess", "analysis") == {"analyse": "1"}
    assert planned(place, settings=(*SCRIPTED, changed)) == {"analyse": "1"}

    again = "analysed again in any case: 1"
    assert planned(place, settings=BEHIND_ANOTHER) == {"undecided": "1"}
    assert again not in said(place, settings=BEHIND_ANOTHER)
    assert again in said(place, settings=(*BEHIND_ANOTHER, changed))

    assert sorted(place.output.rglob("*")) == files
    assert place.rows("SELECT * FROM call_steps ORDER BY call_id, step") == steps


def test_a_dry_run_shows_a_time_and_no_summary_that_this_configuration_cannot_make(place: Workplace) -> None:
    """Without a language model it showed the fields that only a model can fill."""
    shown = said(place)
    assert "this configuration uses no language model" in shown
    assert "The client asks where a parcel is." not in shown
    assert "by a trial: scripted" in shown
    assert not place.output.exists()
