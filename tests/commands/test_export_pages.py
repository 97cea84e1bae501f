"""`run.py export --format html`: a folder that opens from the disk."""

from __future__ import annotations

import re
import uuid
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest

from commands.export import Wanted, export_calls
from commands.export_pages import UNWANTED, write_pages
from db.connection import Database
from db.ledger.store import PostgresStore
from db.queries.chosen import CallFilter
from pipeline.config.areas.redaction import RedactionSettings
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from tests.recorded import store_recorded, write_two_sides


@pytest.fixture
def recordings(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "calls"
    folder.mkdir()
    return [write_two_sides(folder / name) for name in ("a <b>&'.wav", "ü #1?.wav")]


@pytest.fixture
def call_ids(store: PostgresStore, run_id: str, recordings: list[Path]) -> list[str]:
    return [store_recorded(store, run_id, path, f"sha{number}") for number, path in enumerate(recordings)]


def addresses(html: str) -> list[str]:
    sides = [side for sides in re.findall(r'data-sides="([^"]*)"', html) for side in sides.split()]
    return [unescape(address) for address in [*re.findall(r'(?:href|src|action)="([^"]*)"', html), *sides]]


def test_every_address_is_a_file_beside(database: Database, call_ids: list[str], tmp_path: Path) -> None:
    to = tmp_path / "out"
    written = write_pages(database, Settings(), CallFilter(), to, audio=True)
    assert (written.index, written.calls, written.recordings) == (to / "index.html", 2, 2)
    pages = sorted(to.rglob("*.html"))
    assert len(pages) == 4
    seen = set()
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert "Content-Security-Policy" in html
        for address in addresses(html):
            path = unquote(re.split("[?#]", address)[0])
            assert not re.match("[a-z]+:|/", path), address
            target = (page.parent / path).resolve() if path else page
            assert target.is_file(), address
            assert target.is_relative_to(to)
            seen.add(target)
    lying_there = {path.resolve() for path in to.rglob("*") if path.is_file()}
    assert lying_there - seen == set()


def test_one_side_alone_is_a_file_of_its_own(database: Database, call_ids: list[str], tmp_path: Path) -> None:
    """A page on disk may not read samples: a channel splitter is silent there."""
    to = tmp_path / "out"
    write_pages(database, Settings(), CallFilter(call_ids=(uuid.UUID(call_ids[0]),)), to, audio=True)
    assert sorted(path.name.rpartition("-")[2][8:] for path in (to / "audio").iterdir()) == [
        ".0.m4a", ".1.m4a", ".svg", ".wav",
    ]  # fmt: skip
    assert [path.name for path in to.glob("*.html")] == ["index.html"]
    assert "calls.html" not in (to / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("why", ["unwanted", "gone", "broken"])
def test_a_recording_that_is_not_there_says_why(
    database: Database, call_ids: list[str], recordings: list[Path], tmp_path: Path, why: str
) -> None:
    says = {"unwanted": UNWANTED, "gone": "no longer at", "broken": "no decoder"}[why]
    for recording in recordings:
        if why == "gone":
            recording.unlink()
        elif why == "broken":
            recording.write_bytes(b"x" * recording.stat().st_size)
    to = tmp_path / "out"
    written = write_pages(database, Settings(), CallFilter(), to, audio=why != "unwanted")
    assert (written.calls, written.recordings) == (2, 0)
    pages = list((to / "calls").glob("*.html"))
    assert len(pages) == 2
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert says in html or why == "broken"
        assert "<audio" not in html
        assert "charged twice" in html
    assert not list(to.rglob("*.wav"))


def test_where_text_is_redacted_no_recording_is_copied_as_it_is(
    database: Database, call_ids: list[str], tmp_path: Path
) -> None:
    said = "My card is 4111 1111 1111 1111."
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE transcript_chunks SET text = %s, words = NULL WHERE ordinal = 0", [said])
    settings = Settings(redaction=RedactionSettings(redact_stored=True))
    to = tmp_path / "out"
    assert write_pages(database, settings, CallFilter(), to, audio=True).recordings == 2
    assert {path.suffix for path in (to / "audio").iterdir()} == {".m4a", ".svg"}


def test_rows_carry_what_the_script_filters_by(database: Database, call_ids: list[str], tmp_path: Path) -> None:
    write_pages(database, Settings(), CallFilter(agent="A7"), tmp_path / "out", audio=False)
    html = (tmp_path / "out" / "calls.html").read_text(encoding="utf-8")
    assert html.count('data-day="2026-11-20"') == 2
    assert html.count('data-topic="Billing" data-subtopic="Refund" data-mood="negative"') == 2
    assert "All of them: Agent A7." in html
    script = (tmp_path / "out" / "assets" / "reading-room.js").read_text(encoding="utf-8")
    from pages.filters import NAMES

    assert set(re.findall(r"^    ([a-z]+): \(row", script, re.MULTILINE)) == set(NAMES.values())


def test_no_calls_and_too_many(database: Database, call_ids: list[str], tmp_path: Path) -> None:
    write_pages(database, Settings(), CallFilter(agent="nobody"), tmp_path / "none", audio=True)
    assert "No call" in (tmp_path / "none" / "index.html").read_text(encoding="utf-8")
    with pytest.raises(ConfigurationError, match="2 calls are more than a folder can show"):
        write_pages(database, Settings(), CallFilter(), tmp_path / "many", audio=True, most=1)


def test_the_command_writes_the_folder_it_names(
    url: str, call_ids: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").touch()
    wanted = Wanted(
        to=str(tmp_path / "pages"), formats=("html",), table=None, columns=(), calls=CallFilter(), audio=False
    )
    assert export_calls(tmp_path / "config.yaml", [f"database.url={url}"], wanted) == 0
    assert (tmp_path / "pages" / "index.html").is_file()
    assert "2 calls, 0 recordings" in capsys.readouterr().out
