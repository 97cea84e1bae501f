"""`run.py db serve`: a reader by TCP, in one command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from db.admin import stop_server
from pipeline.config.areas.database import DatabaseSettings
from tests.commands.running import told_by
from tests.house import PROJECT


def test_a_bi_tool_reads_by_tcp_and_no_more(
    open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EARSHOT_READER_PASSWORD", raising=False)
    folder = open_folder / "served"
    config = tmp_path / "config.yaml"
    config.touch()
    options = ["--config", str(config), "--set", f"database.data_dir={folder}"]
    try:
        code, told = told_by(["db", "serve", "--listen", "127.0.0.1:0", *options], monkeypatch, capfd)
        assert code == 0, told
        port = int(re.search(r"port (\d+), database earshot, user earshot_bi", told)[1])  # type: ignore[index]
        password = told.partition("not stored):\n")[2].splitlines()[0]
        with psycopg.connect(
            host="127.0.0.1", port=port, dbname="earshot", user="earshot_bi", password=password, autocommit=True
        ) as reader:
            for view in ("calls_done", "sides", "turns", "daily", "topics_weekly", "repeat_calls", "attention"):
                assert reader.execute(f"SELECT count(*) FROM {view}").fetchone() == (0,)
            with pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
                reader.execute("DELETE FROM calls")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=port, dbname="earshot", user="earshot_bi", password="guessed")
    finally:
        stop_server(DatabaseSettings(data_dir=folder), force=True)


def test_a_script_asks_the_database_in_one_line(open_folder: Path, tmp_path: Path) -> None:
    folder = open_folder / "asked"
    config = tmp_path / "config.yaml"
    config.touch()
    shell = [sys.executable, "run.py", "db", "shell", "--config", str(config), "--set", f"database.data_dir={folder}"]
    try:
        rows = [*shell, "--csv", "-c", "SELECT count(*) AS calls FROM calls_done"]
        answered = subprocess.run(rows, capture_output=True, text=True, cwd=PROJECT, check=False)
        assert (answered.returncode, answered.stdout) == (0, "calls\n0\n"), answered.stderr
        refused = subprocess.run(
            [*shell, "-c", "SELECT oops"], capture_output=True, text=True, cwd=PROJECT, check=False
        )
        assert refused.returncode == 1
        assert "oops" in refused.stderr
    finally:
        stop_server(DatabaseSettings(data_dir=folder), force=True)
