"""The tables' rows as files."""

from __future__ import annotations

from db.export.files import write_whole
from db.export.results import RESULT_FORMATS, export_results
from db.export.transcripts import WRITERS, export_transcripts

__all__ = ["RESULT_FORMATS", "WRITERS", "export_results", "export_transcripts", "write_whole"]
