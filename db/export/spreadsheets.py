"""Results as XLSX and Parquet, from the same rows as the CSV."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from db.export.cells import cell_text, defused
from db.export.files import whole_file
from db.export.table import COLUMNS
from db.ledger.rows import CONVERSATION_COLUMNS
from db.records import Row

LONGEST_CELL = 32_767
"""Characters; a limit of the XLSX format. The CSV and the database hold the whole text."""

NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 forbids, lone surrogates among them: one of them makes a workbook unreadable."""

ROWS_PER_GROUP = 1000


def write_xlsx(rows: Iterable[Row], path: Path) -> int:
    """One sheet `results`, header frozen; numbers and dates as such, text never as a formula. Returns the rows."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet("results")
    sheet.freeze_panes = "B2"
    header = [WriteOnlyCell(sheet, value=name) for name in COLUMNS]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    count = 0
    with whole_file(path) as aside:
        for row in rows:
            sheet.append([_xlsx_value(row[name]) for name in COLUMNS])
            count += 1
        book.save(aside)
    return count


def _xlsx_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)  # the format knows no time zones; the docs say UTC
    # Defused last: removing a character the format does not have can expose a formula.
    text = defused(NOT_XML.sub("", value if isinstance(value, str) else cell_text(value)))
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"


def write_parquet(rows: Iterable[Row], path: Path) -> int:
    """Typed columns; structured values as JSON text. Returns the rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, _arrow_type(name)) for name in COLUMNS])
    count = 0
    source = iter(rows)
    with whole_file(path) as aside, pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        while group := list(islice(source, ROWS_PER_GROUP)):
            table = {name: [_parquet_value(row[name]) for row in group] for name in COLUMNS}
            writer.write_table(pa.table(table, schema=schema))
            count += len(group)
    return count


COUNTS = frozenset({"channels", "sample_rate_hz", "turns", "agent_interruptions", "client_interruptions"})
TIMES = frozenset({"started_at", "processed_at"})


def _arrow_type(name: str) -> Any:
    import pyarrow as pa

    if name in COUNTS:
        return pa.int32()
    if name in TIMES:
        return pa.timestamp("us", tz="UTC")
    if name == "asr_demonstration":
        return pa.bool_()
    if name == "flags":
        return pa.list_(pa.string())
    if name in CONVERSATION_COLUMNS or name.endswith("_confidence") or name in ("duration_s", "mood_turned_at_s"):
        return pa.float64()
    return pa.string()


def _parquet_value(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value
