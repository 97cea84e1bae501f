"""Files of a run: config.yaml's `output`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipeline.config.areas.buckets import S3Settings, checked_bucket
from pipeline.config.base import Area, OneOrList

TranscriptFormat = Literal["txt", "srt", "vtt", "json", "pca_json", "contact_lens_json"]


class SaveMode(StrEnum):
    """Where results are delivered. The record of processed calls is always in the database."""

    DATABASE = "database"
    CSV = "csv"
    BOTH = "both"


class Readers(StrEnum):
    """Who may read what a command writes."""

    OWNER = "owner"
    GROUP = "group"


class TranscriptFileSettings(Area):
    """A file per call and format, in `transcripts/` below the output folder."""

    formats: OneOrList[tuple[TranscriptFormat, ...]] = ()
    """txt, srt, vtt, json, pca_json (AWS Post-Call Analytics' shape), contact_lens_json; empty for none."""
    max_line_chars: Annotated[int, Field(ge=10, le=200)] = 42
    """Longest line of a subtitle, in characters."""
    max_lines: Annotated[int, Field(ge=1, le=4)] = 2
    """Lines of one subtitle."""
    max_cue_s: Annotated[float, Field(gt=0, le=60)] = 7.0
    """Longest subtitle, in seconds."""


class CsvSettings(Area):
    """The results CSV."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Character between columns."""
    byte_order_mark: bool = True
    """Begin with a byte order mark, so that spreadsheets read UTF-8."""
    short: bool = True
    """Write `calls_<stamp>.csv` beside it: the same calls in fifteen columns for people."""


class OutputSettings(Area):
    """Files of a run."""

    directory: Path = Path("output")
    """Folder of results, reports and logs."""
    save_mode: SaveMode = SaveMode.BOTH
    """database, csv or both."""
    csv: CsvSettings = Field(default_factory=CsvSettings)
    """The results CSV."""
    transcripts: TranscriptFileSettings = Field(default_factory=TranscriptFileSettings)
    """Transcripts as files."""
    readable_by: Readers = Readers.OWNER
    """Who may read results, reports, logs and the spool: `owner`, or `group` for the members of the group as well.
    Everybody may read the file of `reporting.prometheus_file`, which holds only counts."""
    upload_to: str | None = None
    """Bucket that results, reports and transcripts are copied to (s3://bucket/prefix); null for none. Calls count as
    delivered once their results are there."""
    s3: S3Settings = Field(default_factory=S3Settings)
    """How the bucket of `upload_to` is reached."""
    performance_report: bool = False
    """Write `performance_report_<stamp>.html` beside the JSON."""

    @field_validator("upload_to")
    @classmethod
    def _is_a_bucket(cls, value: str | None) -> str | None:
        return value if value is None else checked_bucket(value)
