"""Tables of many calls as files."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import StreamingResponse

from db.export.streaming import chosen_call_ids
from db.export.table_files import TableFormat, export_table, export_workbook
from db.export.tables import RESULTS, TABLES, WORKBOOK
from service.access import What
from service.calls.choosing import Text, TextQuery, wanted
from service.context import Given
from service.exports import OpenFile
from service.problems.kinds import BUSY, DATABASE_AWAY, INVALID, UNAVAILABLE
from service.problems.problem import Fault, Refused, responses
from service.readers import WordReader

router = APIRouter(tags=["calls"])
AUDITED_AT_ONCE = 10_000
"""Ids in memory at a time."""
_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ExportQuery(TextQuery):
    """What to write, and of which calls."""

    format: Literal["csv", "jsonl", "parquet", "xlsx"] = "csv"
    """xlsx without `table` and `column` is a workbook for people: calls, turns, action items, attention."""
    table: Literal["results", "calls", "turns", "actions", "attention", "chunks", "manifest"] | None = None
    """results (a row per call, all columns) unless said otherwise; calls is its short form for people, manifest is for
    training recognisers."""
    column: tuple[Text, ...] = Field((), max_length=200)
    """Only these columns of the table, in this order; may be repeated."""


@router.get(
    "/exports",
    operation_id="exportCalls",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file.",
            "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in _MEDIA.values()},
        },
        **responses(INVALID, BUSY, UNAVAILABLE, DATABASE_AWAY),
    },
)
def export(query: Annotated[ExportQuery, Query()], given: Given, reader: WordReader) -> OpenFile:
    """A table of the calls that a filter chooses, oldest first, as of one moment.

    The first byte comes when the whole file is written: measured for 20,000 short calls, 13 s as CSV and 9 s as JSON
    lines (`python -m bench.api`). For many calls allow for minutes, or ask for a shorter stretch of days.
    """
    chosen = wanted(query, reader)
    table = TABLES[query.table or RESULTS.name]
    unknown = set(query.column) - {column.name for column in table.columns}
    if unknown:
        known = ", ".join(column.name for column in table.columns)
        fault = Fault(where="query.column", what=f"table {table.name} has the columns {known}")
        raise Refused(INVALID, "There is no such column.", faults=[fault])
    how = TableFormat(name=query.format, csv=given.settings.output.csv, zone=ZoneInfo(given.site.timezone))
    for_people = query.format == "xlsx" and query.table is None and not query.column

    def write(path: Path) -> None:
        if for_people:
            export_workbook(given.database, chosen, WORKBOOK, path, how)
        else:
            export_table(given.database, chosen, table.with_columns(query.column), path, how)
        with chosen_call_ids(given.database, chosen, given.site.timezone) as call_ids:
            while told := list(islice(call_ids, AUDITED_AT_ONCE)):
                given.audit.read(reader, What.EXPORT, told)

    name = f"{'earshot' if for_people else table.name}.{query.format}"
    return given.exports.made(write, name, _MEDIA[query.format])
