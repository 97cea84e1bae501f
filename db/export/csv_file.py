"""Results as CSV (RFC 4180, UTF-8)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from db.export.cells import cell_text
from db.export.files import whole_file
from db.export.table import COLUMNS
from db.records import Row


def write_csv(rows: Iterable[Row], path: Path, *, delimiter: str = ",", byte_order_mark: bool = False) -> int:
    """Write the rows with a header; returns how many. Raises OutputUnavailable.

    `byte_order_mark` makes Excel read the file as UTF-8.
    """
    count = 0
    with (
        whole_file(path) as aside,
        aside.open("w", encoding="utf-8-sig" if byte_order_mark else "utf-8", newline="") as file,
    ):
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([cell_text(row[name], delimiter) for name in COLUMNS])
            count += 1
    return count
