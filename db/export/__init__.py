"""The tables' rows as files."""

from __future__ import annotations

from db.export.files import write_whole
from db.export.table_files import (
    RESULT_FORMATS,
    TableFormat,
    export_results,
    export_table,
    export_workbook,
    format_of,
)
from db.export.transcripts import WRITERS, export_transcripts

__all__ = [
    "RESULT_FORMATS",
    "WRITERS",
    "TableFormat",
    "export_results",
    "export_table",
    "export_transcripts",
    "export_workbook",
    "format_of",
    "write_whole",
]
