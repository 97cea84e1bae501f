"""Tokens and readings, as tables or for machines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from commands.calls_filter import call_id_of
from commands.console import Terminal, cell, table
from commands.terminal import say, say_json
from db.access.reads import reads_of
from db.access.tokens import StoredToken, all_tokens
from db.connection import Database
from db.existing import existing_ledger
from db.migrate import migrate
from pipeline.config.loader import load_exported


@contextmanager
def _opened(config: Path, overrides: Sequence[str]) -> Iterator[tuple[Database, ZoneInfo]]:
    settings = load_exported(config, overrides).settings
    with existing_ledger(settings.database) as database:
        migrate(database.url)
        yield database, ZoneInfo(settings.input.timezone)


def show_tokens(config: Path, overrides: Sequence[str], as_json: bool) -> int:
    """Returns the exit code."""
    with _opened(config, overrides) as (database, zone):
        tokens = all_tokens(database)
    if as_json:
        say_json([_without_secret(token) for token in tokens])
        return 0
    if not tokens:
        say("No tokens. Make one: run.py tokens create NAME --scope read")
        return 0
    shown = table(headings=("id", "name", "may", "calls of", "state", "last used", "note"), folded=True)
    for token in tokens:
        last = "never" if token.last_used_at is None else f"{_minute(token.last_used_at, zone)} {token.last_used_from}"
        shown.add_row(
            cell(token.token_id), cell(token.name), cell(", ".join(token.scopes)), cell(_rows(token)),
            cell(_state(token, zone), "" if token.good else "dim"), cell(last), cell(token.note),
        )  # fmt: skip
    Terminal().print(shown)
    return 0


def show_reads(
    config: Path, overrides: Sequence[str], as_json: bool, *,
    call: str | None = None, reader: str | None = None, since: datetime | None = None, limit: int = 100,
) -> int:  # fmt: skip
    """Returns the exit code. Raises ConfigurationError for a `call` that is no call_id."""
    call_id = None if call is None else call_id_of(call)
    with _opened(config, overrides) as (database, zone):
        begin = since.replace(tzinfo=zone) if since is not None and since.tzinfo is None else since
        reads = reads_of(database, call_id=call_id, reader=reader, since=begin, limit=limit)
    if as_json:
        say_json([dataclasses.asdict(read) for read in reads])
        return 0
    if not reads:
        say("Nobody has read such a call through the service.")
        return 0
    shown = table(headings=("when", "reader", "by", "how", "call", "file", "from"), folded=True)
    for read in reads:
        shown.add_row(
            cell(read.read_at.astimezone(zone).isoformat(" ", "seconds")), cell(read.reader), cell(read.credential),
            cell(read.what), cell(read.call_id or f"live {read.live_session}"),
            cell(read.file_name or "(erased)"), cell(read.address),
        )  # fmt: skip
    Terminal().print(shown)
    return 0


def _without_secret(token: StoredToken) -> dict[str, object]:
    content = dataclasses.asdict(token)
    del content["secret_sha256"], content["to_note"]
    return content


def _rows(token: StoredToken) -> str:
    parts = [", ".join(values) for values in (token.segments, token.queues) if values is not None]
    return "; ".join(parts) or "all"


def _state(token: StoredToken, zone: ZoneInfo) -> str:
    if token.revoked_at is not None:
        return f"revoked {_minute(token.revoked_at, zone)}"
    if token.expires_at is None:
        return "good for ever"
    return f"{'expired' if token.expired else 'good until'} {_minute(token.expires_at, zone)}"


def _minute(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
