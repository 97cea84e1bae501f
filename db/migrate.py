"""Bring a database's tables up to date, with yoyo-migrations under our own lock.

yoyo marks a migration as applied in another transaction than the one that applied it, and locks with a row that
outlives a killed process. Here each migration and its mark are one transaction, and the lock is an advisory lock of
the connection, which the server drops when the process dies: a kill at any moment leaves nothing to clear up.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from db.faults import explained
from db.tables import MIGRATIONS, tables_of
from pipeline.errors import DatabaseUnavailable
from pipeline.masking import masked

if TYPE_CHECKING:
    from yoyo.backends import DatabaseBackend

log = logging.getLogger(__name__)

SCHEMA = Path(__file__).parent / "schema"

MIGRATION_LOCK = 0x4561_7273_686D
"""Key of the advisory lock."""


def migrate(url: str, schema: Path = SCHEMA) -> list[str]:
    """Apply what is missing; returns the names of the migrations applied now.

    Waits while another process migrates. Raises DatabaseUnavailable when a migration fails (nothing of it is kept),
    when the database was made by a newer Earshot, or when the tables there are somebody else's.
    """
    from yoyo import read_migrations

    backend = _backend(url)
    try:
        with backend, backend.lock():
            found = tables_of(backend.connection, masked(url))
            if found.elsewhere and not found.ours:
                log.warning(
                    "database %s: Earshot also has tables in schema %s; search_path is `%s`, so that new ones are made "
                    "in `%s`", masked(url), ", ".join(found.elsewhere), found.search_path, found.schema,
                )  # fmt: skip
            migrations = read_migrations(str(schema))
            known = {migration.hash for migration in migrations}
            foreign = [digest for digest in backend.get_applied_migration_hashes() if digest not in known]
            if foreign:
                raise DatabaseUnavailable(
                    f"database {masked(url)}: it holds {len(foreign)} migration(s) this version does not know, so a "
                    "newer Earshot made it; update this one, or give database.url or database.data_dir another database"
                )
            missing = backend.to_apply(migrations)
            backend.apply_migrations(missing)
            return [migration.id for migration in missing]
    except psycopg.Error as error:
        raise explained(error, url, "bringing the tables up to date failed, nothing of the step was kept: ") from error


def _backend(url: str) -> DatabaseBackend:
    """yoyo's own backend for psycopg 3 with our connection, our lock and one transaction per migration."""
    from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
    from yoyo.connections import DatabaseURI

    class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
        log_table = "earshot_migration_log"
        version_table = "earshot_migration_version"
        _is_locked: bool = False

        def connect(self, dburi: object) -> psycopg.Connection[Any]:  # noqa: ARG002 - the signature is yoyo's
            return psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="earshot migrate")

        def init_database(self) -> None:
            """No lock table: see `lock`."""

        @contextmanager
        def lock(self, timeout: float = 0) -> Iterator[None]:  # noqa: ARG002 - the signature is yoyo's
            if self._is_locked:
                yield
                return
            self.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
            self._is_locked = True
            try:
                yield
            finally:
                self._is_locked = False
                self.connection.close()  # drops the lock, even when the transaction is in a bad state

        def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
            self.ensure_internal_schema_updated()
            with self.transaction():
                migration.process_steps(self, "apply", force=force)
                if mark:
                    self.mark_one(migration, log=False)

    return Backend(DatabaseURI("postgresql+psycopg", None, None, None, None, "earshot", {}), MIGRATIONS)
