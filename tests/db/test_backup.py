"""A backup as docs/encryption.md describes it: dumped, brought back into an empty server, and every row compared."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from db.admin import database_url, dump, restore, stop_server
from db.embedded.programs import find_programs
from db.ledger.store import PostgresStore
from pipeline.config.areas.database import DatabaseSettings
from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.encryption import here
from pipeline.errors import ConfigurationError, DatabaseUnavailable
from tests.encrypting import key_file, keys_here
from tests.recorded import store_recorded, write_two_sides

__all__ = ["key_file", "keys_here"]


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
def test_a_backup_brings_back_every_row_and_every_recording(  # noqa: PLR0917 - fixtures
    url: str,
    store: PostgresStore,
    tmp_path: Path,
    open_folder: Path,
    keys_here: EncryptionSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = write_two_sides(tmp_path / "plain.wav")
    recording = tmp_path / "call.wav"
    here.seal(plain, recording)
    store_recorded(store, store.begin_run({}, "hash", "testhost"), recording)
    before = rows_of(url)
    assert before["calls"]
    assert before["transcript_chunks"]
    monkeypatch.setenv("PATH", str(find_programs(None).folder), prepend=":")  # of the server's version

    file = tmp_path / "new" / "earshot.dump"
    dump(DatabaseSettings(url=url), file)
    copy = tmp_path / "backup.wav"
    copy.write_bytes(recording.read_bytes())

    embedded = DatabaseSettings(data_dir=open_folder / "restored")
    try:
        assert restore(embedded, file) == []
        assert rows_of(database_url(embedded)) == before
        with pytest.raises(ConfigurationError, match="holds 1 calls"):
            restore(embedded, file)
        dump(embedded, file)  # in place of the first
        with psycopg.connect(database_url(embedded)) as connection:
            connection.execute("TRUNCATE calls CASCADE")
            connection.execute("CREATE ROLE earshot_reader NOLOGIN")
        assert restore(embedded, file) == []
        assert rows_of(database_url(embedded)) == before
        with psycopg.connect(database_url(embedded)) as connection:
            read = connection.execute("SELECT has_table_privilege('earshot_reader', 'calls', 'SELECT')").fetchone()
        assert read == (True,)
    finally:
        stop_server(embedded, force=True)
    assert keys_here.key is not None
    with here.open_file(copy) as opened:
        assert opened.read() == plain.read_bytes()


def test_what_is_no_backup_is_told_and_leaves_nothing(tmp_path: Path, url: str) -> None:
    settings = DatabaseSettings(url=url)
    with pytest.raises(ConfigurationError, match="not there"):
        restore(settings, tmp_path / "missing.dump")
    nowhere = DatabaseSettings(url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable, match="pg_dump"):
        dump(nowhere, tmp_path / "earshot.dump")
    assert list(tmp_path.iterdir()) == []
