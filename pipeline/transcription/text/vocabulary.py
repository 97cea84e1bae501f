"""Vocabulary to the context an engine is given, and back."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = ", "


def context_text(terms: Iterable[str], max_chars: int, max_terms: int | None = None) -> str:
    """Terms in their order, each once, as many whole ones as fit."""
    kept: list[str] = []
    length = 0
    for term in dict.fromkeys(" ".join(term.replace(",", " ").split()) for term in terms):
        grown = length + len(term) + (len(SEPARATOR) if kept else 0)
        if term and grown <= max_chars and (max_terms is None or len(kept) < max_terms):
            kept.append(term)
            length = grown
    return SEPARATOR.join(kept)


def context_terms(context: str) -> tuple[str, ...]:
    """The terms of a context."""
    return tuple(term for term in (part.strip() for part in context.split(",")) if term)
