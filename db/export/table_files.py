"""A table of some calls as a file, in the format the file's name or the user asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from db.export.columns import Table
from db.export.csv_file import write_csv
from db.export.json_lines import write_json_lines
from db.export.parquet_file import write_parquet
from db.export.result_rows import result_rows
from db.export.streaming import rows_of
from db.export.tables import RESULTS
from db.export.workbook import write_workbook
from db.queries.chosen import CallFilter
from pipeline.config.areas.output import CsvSettings, OutputSettings
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from db.connection import Database

RESULT_FORMATS = ("csv", "xlsx", "parquet", "jsonl")

UTC = ZoneInfo("UTC")

Rows = Iterable[Mapping[str, Any]]
OpenRows = Callable[[Table], AbstractContextManager[Rows]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFormat:
    """How a table is written."""

    name: str
    """One of RESULT_FORMATS."""
    csv: CsvSettings
    zone: ZoneInfo = UTC
    """Zone of times of day in what is made for people."""


def format_of(path: Path) -> str:
    """The format that the file's name asks for. Raises ConfigurationError for another ending."""
    name = path.suffix.lower().lstrip(".")
    if name not in RESULT_FORMATS:
        raise ConfigurationError(
            f"{path}: tables can be written as {', '.join('.' + suffix for suffix in RESULT_FORMATS)}"
        )
    return name


def export_results(database: Database, call_ids: Sequence[str], path: Path, output: OutputSettings) -> int:
    """Write these calls' rows of the results to `path`; returns how many.

    Raises OutputUnavailable, or ConfigurationError for an ending that is no format.
    """

    @contextmanager
    def rows(_: Table) -> Iterator[Rows]:
        yield result_rows(database, call_ids)

    return write_table(rows, RESULTS, path, TableFormat(name=format_of(path), csv=output.csv))


def export_table(database: Database, chosen: CallFilter, table: Table, path: Path, how: TableFormat) -> int:
    """Write the table's rows of the chosen calls; returns how many. Raises OutputUnavailable."""
    return write_table(lambda name: rows_of(database, name, chosen, how.zone.key), table, path, how)


def export_workbook(
    database: Database, chosen: CallFilter, tables: Sequence[Table], path: Path, how: TableFormat
) -> dict[str, int]:
    """Write a workbook with a sheet per table; returns the rows of each by title. Raises OutputUnavailable."""
    return write_workbook(lambda name: rows_of(database, name, chosen, how.zone.key), tables, path, zone=how.zone)


def write_table(open_rows: OpenRows, table: Table, path: Path, how: TableFormat) -> int:
    """Write the rows; returns how many. Raises OutputUnavailable."""
    if how.name == "xlsx":
        return write_workbook(open_rows, (table,), path, zone=how.zone)[table.title]
    with open_rows(table) as rows:
        match how.name:
            case "csv":
                mark = how.csv.byte_order_mark
                return write_csv(rows, table, path, zone=how.zone, delimiter=how.csv.delimiter, byte_order_mark=mark)
            case "parquet":
                return write_parquet(rows, table, path)
            case "jsonl":
                return write_json_lines(rows, table, path)
    raise ValueError(f"no table format: {how.name}")
