"""The one who asks: a name, what they may do, and which calls exist for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from db.queries.chosen import EVERYTHING, CallFilter, RowScope


class Scope(StrEnum):
    """What a principal may do."""

    SUBMIT = "submit"
    """Hand calls in, and follow them."""
    READ_WITHOUT_TEXT = "read_without_text"
    """Read figures, moods, topics and times of calls; no words and no sound."""
    READ = "read"
    """Read and hear calls."""
    ADMIN = "admin"
    """Everything."""


_HOLDS: dict[Scope, frozenset[Scope]] = {
    Scope.SUBMIT: frozenset({Scope.SUBMIT}),
    Scope.READ_WITHOUT_TEXT: frozenset({Scope.READ_WITHOUT_TEXT}),
    Scope.READ: frozenset({Scope.READ, Scope.READ_WITHOUT_TEXT}),
    Scope.ADMIN: frozenset(Scope),
}


def holding(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """These scopes and those that they include."""
    return frozenset().union(*(_HOLDS[scope] for scope in scopes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The one who asks."""

    name: str
    """Of the token, or the subject of a JWT: for rows, logs and the audit."""
    scopes: frozenset[Scope]
    """Those given."""
    rows: RowScope = EVERYTHING
    """The calls that exist for this principal."""

    def may(self, scope: Scope) -> bool:
        return scope in holding(self.scopes)

    @property
    def reads_words(self) -> bool:
        """Whether answers may hold what was said, or anything made of it: quotes, summaries, sound."""
        return self.may(Scope.READ)

    def limited(self, wanted: CallFilter) -> CallFilter:
        """The filter, within the calls that exist for this principal."""
        return replace(wanted, within=self.rows)


LOCAL = Principal(name="local", scopes=frozenset({Scope.ADMIN}))
"""Whoever sits at this machine, where nothing else can ask."""
