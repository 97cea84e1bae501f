"""The one who asks: a name, what they may do, and which calls exist for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from fastapi import HTTPException

from db.access.scopes import Scope, holding
from db.queries.chosen import EVERYTHING, CallFilter, RowScope
from db.queries.words import without_words

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The one who asks."""

    name: str
    """Of the token, or the subject of a JWT: for rows, logs and the audit."""
    scopes: frozenset[Scope]
    """Those given."""
    rows: RowScope = EVERYTHING
    """The calls that exist for this principal."""

    credential: str = "local"
    """By what it is known: `token 4mz5…` (its id), `jwt`, or `local`."""
    address: str | None = None
    """Where this question came from."""

    def may(self, scope: Scope) -> bool:
        return scope in holding(self.scopes)

    @property
    def reads_words(self) -> bool:
        """Whether answers may hold what was said, or anything made of it: quotes, summaries, sound."""
        return self.may(Scope.READ)

    def limited(self, wanted: CallFilter) -> CallFilter:
        """The filter, within the calls that exist for this principal.

        Raises HTTPException (403) where it asks for words, or for a customer, and this principal may read neither: the
        calls that are found would tell.
        """
        hidden = [name for name in _TELLING if getattr(wanted, name) is not None]
        if hidden and not self.reads_words:
            raise HTTPException(403, f"Choosing calls by {' and '.join(hidden)} needs the scope `{Scope.READ}`.")
        return replace(wanted, within=self.rows)

    def shown(self, record: Record) -> Record:
        """A record of the database as this principal may see it: without words where it may not read them."""
        return record if self.reads_words else without_words(record)


_TELLING = ("text", "customer")
"""Fields of CallFilter by which words, or who called, could be guessed one by one."""

LOCAL = Principal(name="local", scopes=frozenset({Scope.ADMIN}))
"""Whoever sits at this machine, where nothing else can ask."""

__all__ = ["LOCAL", "Principal", "Scope"]
