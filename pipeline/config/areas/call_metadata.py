"""What file names and sidecars say of a call: parts of config.yaml's `input`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from pipeline.config.base import Area

SPECIAL_FORMATS = ("auto", "stamp", "iso8601", "epoch_s", "epoch_ms")
"""Formats besides strptime's: any unambiguous one, a TIME_STAMP, ISO 8601, seconds or milliseconds since 1970-01-01
UTC."""

_DATE = r"(?:19|20)\d\d[-./_]?(?:0[1-9]|1[0-2])[-./_]?(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3])[-:._]?[0-5]\d[-:._]?[0-5]\d"
_FRACTION = r"[.,]\d{1,9}(?![0-9A-Ya-y])"
_HALF = r"(?:[ _.]?[AaPp][Mm](?![0-9A-Za-z]))?"
_HOURS, _QUARTERS = r"(?:0\d|1[0-4])", r"(?:00|15|30|45)"
_ZONE = (
    r"[Zz](?![A-Za-z])|[ _-]?(?:(?i:utc|gmt)(?:[-+]\d\d?(?:[:_]?[0-5]\d)?)?|[ECMP][SD]T)(?![0-9A-Za-z])"
    rf"|[ _]?\+{_HOURS}(?:[:_-]?{_QUARTERS})?(?!\d)| -{_HOURS}:{_QUARTERS}(?!\d)"
)
_WEST = rf"-{_HOURS}[:_]?{_QUARTERS}(?!\d)"
_WEST_OF_A_PLAIN_TIME = r"-(?:0\d:?|1[0-2]:)(?:00|30)(?!\d)"
TIME_STAMP = (
    rf"{_DATE}(?:T{_CLOCK}(?:{_FRACTION})?(?:{_ZONE}|{_WEST})?|(?:[_ -]|_-_| - )?{_CLOCK}"
    rf"(?:{_FRACTION}(?:{_ZONE}|{_WEST})?|{_HALF}(?:{_ZONE}|{_WEST_OF_A_PLAIN_TIME})?))"
)
"""Year to second, with any of the usual marks between; where there are such, a fraction, AM or PM, and an offset from
UTC, the word UTC or a zone of North America (EST). After a plain time `-1000` is not an offset, because extensions look
like that; nor is `-05` anywhere, because parts of a recording are numbered like that."""


def check_time_zone(name: str) -> str:
    """The name, if it is an IANA time zone. Raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; use an IANA name such as UTC or Europe/Berlin") from None
    return name


def check_formats(formats: tuple[str, ...]) -> tuple[str, ...]:
    """The formats, if each can be read back from what it writes. Raises ValueError."""
    for form in formats:
        if form in SPECIAL_FORMATS:
            continue
        try:
            datetime.strptime(datetime(2026, 9, 14, 10, 15, 2, tzinfo=UTC).strftime(form), form)
        except (ValueError, re.error) as error:
            choices = ", ".join(SPECIAL_FORMATS)
            raise ValueError(
                f"{form!r} is not a strptime format ({error}); use for example %Y%m%d-%H%M%S, or {choices}"
            ) from None
    return formats


TimeZone = Annotated[str, AfterValidator(check_time_zone)]
TimeFormats = Annotated[tuple[str, ...], AfterValidator(check_formats)]


class FileNamePattern(Area):
    """What a file name says. Groups it may name: started_at (or date and time), direction, agent_id, segment,
    language, queue, related_call, extension, channel_roles; any other group is kept under its own name."""

    pattern: str
    """Python regular expression with named groups, searched for in the file name (or the path, see `match`)."""
    match: Literal["name", "path"] = "name"
    """name: the file name with its suffix; path: the path below the input folder, with / between folders."""
    started_at_formats: TimeFormats = ("stamp",)
    """strptime formats of the start time, tried in order; also stamp (year to second, with a fraction and an offset
    where the name has them), iso8601, epoch_s, epoch_ms. Groups date and time are joined by one blank."""
    timezone: TimeZone | None = None
    """IANA time zone of start times that give none; null for `input.timezone`."""
    values: dict[str, str] = Field(default_factory=dict)
    """Fields that are the same for every name of this form, such as direction: inbound."""

    @model_serializer(mode="wrap")
    def _short(self, plain: SerializerFunctionWrapHandler) -> Any:
        """One that stands for shipped patterns has a name and no groups."""
        return plain(self) if "(?P<" in self.pattern else self.pattern

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        if not groups:
            raise ValueError("names no group; write (?P<agent_id>...) around what is wanted")
        return value


class SidecarSettings(Area):
    """Metadata from files beside the recordings: a table (CSV), JSON or XML, told by its content. What it says goes
    before what the file name says. Fields that `columns` does not name are known by the titles of Genesys, NICE, Verint
    and Amazon Connect."""

    name: tuple[str, ...] = ("calls.csv", "calls.tsv", "calls.json", "calls.xml")
    """Files looked for in each folder (in archives too, not in buckets), for the recordings of that folder and below
    it; empty for none."""
    path: Path | None = None
    """One file for all recordings, instead of those in each folder."""
    per_recording: bool = True
    """Read a .json or .xml file named after a recording, in its folder (call.json, call_metadata.json,
    call.wav.xml)."""
    match: Literal["exact", "loose"] = "exact"
    """exact: a row belongs to the file with exactly the name it gives; loose: also when only case or suffix differs."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Character between columns; null to detect it from the table: from a first line such as sep=; or from its
    titles."""
    encoding: str | None = None
    """Python name of the text encoding; null for UTF-8, or UTF-16 if the bytes indicate it."""
    columns: dict[str, str] = Field(
        default_factory=lambda: {
            name: name
            for name in (
                "file_name",
                "started_at",
                "direction",
                "agent_id",
                "segment",
                "language",
                "queue",
                "related_call",
                "extension",
                "channel_roles",
            )
        }
    )
    """Field to column title. file_name is required; further columns of the file are kept as extra."""
    started_at_formats: TimeFormats = ("auto",)
    """strptime formats of started_at, tried in order; also iso8601, stamp, epoch_s, epoch_ms, and auto: any of these
    and 13/02/2026 9:15 PM. There one unambiguous date decides for the whole table whether the day or the month comes
    first."""

    @field_validator("name", mode="before")
    @classmethod
    def _one_name(cls, value: object) -> object:
        return () if value is None else (value,) if isinstance(value, str) else value

    @field_validator("columns")
    @classmethod
    def _has_file_name(cls, value: dict[str, str]) -> dict[str, str]:
        if "file_name" not in value:
            raise ValueError("must say which column holds file_name")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            "".encode(value or "utf-8")
        except LookupError:
            raise ValueError(f"{value!r} is not a text encoding; use for example utf-8 or cp1252") from None
        return value
