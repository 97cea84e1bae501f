"""`run.py export`: the same rows again, as CSV, XLSX, Parquet, or a transcript file per call."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

from commands.permissions import let_read
from commands.terminal import say
from db.existing import existing_ledger
from db.export import RESULT_FORMATS, export_results, export_transcripts
from db.queries.calls import calls_to_export
from pipeline.config.areas.output import TranscriptFormat
from pipeline.config.loader import load_settings
from pipeline.errors import ConfigurationError
from pipeline.plurals import counted

TRANSCRIPT_FORMATS: tuple[str, ...] = get_args(TranscriptFormat)


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
    only = None if call is None else _call_id(call)
    settings = load_settings(config, overrides).settings
    let_read(settings.output.readable_by)
    with existing_ledger(settings.database) as database:
        call_ids = calls_to_export(database, since, only)
        tables = [name for name in chosen if name in RESULT_FORMATS]
        transcripts = tuple(name for name in chosen if name in TRANSCRIPT_FORMATS)
        for name in tables:
            path = to if to.suffix.lstrip(".").lower() == name else to.with_name(f"{to.name}.{name}")
            rows = export_results(database, call_ids, path, settings.output)
            say(f"{path}: {counted(rows, 'call')}")
        if transcripts:
            output = settings.output.model_copy(
                update={"transcripts": settings.output.transcripts.model_copy(update={"formats": transcripts})}
            )
            written = export_transcripts(database, call_ids, to, output)
            say(f"{to}: {counted(len(written), 'file')}")
    return 0


def _call_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ConfigurationError(f"--call {text}: not a call_id; take one from the column call_id") from None
