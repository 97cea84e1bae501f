"""A backup as docs/encryption.md describes it: dumped, brought back into an empty server, and every row compared."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from db.embedded.programs import find_programs
from db.embedded.server import EmbeddedServer
from db.ledger.store import PostgresStore
from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.encryption import here
from tests.encrypting import key_file, keys_here
from tests.recorded import store_recorded, write_two_sides

__all__ = ["key_file", "keys_here"]


def program(name: str, *arguments: str) -> None:
    done = subprocess.run(
        [find_programs(None).path(name), *arguments], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr


def rows_of(url: str) -> dict[str, list[str]]:
    """Every row of every table, as text, in no particular order."""
    with psycopg.connect(url) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT table_name FROM information_schema.tables "
                "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"
            )
        ]
        return {
            table: sorted(
                row
                for (row,) in connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table)))
            )
            for table in tables
        }


@pytest.mark.slow
def test_a_backup_brings_back_every_row_and_every_recording(
    url: str, store: PostgresStore, tmp_path: Path, open_folder: Path, keys_here: EncryptionSettings
) -> None:
    plain = write_two_sides(tmp_path / "plain.wav")
    recording = tmp_path / "call.wav"
    here.seal(plain, recording)
    store_recorded(store, store.begin_run({}, "hash", "testhost"), recording)
    before = rows_of(url)
    assert before["calls"]
    assert before["transcript_chunks"]

    dump = tmp_path / "earshot.dump"
    program("pg_dump", "--format=custom", "--file", str(dump), url)
    copy = tmp_path / "backup.wav"
    copy.write_bytes(recording.read_bytes())

    restored = EmbeddedServer(open_folder / "restored")
    restored.start()
    try:
        arguments = ("--clean", "--if-exists", "--no-owner", "--no-acl", "--exit-on-error")
        program("pg_restore", *arguments, "--dbname", restored.url, str(dump))
        assert rows_of(restored.url) == before
    finally:
        restored.release()
    assert keys_here.key is not None
    with here.open_file(copy) as file:
        assert file.read() == plain.read_bytes()
