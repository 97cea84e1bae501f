"""Records and rows: a record's fields and a table's columns have the same names, for reading and for writing."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from psycopg.rows import BaseRowFactory, kwargs_row
from pydantic import TypeAdapter

Record = TypeVar("Record")

Row = dict[str, Any]
"""Column name to value. Dictionaries and lists of dictionaries are jsonb."""


@functools.cache
def adapter(record: Any) -> TypeAdapter[Any]:
    """What checks and converts values of `record`; making one takes milliseconds."""
    return TypeAdapter(record)


def record_row(record: Callable[..., Record]) -> BaseRowFactory[Record]:
    """A psycopg row factory: each row a `record`, lists made tuples and texts enumerations where its fields are.

    Columns without a field are left out.
    """

    def make(**columns: Any) -> Record:
        made: Record = adapter(record).validate_python(columns)
        return made

    return kwargs_row(make)


class Columns(Generic[Record]):
    """How a record is laid out in a table: every field a column of its name, but those `without`."""

    def __init__(self, record: Callable[..., Record], without: tuple[str, ...] = ()) -> None:
        self.record = record
        self.names = tuple(field.name for field in dataclasses.fields(record) if field.name not in without)  # type: ignore[arg-type]

    @property
    def listed(self) -> str:
        """For a SELECT or an INSERT."""
        return ", ".join(self.names)

    def row(self, record: Record) -> Row:
        """Values as JSON knows them: enumerations as text, tuples as lists, records as objects."""
        values = adapter(self.record).dump_python(record, mode="json", include=set(self.names), warnings=False)
        return {name: values[name] for name in self.names}


def updates(names: tuple[str, ...] | list[str]) -> str:
    """For ON CONFLICT DO UPDATE SET: the new values of these columns."""
    return ", ".join(f"{name} = EXCLUDED.{name}" for name in names)
