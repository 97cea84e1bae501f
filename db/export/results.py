"""The results table of some calls, in the format the file's name asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from db.export.csv_file import write_csv
from db.export.spreadsheets import write_parquet, write_xlsx
from db.export.table import result_rows
from pipeline.config.areas.output import OutputSettings
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from db.connection import Database

RESULT_FORMATS = ("csv", "xlsx", "parquet")


def export_results(database: Database, call_ids: Sequence[str], path: Path, output: OutputSettings) -> int:
    """Write the calls' rows to `path` (.csv, .xlsx or .parquet); returns how many.

    Raises OutputUnavailable, or ConfigurationError for another ending.
    """
    rows = result_rows(database, call_ids)
    match path.suffix.lower():
        case ".csv":
            return write_csv(rows, path, delimiter=output.csv.delimiter, byte_order_mark=output.csv.byte_order_mark)
        case ".xlsx":
            return write_xlsx(rows, path)
        case ".parquet":
            return write_parquet(rows, path)
    raise ConfigurationError(
        f"{path}: the results can be written as {', '.join('.' + name for name in RESULT_FORMATS)}"
    )
