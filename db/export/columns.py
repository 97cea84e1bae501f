"""Columns of exported tables: what kind of value each holds, and how a person reads it in a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.errors import ConfigurationError


class Kind(StrEnum):
    """What the values of a column are; None is a missing value in each."""

    TEXT = "text"
    PROSE = "prose"
    """Text of several lines."""
    LABELS = "labels"
    """A list of words."""
    STRUCTURE = "structure"
    """Dictionaries and lists: JSON where a format has no such values."""
    WHOLE = "whole"
    NUMBER = "number"
    SHARE = "share"
    """0..1, a percentage for people."""
    DURATION = "duration"
    """Seconds; hours, minutes and seconds for people."""
    MOMENT = "moment"
    """A time of day, with its zone."""
    TRUTH = "truth"
    ROLE = "role"
    """Who speaks or acts: a role (`pipeline.roles`), its name for people, or text."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    """In files for programs, and for `--column`."""
    title: str = ""
    """In a spreadsheet; the name where there is none."""
    kind: Kind = Kind.TEXT
    width: int = 14
    """In a spreadsheet, in characters."""

    @property
    def shown(self) -> str:
        return self.title or self.name


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that can be exported."""

    name: str
    """For `--table`."""
    title: str
    """Name of its sheet, at most 31 characters."""
    columns: tuple[Column, ...]
    for_people: bool = False
    """Times of day are shown in the zone of the business, where a format has none of its own."""

    def with_columns(self, names: Sequence[str]) -> Table:
        """The same rows with these columns, in this order; all of them when `names` is empty.

        Raises ConfigurationError for a name the table has not.
        """
        if not names:
            return self
        known = {column.name: column for column in self.columns}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ConfigurationError(
                f"--column {', '.join(unknown)}: table {self.name} has no such column; it has {', '.join(known)}"
            )
        return Table(self.name, self.title, tuple(known[name] for name in dict.fromkeys(names)), self.for_people)
