"""Where calls come from: config.yaml's `input`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.config.areas.buckets import S3Settings, checked_bucket
from pipeline.config.areas.call_metadata import FileNamePattern, SidecarSettings, TimeZone
from pipeline.config.areas.events import EventSettings
from pipeline.config.areas.file_names import AUTO, NamedPattern
from pipeline.config.areas.pairs import PairSettings
from pipeline.config.base import Area
from pipeline.records import CustomerSegment, Direction, Role


class RawFormat(Area):
    """Sound without a header."""

    format: Literal["alaw", "mulaw", "s16le", "s16be", "u8", "g722"]
    """How a sample is written (FFmpeg's names); g722 is always 16 kHz mono."""
    sample_rate_hz: Annotated[int, Field(ge=1000, le=192_000)] = 8000
    """Samples a second."""
    channels: Annotated[int, Field(ge=1, le=8)] = 1
    """Channels, with interleaved samples."""


RAW_FORMATS: dict[str, RawFormat] = {
    **{suffix: RawFormat.model_construct(format="mulaw") for suffix in ("ulaw", "ul", "mulaw")},
    **{suffix: RawFormat.model_construct(format="alaw") for suffix in ("alaw", "al")},
    "g722": RawFormat.model_construct(format="g722", sample_rate_hz=16_000),
    "sln": RawFormat.model_construct(format="s16le"),
    **{
        f"sln{kilohertz}": RawFormat.model_construct(
            format="s16le", sample_rate_hz=44_100 if kilohertz == 44 else kilohertz * 1000
        )
        for kilohertz in (12, 16, 24, 32, 44, 48, 96, 192)
    },
}
"""As Asterisk writes them."""


ROLE_WORDS: dict[str, Role] = {
    **dict.fromkeys(("agent", "a", "operator", "representative", "advisor", "employee"), Role.AGENT),
    **dict.fromkeys(("client", "customer", "caller", "c"), Role.CLIENT),
    **dict.fromkeys(("conseiller", "conseillère", "opérateur", "opératrice", "agente"), Role.AGENT),
    **dict.fromkeys(("mitarbeiter", "mitarbeiterin", "berater", "beraterin", "agentin"), Role.AGENT),
    **dict.fromkeys(("cliente", "kunde", "kundin", "عميل", "زبون"), Role.CLIENT),
    **dict.fromkeys(("asesor", "asesora", "operador", "operadora", "موظف", "وكيل"), Role.AGENT),
    **dict.fromkeys(("unknown", "u"), Role.UNKNOWN),
}


class ArchiveSettings(Area):
    """Deliveries as .zip."""

    max_members: Annotated[int, Field(ge=1)] = 1_000_000
    """An archive with more members is not read."""
    max_member_mb: Annotated[float, Field(gt=0)] = 4096.0
    """A member that is larger than this when unpacked is skipped."""
    max_ratio: Annotated[float, Field(gt=1)] = 500.0
    """A member over 10 MB that unpacks to more than this many times its packed size is skipped as a bomb."""


class DeltaSettings(Area):
    """Listing only what is new of a bucket whose keys begin with dates."""

    key_dates: str | None = None
    """How keys begin below `input.path`, with strftime's signs, the largest unit first (%Y/%m/%d/, dt=%Y-%m-%d/); null
    to list everything in each run."""
    look_back_days: Annotated[int, Field(ge=0)] = 2
    """Days before the last run that left nothing to do from which objects are listed."""
    full_every_days: Annotated[float, Field(gt=0)] = 7.0
    """Everything is listed when the last time is this many days ago: an object that was added or replaced under an
    older date is noticed then. So it is when settings changed."""

    @field_validator("key_dates")
    @classmethod
    def _sorts_by_time(cls, value: str | None) -> str | None:
        if value is None:
            return value
        # Days on which a larger unit grows while a smaller one falls, or gets a second digit.
        days = ((2019, 12, 31), (2020, 1, 30), (2020, 2, 9), (2020, 2, 10), (2020, 11, 3))
        written = [datetime(*day, tzinfo=UTC).strftime(value) for day in days]
        if written != sorted(written) or written[0] == written[-1]:
            raise ValueError(f"does not sort by time: {', '.join(written)}; write the year first, such as %Y/%m/%d/")
        return value


class InputSettings(Area):
    """Where calls come from."""

    path: str = "samples/calls"
    """A folder, a single recording, a .zip, or s3://bucket/prefix (gs:// and abfs:// with their extras)."""
    more: tuple[str, ...] = ()
    """Further folders, recordings and .zip archives on this machine, processed with `path`."""
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
        "wav49",
        "w64",
        "caf",
        "spx",
        "au",
        "aif",
        "aiff",
        "3gp",
        "3ga",
        "mov",
        "mkv",
        "mka",
        "webm",
        *RAW_FORMATS,
    )
    """Suffixes of recordings, without the dot; ["*"] for any."""
    raw_formats: dict[str, RawFormat] = Field(default_factory=lambda: dict(RAW_FORMATS))
    """Format of files without a header, by suffix; after a change use `--reprocess all` to redo them."""
    include: tuple[str, ...] = ()
    """Globs of files to process; empty for all. A glob without / is matched with the file name, a glob with / with the
    path below the input, where * also matches /. Case does not matter."""
    exclude: tuple[str, ...] = ()
    """Globs of files to leave out, written as in `include`."""
    include_hidden: bool = False
    """Include files and folders whose names begin with a dot."""
    follow_links: bool = True
    """Follow symbolic links (each folder is entered once, so loops end)."""
    archives: bool = True
    """Look into .zip deliveries found in folders and buckets."""

    min_size_bytes: Annotated[int, Field(ge=0)] = 1024
    """Smaller files are skipped."""
    min_duration_s: Annotated[float, Field(ge=0)] = 0.5
    """Shorter recordings are skipped."""
    max_duration_s: Annotated[float, Field(gt=0)] | None = None
    """Longer recordings are skipped; null for no limit."""
    min_age_s: Annotated[float, Field(ge=0)] = 120.0
    """A file changed less than this many seconds ago is checked twice; if it changes in between, it is left for the
    next run."""
    look_again_s: Annotated[float, Field(ge=0)] = 1.0
    """Shortest time between the two checks, in seconds."""

    timezone: TimeZone = "UTC"
    """IANA time zone of start times (file names, sidecar, .zip) that give none."""
    patterns: tuple[NamedPattern, ...] = (FileNamePattern.model_construct(pattern=AUTO),)
    """Patterns that read metadata from file names, tried in order; the first that matches is used. Names of recorders
    (android, freepbx, asterisk, 3cx, amazon_connect, genesys, twilio, earshot; stamp for a date and time anywhere),
    auto for all of these, or your own pattern."""
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
    role_words: dict[str, Role] = Field(default_factory=lambda: dict(ROLE_WORDS))
    """What file names and sidecars call the roles in channel_roles (agent+client, client-agent, a,c), and what the
    titles of audio tracks call them, in lower case."""
    pairs: PairSettings = Field(default_factory=PairSettings)
    """Calls in two files, one for each side."""
    sidecar: SidecarSettings = Field(default_factory=SidecarSettings)
    """Metadata from files beside the recordings."""
    archive: ArchiveSettings = Field(default_factory=ArchiveSettings)
    """Limits for .zip deliveries."""
    deltas: DeltaSettings = Field(default_factory=DeltaSettings)
    """Listing only what is new of a bucket whose keys begin with dates."""
    events: EventSettings = Field(default_factory=EventSettings)
    """A queue that tells of new objects, instead of listing the bucket."""
    s3: S3Settings = Field(default_factory=S3Settings)
    """How buckets are reached."""

    @field_validator("path")
    @classmethod
    def _has_path(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty; name a folder, a recording, a .zip or s3://bucket/prefix")
        return checked_bucket(value) if "://" in value else value

    @field_validator("extensions")
    @classmethod
    def _plain_extensions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(extension.lower().removeprefix(".") for extension in value)

    @model_validator(mode="after")
    def _a_bucket_is_alone(self) -> InputSettings:
        if self.more and any("://" in path for path in (self.path, *self.more)):
            raise ValueError(
                f"a bucket is an input of its own: {', '.join((self.path, *self.more))}; use a run for each"
            )
        return self

    @model_validator(mode="after")
    def _events_are_of_a_bucket(self) -> InputSettings:
        if self.events.queue_url is not None and not self.path.startswith("s3://"):
            raise ValueError(f"events.queue_url tells of objects in a bucket of S3; input.path is {self.path}")
        return self

    @model_validator(mode="after")
    def _durations_in_order(self) -> InputSettings:
        if self.max_duration_s is not None and self.max_duration_s < self.min_duration_s:
            raise ValueError(
                f"max_duration_s ({self.max_duration_s}) is below min_duration_s ({self.min_duration_s}); "
                "raise the one or lower the other"
            )
        return self
