"""A connection to the database that the configuration names, patient when it goes away in mid-run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Self, TypeVar

import psycopg
from psycopg import Connection, errors
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from db.embedded.server import EmbeddedServer
from db.faults import damaged, explained, one_line
from db.link import SilentServer, WatchedConnection, answers, link_options
from db.migrate import migrate
from db.roles import renew_readers
from pipeline.config.areas.database import EMBEDDED, DatabaseSettings
from pipeline.errors import ConfigurationError, DatabaseUnavailable
from pipeline.masking import know_addresses, masked
from pipeline.retries import retrying

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_POOL_FIGURES = {"size": "pool_size", "available": "pool_available", "waiting": "requests_waiting"}
"""Short names of psycopg_pool's."""


class Database:
    """An open database: a small pool, and the embedded server behind it where there is one.

    Use it as a context manager; leaving it closes the pool and stops the embedded server when nobody else uses it.
    """

    def __init__(self, settings: DatabaseSettings, url: str, server: EmbeddedServer | None) -> None:
        know_addresses(url)
        self.settings = settings
        self.url = url
        """With password: for the programs we start, never for a log."""
        self.server = server
        self._pool: ConnectionPool[WatchedConnection] | None = None
        self._closed = False
        self._opening = threading.Lock()
        """Several threads may ask first: a second pool would be nobody's."""

    @property
    def name(self) -> str:
        """The address without its password."""
        return masked(self.url)

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """A pooled connection in a transaction: committed at the end, rolled back on an error."""
        try:
            with self._opened().connection() as connection:
                yield connection
        except psycopg.Error as error:
            if damaged(error):
                raise explained(error, self.url) from error
            raise

    def patiently(self, work: Callable[[Connection[Any]], Result], *, lasting: bool = True) -> Result:
        """Run one transaction, again and again while the database is away, for at most `database.patience_s`.

        `work` must be safe to repeat: when the connection breaks at COMMIT nobody knows whether it happened. Its
        statements go over in a pipeline, so that only a fetch waits for an answer. With `lasting` unset COMMIT does
        not wait for the disk: a power cut may undo the last half second of such work, a killed client does not, and
        the next lasting transaction makes it safe too.
        Raises DatabaseUnavailable when patience runs out; errors that waiting cannot cure pass through at once. A
        server that went silent under a statement is noticed within twice `database.connect_timeout_s`.
        """

        def once() -> Result:
            with self._opened().connection() as connection, connection.pipeline(), connection.transaction():
                if not lasting:
                    connection.execute("SET LOCAL synchronous_commit = off")
                return work(connection)

        again = retrying(
            worth_waiting,
            first_wait_s=0.2,
            longest_wait_s=10.0,
            for_s=self.settings.patience_s,
            tell=self._before_another_try,
        )
        try:
            result: Result = again(once)
            return result
        except (psycopg.Error, PoolTimeout) as error:
            if not worth_waiting(error):
                if damaged(error):
                    raise explained(error, self.url) from error
                raise
            raise DatabaseUnavailable(
                f"database {self.name}: still away after {self.settings.patience_s:.0f} s: {one_line(error)}; "
                "what was finished is stored; start the run again when it is back"
            ) from error

    def pool_figures(self) -> Mapping[str, int]:
        """How the pool of connections is used: `size`, `available`, `waiting` (for one); none before it is opened."""
        if self._pool is None:
            return {}
        stats = self._pool.get_stats()
        return {name: stats.get(long, 0) for name, long in _POOL_FIGURES.items()}

    def close(self) -> None:
        """For good: what another thread still asks of it raises PoolClosed."""
        self._closed = True
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self.server is not None:
            self.server.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> ConnectionPool[WatchedConnection]:
        with self._opening:
            if self._closed:
                raise PoolClosed(f"database {self.name} was closed here")
            if self._pool is None:
                self._pool = ConnectionPool(
                    self.url,
                    connection_class=WatchedConnection,
                    kwargs={**link_options(self.url, self.settings), "application_name": "earshot"},
                    min_size=1,
                    max_size=self.settings.pool_size,
                    # For a new connection; `patiently` tries again, revives the server and decides when to give up.
                    timeout=min(2.0, self.settings.connect_timeout_s),
                    reconnect_timeout=5,
                    configure=self._configure,
                    open=True,
                )
                # The pool reports each failed try of its own; `patiently` says it once, in words.
                logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
            return self._pool

    def _configure(self, connection: WatchedConnection) -> None:
        """Plan each statement for the tables as they are now, and never wait for a server that is gone.

        Plans made once, in a run that began with empty tables, go on reading whole tables as they fill.
        """
        connection.silence_s = self.settings.connect_timeout_s
        connection.still_there = partial(answers, self.url, self.settings)
        connection.execute("SET plan_cache_mode = force_custom_plan")
        connection.commit()

    def _before_another_try(self, error: BaseException, number: int, _wait_s: float) -> None:
        if number == 2:
            log.warning("database %s went away, waiting for it: %s", self.name, one_line(error))
        if self._pool is not None:
            if isinstance(error, SilentServer):
                self._pool.drain()  # checking each of the other connections would take as long
            else:
                self._pool.check()  # throw out the connections that broke with it
        if self.server is not None:
            try:
                self.server.revive()
            except DatabaseUnavailable as unavailable:
                log.warning("the embedded database is not back yet: %s", unavailable)


def connect(settings: DatabaseSettings, *, up_to_date: bool = True) -> Database:
    """Open the configured database: start the embedded server if need be, bring the tables up to date.

    Raises DatabaseUnavailable (exit 3) with what to do about it.
    """
    server = None
    if settings.url == EMBEDDED:
        server = EmbeddedServer(
            settings.data_dir, account=settings.server_account, start_timeout_s=settings.start_timeout_s
        )
        server.start()
        if server.note:
            log.warning("%s", server.note)
    database = Database(settings, server.url if server is not None else settings.url, server)
    try:
        _check(database)
        if up_to_date and migrate(make_conninfo(database.url, **link_options(database.url, database.settings))):
            renew_readers(database)
    except BaseException:
        database.close()
        raise
    return database


def worth_waiting(error: BaseException) -> bool:
    """Whether a database error may go away by itself: server gone, restarting, full, or a deadlock lost.

    By type: connection failures, resources (class 53), operator intervention (57), system (58), rollback (40).
    A refused login or a missing database stays wrong.
    """
    if isinstance(error, PoolClosed):
        return False
    lasting = (
        errors.InvalidPassword,
        errors.InvalidAuthorizationSpecification,
        errors.InvalidCatalogName,
        errors.UndefinedFile,
        errors.ProgramLimitExceeded,
        errors.StatementTooComplex,
    )
    if isinstance(error, lasting):
        return False
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout))


def _check(database: Database) -> None:
    try:
        with psycopg.connect(
            database.url, autocommit=True, **link_options(database.url, database.settings)
        ) as connection:
            version = connection.info.server_version
    except psycopg.ProgrammingError as error:
        raise ConfigurationError(f"database.url {database.name}: {one_line(error)}") from error
    except psycopg.Error as error:
        raise DatabaseUnavailable(
            f"database {database.name}: {one_line(error)}; check that the server runs and that database.url names "
            f"it, its database and an account that may log in, or use `database.url: {EMBEDDED}`"
        ) from error
    if version < 140_000:
        raise DatabaseUnavailable(
            f"database {database.name}: PostgreSQL {version // 10_000} is too old; 14 or newer is needed"
        )
