"""What file names and sidecars say of a call: parts of config.yaml's `input`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from pipeline.config.base import Area

SPECIAL_FORMATS = ("iso8601", "epoch_s", "epoch_ms")
"""Besides strptime formats: ISO 8601, seconds or milliseconds since 1970-01-01 UTC."""

DEFAULT_PATTERN = (
    r"^(?P<started_at>\d{8}[-_]?\d{6})"
    r"(?:_(?P<direction>inbound|outbound|internal))?"
    r"(?:_agent-(?P<agent_id>[^_.]+))?"
    r"(?:_(?P<segment>b2b|b2c))?"
    r"(?:_q-(?P<queue>[^_.]+))?"
    r"(?:_x-(?P<extension>[^_.]+))?"
    r"(?:_from-(?P<related_call>[^_.]+))?"
    r"(?:_ch-(?P<channel_roles>[^_.]+))?"
    r"(?:_(?P<label>[^.]*))?\."
)
"""`20260914-101502_inbound_agent-4711_b2c_q-billing_x-204_from-8812_ch-agent+client_anything.wav`."""


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


class FileNamePattern(Area):
    """What a file name says. Groups it may name: started_at (or date and time), direction, agent_id, segment,
    language, queue, related_call, extension, channel_roles; any other group is kept under its own name."""

    pattern: str
    """Python regular expression with named groups, searched for in the file name (or the path, see `match`)."""
    match: Literal["name", "path"] = "name"
    """name: the file name with its suffix; path: the path below the input folder, with / between folders."""
    started_at_formats: tuple[str, ...] = ("%Y%m%d-%H%M%S", "%Y%m%d_%H%M%S", "%Y%m%d%H%M%S")
    """strptime formats of the start time, tried in order; also iso8601, epoch_s, epoch_ms. Groups date and time are
    joined by one blank."""
    timezone: str | None = None
    """IANA zone of start times that carry none; null for `input.timezone`."""

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

    @field_validator("started_at_formats")
    @classmethod
    def _readable_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_formats(value)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return None if value is None else check_time_zone(value)


class SidecarSettings(Area):
    """Metadata from a CSV beside the recordings. What it says goes before what the file name says."""

    name: str | None = "calls.csv"
    """File looked for in each folder (in archives too, not in buckets), for the recordings of that folder and below it;
    null for none."""
    path: Path | None = None
    """One CSV for all recordings, instead of one in each folder."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Character between columns."""
    encoding: str = "utf-8-sig"
    """Python name of the text encoding."""
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
    """From our field to the column's title. file_name is needed; further columns of the file are kept as extra."""
    started_at_formats: tuple[str, ...] = ("iso8601",)
    """strptime formats of started_at, tried in order; also iso8601, epoch_s, epoch_ms."""

    @field_validator("columns")
    @classmethod
    def _has_file_name(cls, value: dict[str, str]) -> dict[str, str]:
        if "file_name" not in value:
            raise ValueError("must say which column holds file_name")
        return value

    @field_validator("started_at_formats")
    @classmethod
    def _readable_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_formats(value)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"{value!r} is not a text encoding; use for example utf-8-sig or cp1252") from None
        return value
