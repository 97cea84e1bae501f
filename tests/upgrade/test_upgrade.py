"""A database from before: today's code finds nothing to do in it. Transcribing a year of calls again costs weeks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from db.migrate import migrate
from tests.commands.running import NO_MODELS
from tests.house import PROJECT
from tests.upgrade.dumps import dumps, load
from tests.upgrade.make_database import HOME, SITUATIONS, arguments, environment, lay_out

_DONE_ANEW = ("text", "acoustic", "fusion", "topic", "summary", "rules")
"""Steps whose method is another today, and those that are new: they are done from the stored transcript."""
_RESULTS = (
    "SELECT fingerprint, created_at FROM transcripts",
    "SELECT call_id, step, state, attempts, updated_at FROM call_steps"
    f" WHERE step NOT IN ({', '.join(map(repr, _DONE_ANEW))})",
    "SELECT call_id, status, transcription FROM calls",
)
_MOODS = f"SELECT fingerprint, state, updated_at FROM call_steps WHERE step IN ({', '.join(map(repr, _DONE_ANEW))})"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The calls and the weights the old runs had."""
    lay_out(tmp_path)
    return tmp_path


@pytest.fixture(params=dumps(), ids=lambda path: str(path.stem))
def old(request: pytest.FixtureRequest, empty_url: str, home: Path) -> str:
    """Address of a database in the state in which that commit left it."""
    dump = request.param.read_text(encoding="utf-8").replace(HOME, home.as_uri())
    load(dump, empty_url)
    return empty_url


def results(url: str) -> list[list[tuple[Any, ...]]]:
    with psycopg.connect(url) as connection:
        return [sorted(connection.execute(query.encode()).fetchall(), key=str) for query in _RESULTS]


def run(url: str, home: Path, name: str, *more: str, said: str = "") -> dict[str, Any]:
    """Counts of a run of today's code, by the file it leaves. `said`: a part of what it writes."""
    command = [sys.executable, *arguments(home, name, {"database.url": url}), *more]
    done = subprocess.run(
        command, cwd=PROJECT, env=environment(home), capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())
    newest = max((home / "out").glob("file_statuses_*.json"), key=lambda path: path.stat().st_mtime_ns)
    counts: dict[str, Any] = json.loads(newest.read_text(encoding="utf-8"))["counts"]
    newest.unlink()
    return counts


_LOADS_NOTHING = [part for setting in NO_MODELS for part in ("--set", setting)]
"""For situations in which the models that the analysis has by default are not what is looked at."""
_HEARD_IN_WINDOWS = "faster_whisper"
"""Whisper hears other words today: its transcripts are redone unless they are to stay."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SITUATIONS)
def test_a_database_from_before_is_transcribed_no_more(old: str, home: Path, name: str) -> None:
    """Moods and summaries are made another way today and are done anew, once; nothing else is touched, and then
    nothing at all."""
    before = results(old)
    heard_anew = SITUATIONS[name].engine == _HEARD_IN_WINDOWS
    keep = ["--set", "run.stale_transcripts=keep"] if heard_anew else _LOADS_NOTHING
    counts = run(old, home, name, *keep)
    assert counts["done"] == len(SITUATIONS[name].calls), counts
    assert results(old) == before
    with psycopg.connect(old) as connection:
        moods = sorted(connection.execute(_MOODS.encode()).fetchall(), key=str)
        counts = run(old, home, name, *keep)
        assert counts["unchanged"] == len(SITUATIONS[name].calls), counts
        assert counts["done"] == 0
        assert sorted(connection.execute(_MOODS.encode()).fetchall(), key=str) == moods
    assert results(old) == before


def test_talk_measured_with_padding_stays_and_its_reason_says_so(old: str) -> None:
    query = "SELECT agent_talk_s, turns, missing_reasons->>'conversation' FROM calls ORDER BY call_id"
    migrate(old)
    with psycopg.connect(old) as connection:
        after = connection.execute(query).fetchall()
        steps = connection.execute("SELECT reason FROM call_steps WHERE step = 'conversation'").fetchall()
    assert all(talk_s is not None and turns is not None for talk_s, turns, _ in after)
    assert len(after) == len(steps) > 0
    assert all("padding" in reason for *_, reason in after)
    assert all("padding" in reason for (reason,) in steps)


def test_quotes_of_earlier_summaries_become_evidence(old: str) -> None:
    query = "SELECT s.payload->'evidence' FROM call_steps s WHERE step = 'summary' AND state = 'done' ORDER BY call_id"
    with psycopg.connect(old) as connection:
        before = [evidence for (evidence,) in connection.execute(query).fetchall()]
    migrate(old)
    with psycopg.connect(old) as connection:
        after = [evidence for (evidence,) in connection.execute(query).fetchall()]
        shown = connection.execute(
            "SELECT summary_evidence, summary_details ? 'evidence' FROM calls"
            " WHERE summary IS NOT NULL ORDER BY call_id"
        ).fetchall()
        chunks = connection.execute("SELECT channel, ordinal, role, start_s, end_s FROM chunks").fetchall()
    assert [[one["text"] for one in of_call] for of_call in after] == [
        [one["quote"] for one in of_call] for of_call in before
    ]
    assert shown == [(evidence, False) for evidence in after]
    assert {one["part"] for of_call in after for one in of_call} == {"line"}
    assert all(
        (one["channel"], one["chunk"], one["role"], one["start_s"], one["end_s"]) in chunks
        for of_call in after
        for one in of_call
    )


def test_a_run_says_which_transcripts_it_makes_again_and_how_to_keep_them(old: str, home: Path) -> None:
    counts = run(old, home, "folders", *_LOADS_NOTHING, said="1 stored transcript")
    assert counts["done"] == 1
    assert run(old, home, "folders", *_LOADS_NOTHING)["done"] == 0
