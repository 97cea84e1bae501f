"""Telephone exchanges in which the personal data is marked: what redaction is measured on.

A file holds exchanges with a blank line between them. Each begins with its name after `#`; then one line per turn,
`a` for the agent and `c` for the client. `{kind|words}` is personal data of that kind, `<words>` is a number that harms
nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

LABELS = Path(__file__).resolve().parents[1] / "labels"
DEVELOPED = LABELS / "redaction_developed.txt"
APART = LABELS / "redaction_apart.txt"
LATER = LABELS / "redaction_later.txt"
LAST = LABELS / "redaction_last.txt"
SEEN = LABELS / "redaction_further_seen.txt"
ASIDE = LABELS / "redaction_further_aside.txt"
FRESH_SEEN = LABELS / "redaction_fresh_seen.txt"
FRESH_OWN = LABELS / "redaction_fresh_own.txt"
FRESH_ASIDE = LABELS / "redaction_fresh_aside.txt"
FRESH_THIRD = LABELS / "redaction_fresh_third.txt"
FRESH_FOURTH = LABELS / "redaction_fresh_fourth.txt"
FRESH_FIFTH = LABELS / "redaction_fresh_fifth.txt"
FRESH_SIXTH = LABELS / "redaction_fresh_sixth.txt"
FIFTH_ASIDE = LABELS / "redaction_fresh_fifth_aside.txt"
SIXTH_ASIDE = LABELS / "redaction_fresh_sixth_aside.txt"
REFERENCE: Final = "reference"
_ROLES = {"a": "agent", "c": "client"}
_MARK = re.compile(r"\{(?P<kind>[a-z0-9]+)\|(?P<value>[^}]*)\}|<(?P<harmless>[^>]*)>")


@dataclass(frozen=True, slots=True)
class Marked:
    """A stretch of a text (characters) and what it is; no kind for a harmless number."""

    start: int
    end: int
    kind: str | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """Turns as `#1 agent: …` lines, as a prompt holds them, and what is marked in them."""

    name: str
    text: str
    marked: tuple[Marked, ...]

    def values(self) -> Mapping[str, list[Marked]]:
        """The pieces of each kind. A value dictated over several turns is one value."""
        found: dict[str, list[Marked]] = {}
        for mark in self.marked:
            if mark.kind is not None:
                found.setdefault(mark.kind, []).append(mark)
        return found


def without_references(exchange: Exchange) -> Exchange:
    """As `redaction.kinds` has it by default: numbers of orders, bookings and claims are harmless."""
    marked = tuple(replace(mark, kind=None) if mark.kind == REFERENCE else mark for mark in exchange.marked)
    return replace(exchange, marked=marked)


def read_exchanges(path: Path) -> list[Exchange]:
    """Raises ValueError, naming file and exchange, for a turn that is no `a` or `c` line."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    return [_exchange(path, block.splitlines()) for block in blocks]


def _exchange(path: Path, lines: list[str]) -> Exchange:
    name = lines[0].removeprefix("#").strip()
    turns = []
    for line in lines[1:]:
        if line[:1] not in _ROLES or line[1:2] not in ("", " "):
            raise ValueError(f"{path.name}, {name!r}: a turn begins with `a ` or `c `: {line!r}")
        turns.append((_ROLES[line[0]], line[2:]))
    return exchange_of(name, turns)


def exchange_of(name: str, turns: Iterable[tuple[str, str]]) -> Exchange:
    """From turns (role, words with marks)."""
    text = ""
    marked: list[Marked] = []
    for number, (role, line) in enumerate(turns, 1):
        text += f"\n#{number} {role}: "
        offset = 0
        for match in _MARK.finditer(line):
            text += line[offset : match.start()]
            value = match["value"] if match["kind"] else match["harmless"]
            marked.append(Marked(len(text), len(text) + len(value), match["kind"]))
            text += value
            offset = match.end()
        text += line[offset:]
    return Exchange(name, text, tuple(marked))


def without_marks(line: str) -> str:
    """The words of a turn as they were said."""
    return _MARK.sub(lambda match: match["value"] if match["kind"] else match["harmless"], line)


def read_cases(path: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Name, lines and what may not be readable of `cases/redaction_turns.jsonl`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        case: dict[str, Any] = json.loads(line)
        yield case["name"], case["lines"], case["gone"]
