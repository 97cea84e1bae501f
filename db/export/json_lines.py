"""Tables as JSON lines (https://jsonlines.org): an object per row, nothing defused, shortened or left out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db.export.columns import Table
from db.export.files import whole_file

_LINE_ENDS = {ord(character): f"\\u{ord(character):04x}" for character in "\u0085\u2028\u2029"}
"""Inside a string; some readers take them for the end of a line."""


def write_json_lines(rows: Iterable[Mapping[str, Any]], table: Table, path: Path) -> int:
    """Write the rows; returns how many. Raises OutputUnavailable. Times of day are UTC."""
    return write_objects(({column.name: row[column.name] for column in table.columns} for row in rows), path)


def write_objects(objects: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Write an object per line; returns how many. Raises OutputUnavailable."""
    count = 0
    with whole_file(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as file:
        for value in objects:
            file.write(json.dumps(value, ensure_ascii=False, default=_plain).translate(_LINE_ENDS) + "\n")
            count += 1
    return count


def _plain(value: Any) -> str:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"JSON cannot hold {type(value).__name__}")
