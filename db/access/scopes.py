"""What a token may do."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


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
