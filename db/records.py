"""Records from rows: columns and fields have the same names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from psycopg.rows import BaseRowFactory, kwargs_row
from pydantic import TypeAdapter

Record = TypeVar("Record")


@functools.cache
def adapter(record: Any) -> TypeAdapter[Any]:
    """What checks and converts values of `record`; making one takes milliseconds."""
    return TypeAdapter(record)


def record_row(record: Callable[..., Record]) -> BaseRowFactory[Record]:
    """A psycopg row factory: each row a `record`, lists made tuples and texts enumerations where its fields are."""

    def make(**columns: Any) -> Record:
        made: Record = adapter(record).validate_python(columns)
        return made

    return kwargs_row(make)
