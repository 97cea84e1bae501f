"""Where rows go: config.yaml's `database`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from pipeline.config.base import Area

EMBEDDED = "embedded"


class DatabaseSettings(Area):
    """Where rows go: config.yaml's `database`."""

    url: str = Field(default=EMBEDDED, repr=False)
    """`embedded` for the PostgreSQL server that Earshot runs itself, or the address of a server:
    `postgresql://user:${EARSHOT_DB_PASSWORD}@host:5432/database`."""

    data_dir: Path = Path("data/postgres")
    """Folder of the embedded server's files. If Earshot runs as root and unprivileged accounts cannot reach this
    folder, the files go to /var/lib/earshot instead, and the run says so."""

    server_account: str | None = None
    """Account of the embedded server when Earshot runs as root; null takes the first of earshot, postgres, nobody."""

    start_timeout_s: float = Field(default=600.0, gt=0, le=86_400)
    """Longest wait for the embedded server to come up, crash recovery included, in seconds."""

    connect_timeout_s: float = Field(default=10.0, ge=1, le=600)
    """Longest wait for one connection, in seconds."""

    patience_s: float = Field(default=300.0, ge=0, le=86_400)
    """How long a run waits for a database that has become unavailable (restart, full disk), in seconds."""

    pool_size: int = Field(default=4, ge=1, le=64)
    """Most connections of a run, not counting the one that holds the lock."""

    store_words: bool = True
    """Store word times in `chunks.words`; they take about three times as much space as the rest of a chunk."""

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        # The value is left out of the message: it may hold a password.
        if value != EMBEDDED and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError(f"database.url must be `{EMBEDDED}` or start with postgresql://")
        return value
