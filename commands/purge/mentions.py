"""Finding the names of erased recordings in any text: one pass, however many names there are."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

ERASED = "[erased]"

_TOKEN = re.compile(r"[^\s\"'<>(){}\[\],;:|/\\=&]+")
"""Pieces of text; a name ends where its last piece ends, or a full stop before that."""
_STOPS = ".!?"
_WORD = re.compile(r"[\w.\-]")


class Mentions:
    """The names of recordings: file names, addresses, paths, call_ids. A name counts as a whole only."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_last_piece: dict[str, list[tuple[str, int]]] = defaultdict(list)
        """Names, longest first, and where in each its last piece ends."""
        spellings = {
            spelling for name in names for spelling in (name, html.escape(name), html.escape(name, quote=False))
        }
        for name in sorted(spellings, key=len, reverse=True):
            pieces = list(_TOKEN.finditer(name))
            if pieces:
                self._by_last_piece[pieces[-1][0]].append((name, pieces[-1].end()))

    def scrubbed(self, text: str) -> str:
        """The text with `[erased]` for each name."""
        parts: list[str] = []
        done = 0
        for match in _TOKEN.finditer(text):
            found = self._ending_in(text, match, done)
            if found is not None:
                start, end = found
                parts += [text[done:start], ERASED]
                done = end
        if not parts:
            return text
        return "".join([*parts, text[done:]])

    def _ending_in(self, text: str, match: re.Match[str], from_: int) -> tuple[int, int] | None:
        """Where the longest name lies that ends in this piece."""
        piece = match[0]
        for stripped in dict.fromkeys((piece, piece.rstrip(_STOPS))):
            for name, piece_end in self._by_last_piece.get(stripped, ()):
                start = match.start() + len(stripped) - piece_end
                if start < from_ or not text.startswith(name, start):
                    continue
                if start == 0 or not _WORD.match(text[start - 1]) or not _WORD.match(name):
                    return start, start + len(name)
        return None

    def scrub(self, value: Any) -> Any:
        """A JSON value with every text scrubbed, keys too."""
        if isinstance(value, str):
            return self.scrubbed(value)
        if isinstance(value, list):
            return [self.scrub(item) for item in value]
        if isinstance(value, dict):
            return {self.scrubbed(key): self.scrub(item) for key, item in value.items()}
        return value
