"""Tables as CSV (RFC 4180, UTF-8)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from db.export.cells import cell_text
from db.export.columns import Kind, Table
from db.export.files import whole_file

_DECIMALS = {Kind.SHARE: 2, Kind.DURATION: 1}
"""In tables for people, who have no use for more."""


def write_csv(
    rows: Iterable[Mapping[str, Any]],
    table: Table,
    path: Path,
    *,
    zone: ZoneInfo,
    delimiter: str = ",",
    byte_order_mark: bool = False,
) -> int:
    """Write the rows with a header; returns how many. Raises OutputUnavailable.

    `byte_order_mark` makes Excel read the file as UTF-8. In tables for people, times are those of `zone`, written as a
    spreadsheet reads them, and shares and durations are rounded; in others times have their offset.
    """
    count = 0
    with (
        whole_file(path) as aside,
        aside.open("w", encoding="utf-8-sig" if byte_order_mark else "utf-8", newline="") as file,
    ):
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
        writer.writerow([column.name for column in table.columns])
        for row in rows:
            values = [
                _value(row[column.name], column.kind, zone if table.for_people else None) for column in table.columns
            ]
            writer.writerow([cell_text(value, delimiter) for value in values])
            count += 1
    return count


def _value(value: Any, kind: Kind, zone: ZoneInfo | None) -> Any:
    if kind is Kind.LABELS and value is not None:
        return tuple(value)  # a tuple is words side by side, a list would be JSON
    if zone is None:
        return value
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    return round(value, _DECIMALS[kind]) if kind in _DECIMALS and isinstance(value, float) else value
