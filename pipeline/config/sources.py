"""Where calls come from: config.yaml's `input`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from pipeline.config.base import Area
from pipeline.records import CustomerSegment, Direction, Role

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


class ArchiveSettings(Area):
    """Deliveries as .zip."""

    max_members: Annotated[int, Field(ge=1)] = 1_000_000
    """An archive with more members is not read at all."""
    max_member_mb: Annotated[float, Field(gt=0)] = 4096.0
    """A member that unpacks to more is skipped."""
    max_ratio: Annotated[float, Field(gt=1)] = 500.0
    """A member over 10 MB that unpacks to more than this many times its packed size is skipped as a bomb."""


class S3Settings(Area):
    """Buckets. Credentials come from the environment or the machine's role, never from here."""

    region: str | None = None
    """AWS region; null for what the environment says."""
    endpoint_url: str | None = None
    """Address of an S3-compatible server; null for AWS."""
    anonymous: bool = False
    """Send unsigned requests (public buckets)."""
    connect_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """Limit for connecting."""
    read_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    """Limit for silence on a connection."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    """Tries of one request, with the client's own backoff and jitter."""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """How the bucket stands in the address; many S3-compatible servers want path."""


class InputSettings(Area):
    """Where calls come from."""

    path: str = "samples/calls"
    """A folder, a single recording, a .zip, or s3://bucket/prefix."""
    recursive: bool = True
    """Go into sub-folders."""
    extensions: tuple[str, ...] = (
        "wav",
        "wave",
        "ogg",
        "oga",
        "opus",
        "mp3",
        "flac",
        "m4a",
        "mp4",
        "aac",
        "wma",
        "amr",
        "awb",
        "gsm",
        "au",
        "aif",
        "aiff",
        "webm",
        "mka",
    )
    """Suffixes taken for recordings, without the dot; ["*"] for any."""
    include: tuple[str, ...] = ()
    """Globs of what to take; empty for everything. Without / they look at the file name, with / at the path below the
    input, where * also crosses folders. Case does not matter."""
    exclude: tuple[str, ...] = ()
    """Globs of what to leave out, as in `include`."""
    include_hidden: bool = False
    """Take files and folders whose names begin with a dot."""
    follow_links: bool = True
    """Follow symbolic links (each folder is entered once, so loops end)."""
    archives: bool = True
    """Look into .zip deliveries found in folders."""

    min_size_bytes: Annotated[int, Field(ge=0)] = 1024
    """Smaller files are skipped."""
    min_duration_s: Annotated[float, Field(ge=0)] = 0.5
    """Shorter recordings are skipped."""
    max_duration_s: Annotated[float, Field(gt=0)] | None = None
    """Longer recordings are skipped; null for no limit."""
    min_age_s: Annotated[float, Field(ge=0)] = 120.0
    """A file changed less than this many seconds ago is looked at twice; one that changes in between is left for the
    next run."""
    look_again_s: Annotated[float, Field(ge=0)] = 1.0
    """Least time between the two looks."""

    timezone: str = "UTC"
    """IANA zone of start times (file names, sidecar, .zip) that carry none."""
    patterns: tuple[FileNamePattern, ...] = Field(default_factory=lambda: (FileNamePattern(pattern=DEFAULT_PATTERN),))
    """Patterns of file names, tried in order; the first that matches is used."""
    direction_words: dict[str, Direction] = Field(
        default_factory=lambda: {
            "inbound": Direction.INBOUND,
            "in": Direction.INBOUND,
            "incoming": Direction.INBOUND,
            "outbound": Direction.OUTBOUND,
            "out": Direction.OUTBOUND,
            "outgoing": Direction.OUTBOUND,
            "internal": Direction.INTERNAL,
            "int": Direction.INTERNAL,
        }
    )
    """What file names and sidecars call the directions, in lower case."""
    segment_words: dict[str, CustomerSegment] = Field(
        default_factory=lambda: {
            "b2b": CustomerSegment.B2B,
            "business": CustomerSegment.B2B,
            "b2c": CustomerSegment.B2C,
            "private": CustomerSegment.B2C,
            "consumer": CustomerSegment.B2C,
        }
    )
    """What file names and sidecars call the customer segments, in lower case."""
    role_words: dict[str, Role] = Field(
        default_factory=lambda: {
            "agent": Role.AGENT,
            "a": Role.AGENT,
            "client": Role.CLIENT,
            "customer": Role.CLIENT,
            "caller": Role.CLIENT,
            "c": Role.CLIENT,
            "unknown": Role.UNKNOWN,
            "u": Role.UNKNOWN,
        }
    )
    """What file names and sidecars call the roles in channel_roles (agent+client, client-agent, a,c), in lower case."""
    sidecar: SidecarSettings = Field(default_factory=SidecarSettings)
    """Metadata from a CSV beside the recordings."""
    archive: ArchiveSettings = Field(default_factory=ArchiveSettings)
    """Limits for .zip deliveries."""
    s3: S3Settings = Field(default_factory=S3Settings)
    """How buckets are reached."""

    @field_validator("path")
    @classmethod
    def _has_path(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty; name a folder, a recording, a .zip or s3://bucket/prefix")
        if "://" in value and not value.startswith("s3://"):
            raise ValueError(
                "this kind of address is not known; choices: a folder, a recording, a .zip, s3://bucket/prefix"
            )
        if value.startswith("s3://") and not value.removeprefix("s3://").strip("/"):
            raise ValueError("names no bucket; write s3://bucket/prefix")
        return value

    @field_validator("extensions")
    @classmethod
    def _plain_extensions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(extension.lower().removeprefix(".") for extension in value)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return check_time_zone(value)

    @model_validator(mode="after")
    def _durations_in_order(self) -> InputSettings:
        if self.max_duration_s is not None and self.max_duration_s < self.min_duration_s:
            raise ValueError(
                f"max_duration_s ({self.max_duration_s}) is below min_duration_s ({self.min_duration_s}); "
                "raise the one or lower the other"
            )
        return self
