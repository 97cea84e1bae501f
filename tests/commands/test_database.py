"""`run.py db` as it is typed, on a server by address: what it does and what it says."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from commands.app import app
from db.embedded.programs import find_programs
from db.embedded.rights import READER, READER_NO_TEXT
from db.embedded.server import EmbeddedServer
from db.ledger.store import PostgresStore
from pipeline.errors import ConfigurationError
from tests.databases import fresh_database


def typed(url: str, folder: Path, *arguments: str) -> str:
    config = folder / "config.yaml"
    config.write_text(f"database:\n  url: {url}\n")
    done = CliRunner().invoke(app, ["db", *arguments, "--config", str(config)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def test_the_address_is_told_with_its_password(tmp_path: Path) -> None:
    address = "postgresql://earshot:secret@db.example/calls"
    assert typed(address, tmp_path, "url") == f"{address}\n"


def test_migrations_are_named_once(empty_url: str, tmp_path: Path) -> None:
    lines = typed(empty_url, tmp_path, "migrate").splitlines()
    assert lines[0].startswith("applied 001_")
    assert all(line.startswith("applied ") for line in lines)
    assert typed(empty_url, tmp_path, "migrate") == "up to date\n"


def test_a_backup_tells_its_size_and_comes_back(
    url: str, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(find_programs(None).folder), prepend=":")
    file = tmp_path / "earshot.dump"
    said = typed(url, tmp_path, "dump", str(file))
    assert said == f"{file}: {file.stat().st_size / 1e6:.1f} MB\n"
    for other in fresh_database(server, "template1"):
        said = typed(other, tmp_path, "restore", str(file))
        assert said.splitlines()[0] == "restored"
        assert typed(other, tmp_path, "migrate") == "up to date\n"


def test_the_embedded_servers_state_is_told(server: EmbeddedServer, tmp_path: Path) -> None:
    folder = Path(server.status().home)
    said = typed("embedded", tmp_path, "status", "--set", f"database.data_dir={folder}").splitlines()
    assert said[0] == f"running  {folder}"
    assert said[1].startswith("address postgresql://")
    assert said[1].endswith(", used by 1 process, not kept")


@pytest.mark.parametrize(("without", "words"), [(False, "with"), (True, "without")])
def test_a_readers_login_needs_a_password_and_is_told(  # noqa: PLR0917 - fixtures
    without: bool, words: str, url: str, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EARSHOT_READER_PASSWORD", raising=False)
    login = f"analyst_{words}"
    more = ["--without-text"] if without else []
    with pytest.raises(ConfigurationError, match="set EARSHOT_READER_PASSWORD"):
        typed(url, tmp_path, "grant", "--login", login, *more)
    told = typed(url, tmp_path, "grant").splitlines()
    assert told
    assert not any(line.startswith("login") for line in told)
    monkeypatch.setenv("EARSHOT_READER_PASSWORD", "a long password of theirs")
    try:
        assert typed(url, tmp_path, "grant", "--login", login, *more).splitlines() == [
            *told, f"login {login}: {words} the words of the calls",
        ]  # fmt: skip
        with psycopg.connect(url) as connection:
            may = connection.execute(
                "SELECT has_any_column_privilege(%s, 'calls_without_text', 'SELECT'), has_any_column_privilege(%s, "
                "'transcript_chunks', 'SELECT')", [login, login]
            ).fetchone()  # fmt: skip
        assert may == (True, not without)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            for role in (login, READER, READER_NO_TEXT):
                connection.execute(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"'.encode())


def test_the_dictionary_is_written_as_a_page(url: str, store: PostgresStore, run_id: str, tmp_path: Path) -> None:
    page = tmp_path / "dictionary.html"
    said = typed(url, tmp_path, "dictionary", "--output", str(page))
    assert said.startswith(f"{page}: ")
    assert said.endswith(" tables and views\n")
    with_values = page.read_text()
    assert "transcript_chunks" in with_values
    assert "testhost" in with_values
    typed(url, tmp_path, "dictionary", "--output", str(page), "--without-values")
    without = page.read_text()
    assert "transcript_chunks" in without
    assert "testhost" not in without
