"""`run.py export`: the rows again, as tables, as a workbook for people, or as a transcript file per call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from zoneinfo import ZoneInfo

from commands.export_bucket import Place, place_of, suffix_of
from commands.permissions import let_read
from commands.terminal import say
from db.existing import existing_ledger
from db.export.bigquery import write_bigquery
from db.export.document import documents
from db.export.streaming import chosen_call_ids
from db.export.table_files import RESULT_FORMATS, TableFormat, export_table, export_workbook
from db.export.tables import RESULTS, TABLES, WORKBOOK
from db.export.transcripts import export_transcripts
from db.export.workbook import MOST_ROWS, sheets_of
from db.queries.chosen import CallFilter
from pipeline.config.areas.output import TranscriptFormat
from pipeline.config.loader import load_settings
from pipeline.errors import ConfigurationError
from pipeline.plurals import counted

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

TRANSCRIPT_FORMATS: tuple[str, ...] = get_args(TranscriptFormat)
BIGQUERY = "bigquery"
HTML = "html"
REDACTED_AUDIO = "redacted_audio"
FORMATS = (*RESULT_FORMATS, BIGQUERY, HTML, REDACTED_AUDIO, *TRANSCRIPT_FORMATS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to write, and of which calls."""

    to: str
    """The file of a table (its suffix names the format when none is given), the folder of transcripts; or its address
    in a bucket."""
    formats: tuple[str, ...]
    table: str | None
    """Of `TABLES`; None for the results, and for a workbook of several sheets."""
    columns: tuple[str, ...]
    calls: CallFilter
    audio: bool = True
    """Whether pages come with their recordings."""


@dataclass(frozen=True, slots=True)
class _Export:
    """One export under way."""

    wanted: Wanted
    place: Place
    settings: Settings
    database: Database

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.input.timezone)

    def write(self, name: str) -> bool:
        """Write one format, and say so; returns False when something is missing from it."""
        wanted, zone, to = self.wanted, self.zone, self.place.to
        path = to if suffix_of(wanted.to) in (name, _ending(name)) else to.with_name(f"{to.name}.{_ending(name)}")
        shown = self.place.shown(path)
        if name == HTML:
            self.write_pages(to)
        elif name == REDACTED_AUDIO:
            return self.write_redacted_audio(to)
        elif name == BIGQUERY:
            with chosen_call_ids(self.database, wanted.calls, zone.key) as call_ids:
                rows, schema = write_bigquery(documents(self.database, call_ids), path)
            say(f"{shown}: {counted(rows, 'call')}; load it with the schema {self.place.shown(schema)}")
        elif name == "xlsx" and wanted.table is None and not wanted.columns:
            how = TableFormat(name=name, csv=self.settings.output.csv, zone=zone)
            sheets = export_workbook(self.database, wanted.calls, WORKBOOK, path, how)
            say(f"{shown}: " + ", ".join(f"{title} {rows}" for title, rows in sheets.items()))
            _tell_of_further_sheets(sheets)
        else:
            table = TABLES[wanted.table or RESULTS.name]
            how = TableFormat(name=name, csv=self.settings.output.csv, zone=zone)
            rows = export_table(self.database, wanted.calls, table.with_columns(wanted.columns), path, how)
            say(f"{shown}: {counted(rows, 'call' if table.name in ('results', 'calls') else 'row')}")
            if name == "xlsx":
                _tell_of_further_sheets({table.title: rows})
        return True

    def write_redacted_audio(self, folder: Path) -> bool:
        from commands.export_redacted_audio import export_redacted_audio

        with chosen_call_ids(self.database, self.wanted.calls, self.zone.key) as call_ids:
            written = export_redacted_audio(self.database, call_ids, folder, self.settings)
        stretches = counted(written.stretches, "stretch", "stretches")
        shown = self.place.shown(folder)
        say(
            f"{shown}: {counted(written.recordings, 'recording')}, silent in {stretches} of personal data; "
            f"{written.whole_chunks} of them a whole chunk, where the words have no times"
        )
        for why in written.failed:
            say(f"not written: {why}")
        return not written.failed

    def write_pages(self, folder: Path) -> None:
        from commands.export_pages import write_pages

        written = write_pages(self.database, self.settings, self.wanted.calls, folder, audio=self.wanted.audio)
        index = self.place.shown(written.index)
        say(f"{index}: {counted(written.calls, 'call')}, {counted(written.recordings, 'recording')}")

    def write_transcripts(self, formats: tuple[str, ...]) -> None:
        settings = self.settings.output
        output = settings.model_copy(
            update={"transcripts": settings.transcripts.model_copy(update={"formats": formats})}
        )
        with chosen_call_ids(self.database, self.wanted.calls, self.zone.key) as call_ids:
            written = export_transcripts(self.database, call_ids, self.place.to, output)
        say(f"{self.place.shown(self.place.to)}: {counted(len(written), 'file')}")


def export_calls(config: Path, overrides: Sequence[str], wanted: Wanted) -> int:
    """Write the calls asked for; returns the exit code."""
    formats = wanted.formats or (suffix_of(wanted.to),)
    wrong = [name for name in formats if name not in FORMATS]
    if wrong:
        raise ConfigurationError(f"export: unknown format {', '.join(wrong)}; choices: {', '.join(sorted(FORMATS))}")
    if wanted.table is not None and wanted.table not in TABLES:
        raise ConfigurationError(f"--table {wanted.table}: choices: {', '.join(TABLES)}")
    TABLES[wanted.table or RESULTS.name].with_columns(wanted.columns)
    settings = load_settings(config, overrides).settings
    let_read(settings.output.readable_by)
    with place_of(wanted.to, settings.output.s3) as place, existing_ledger(settings.database) as database:
        export = _Export(wanted, place, settings, database)
        transcripts = tuple(name for name in formats if name in TRANSCRIPT_FORMATS)
        whole = [export.write(name) for name in formats if name not in TRANSCRIPT_FORMATS]
        if transcripts:
            export.write_transcripts(transcripts)
    return 0 if all(whole) else 1


def _tell_of_further_sheets(rows: Mapping[str, int]) -> None:
    for title, count in rows.items():
        if (sheets := sheets_of(count)) > 1:
            say(
                f"{title} goes on to the sheet “{title} {sheets}”: a sheet holds {MOST_ROWS:,} rows. A spreadsheet "
                "program may not open so many; narrow them by --from and --to, or write .parquet or .csv"
            )


def _ending(name: str) -> str:
    """Suffix of a format's file, without the dot."""
    return "jsonl" if name == BIGQUERY else name
