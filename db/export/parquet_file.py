"""Tables as Parquet: typed columns, structured values as JSON text."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from db.export.columns import Kind, Table
from db.export.files import whole_file

ROWS_PER_GROUP = 1000


def write_parquet(rows: Iterable[Mapping[str, Any]], table: Table, path: Path) -> int:
    """Write the rows; returns how many. Raises OutputUnavailable."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(column.name, _arrow_type(column.kind)) for column in table.columns])
    count = 0
    source = iter(rows)
    with whole_file(path) as aside, pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        while group := list(islice(source, ROWS_PER_GROUP)):
            values = {column.name: [_value(row[column.name], column.kind) for row in group] for column in table.columns}
            writer.write_table(pa.table(values, schema=schema))
            count += len(group)
    return count


def _arrow_type(kind: Kind) -> Any:
    import pyarrow as pa

    match kind:
        case Kind.WHOLE:
            return pa.int32()
        case Kind.NUMBER | Kind.SHARE | Kind.DURATION:
            return pa.float64()
        case Kind.MOMENT:
            return pa.timestamp("us", tz="UTC")
        case Kind.TRUTH:
            return pa.bool_()
        case Kind.LABELS:
            return pa.list_(pa.string())
        case Kind.TEXT | Kind.ROLE | Kind.PROSE | Kind.STRUCTURE:
            return pa.string()


def _value(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind is Kind.STRUCTURE:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, uuid.UUID):
        return str(value)
    return value
