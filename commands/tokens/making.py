"""Tokens made and revoked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from commands.terminal import complain, say, say_secret
from db.access.scopes import Scope
from db.access.token_text import new_token
from db.access.tokens import NewToken, keep_token, revoke_token
from db.connection import connect
from db.existing import existing_ledger
from db.migrate import migrate
from pipeline.config.loader import load_exported
from pipeline.errors import ConfigurationError
from pipeline.visible_text import one_line

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The token that is asked for."""

    name: str
    scopes: tuple[Scope, ...]
    segments: tuple[str, ...] | None
    queues: tuple[str, ...] | None
    days: int | None
    """None for one that does not expire."""
    note: str


def make(config: Path, overrides: Sequence[str], wish: Wish, as_json: bool) -> int:
    """Make and show a token; returns the exit code.

    Raises ConfigurationError for a name that is none or taken, and for values that no call can have.
    """
    name = wish.name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigurationError(f"tokens create: a name has 1 to {LONGEST_NAME} printable characters")
    if name == "local" or name.startswith("jwt:"):
        raise ConfigurationError(f"tokens create {one_line(name)}: is reserved; choose another name")
    for option, values in (("--segment", wish.segments), ("--queue", wish.queues)):
        if any(not value.strip() for value in values or ()):
            raise ConfigurationError(f"tokens create {option}: is empty")
    settings = load_exported(config, overrides).settings
    token = new_token()
    expires_at = None if wish.days is None else datetime.now(UTC) + timedelta(days=wish.days)
    kept = NewToken(
        token_id=token.token_id,
        name=name,
        secret_sha256=token.sha256,
        scopes=wish.scopes,
        segments=wish.segments,
        queues=wish.queues,
        note=wish.note,
        expires_at=expires_at,
    )
    with connect(settings.database) as database:
        keep_token(database, kept)
    if as_json:
        content = {"token": token.text, "token_id": token.token_id, "name": name, "scopes": list(wish.scopes),
                   "segments": wish.segments, "queues": wish.queues,
                   "expires_at": expires_at and expires_at.isoformat(timespec="seconds")}  # fmt: skip
        say_secret(json.dumps(content, ensure_ascii=False))
        return 0
    say_secret(token.text)
    until = "does not expire" if expires_at is None else f"expires {expires_at:%Y-%m-%d}"
    complain(f"{one_line(name)}: {', '.join(wish.scopes)}; {until}. This is the only time it is shown.")
    return 0


def end(config: Path, overrides: Sequence[str], name_or_id: str) -> int:
    """Revoke a token; returns the exit code. Raises ConfigurationError where there is none."""
    settings = load_exported(config, overrides).settings
    with existing_ledger(settings.database) as database:
        migrate(database.url)
        ended = revoke_token(database, name_or_id)
    if ended is None:
        raise ConfigurationError(
            f"tokens revoke {one_line(name_or_id)}: no valid token has this name or id; `run.py tokens list` shows them"
        )
    say(f"token {ended} is revoked; logins made by it have ended")
    return 0
