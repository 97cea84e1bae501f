"""`run.py export`: the same rows again, as CSV, XLSX, Parquet, or a transcript file per call."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

import typer

from db.connection import Database, connect
from db.export import RESULT_FORMATS, export_results, export_transcripts
from pipeline.config.areas.output import TranscriptFormat
from pipeline.config.loader import load_settings
from pipeline.errors import ConfigurationError

TRANSCRIPT_FORMATS: tuple[str, ...] = get_args(TranscriptFormat)

_CALLS = """
    SELECT call_id FROM calls
    WHERE status <> 'skipped'
      AND (%(since)s::timestamptz IS NULL OR coalesce(started_at, source_modified_at) >= %(since)s)
      AND (%(call)s::uuid IS NULL OR call_id = %(call)s)
    ORDER BY started_at NULLS LAST, source_uri
"""


def export_calls(  # noqa: PLR0917 - the options of the command
    config: Path, overrides: Sequence[str], to: Path, formats: Sequence[str], since: datetime | None, call: str | None
) -> int:
    """Write the calls asked for; returns the exit code.

    With a table format `to` is the file (its suffix names the format when none is given); with transcript formats the
    folder.
    """
    chosen = list(formats) or [to.suffix.lstrip(".").lower()]
    known = {*RESULT_FORMATS, *TRANSCRIPT_FORMATS}
    wrong = [name for name in chosen if name not in known]
    if wrong:
        raise ConfigurationError(f"export: unknown format {', '.join(wrong)}; choices: {', '.join(sorted(known))}")
    settings = load_settings(config, overrides).settings
    with connect(settings.database) as database:
        call_ids = _call_ids(database, since, call)
        tables = [name for name in chosen if name in RESULT_FORMATS]
        transcripts = tuple(name for name in chosen if name in TRANSCRIPT_FORMATS)
        for name in tables:
            path = to if to.suffix.lstrip(".").lower() == name else to.with_name(f"{to.name}.{name}")
            rows = export_results(database, call_ids, path, settings.output)
            typer.echo(f"{path}: {rows} calls")
        if transcripts:
            output = settings.output.model_copy(
                update={"transcripts": settings.output.transcripts.model_copy(update={"formats": transcripts})}
            )
            written = export_transcripts(database, call_ids, to, output)
            typer.echo(f"{to}: {len(written)} files")
    return 0


def _call_ids(database: Database, since: datetime | None, call: str | None) -> list[str]:
    if call is not None:
        try:
            uuid.UUID(call)
        except ValueError:
            raise ConfigurationError(f"--call {call}: not a call_id; take one from the column call_id") from None
    with database.connection() as connection:
        found = connection.execute(_CALLS, {"since": since, "call": call}).fetchall()
    return [str(call_id) for (call_id,) in found]
