"""Our own messages: JSON texts, and binary frames of sound. See docs/live.md."""

from __future__ import annotations

import json
import struct
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipeline.live.events import Event
from pipeline.live.refusals import CallRefused, Refusal
from pipeline.live.sound import Encoding, TrackSound
from pipeline.records import CallMetadata, CustomerSegment, Direction, Role

FRAME_HEADER = struct.Struct(">BI")
"""Track, and number of the frame's first sample in the track, both unsigned, big-endian."""
SLOWEST_HZ, FASTEST_HZ = 8_000, 48_000

ShortText = Annotated[str, Field(max_length=500)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class StartMetadata(_Message):
    """What the client knows of the call."""

    direction: Direction | None = None
    """`inbound`, `outbound` or `internal`."""
    agent_id: ShortText | None = None
    customer_segment: CustomerSegment | None = None
    """`b2b` or `b2c`."""
    queue: ShortText | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] | None = None
    """ISO 639-1."""
    extra: Annotated[dict[Annotated[str, Field(max_length=100)], ShortText], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """Anything else."""

    def of_call(self) -> CallMetadata:
        return CallMetadata(**self.model_dump())


class StartMessage(_Message):
    """The first message of a new call."""

    type: Literal["start"]
    version: Literal[1] = 1
    sample_rate_hz: Annotated[int, Field(ge=SLOWEST_HZ, le=FASTEST_HZ)]
    encoding: Encoding
    tracks: Annotated[tuple[Role, ...], Field(min_length=1, max_length=2)]
    """Who speaks on each track: `agent`, `client` or `unknown`."""
    metadata: StartMetadata = StartMetadata()
    token: str | None = None
    """For clients that cannot send a header."""


class ResumeMessage(_Message):
    """The first message of a connection that goes on with a call."""

    type: Literal["resume"]
    session: ShortText
    last_event: Annotated[int, Field(ge=0)]
    """Number of the last event the client has; 0 for none."""
    token: str | None = None


class StopMessage(_Message):
    """The call is over."""

    type: Literal["stop"]


_first: TypeAdapter[StartMessage | ResumeMessage] = TypeAdapter(
    Annotated[StartMessage | ResumeMessage, Field(discriminator="type")]
)
_stop = TypeAdapter(StopMessage)
_event: TypeAdapter[Event] = TypeAdapter(Event)


def first_message(text: str) -> StartMessage | ResumeMessage:
    """Raises CallRefused."""
    try:
        return _first.validate_json(text)
    except ValidationError as error:
        raise CallRefused(Refusal.BAD_START, f"the first message: {faults(error)}") from None


def later_text(text: str) -> StopMessage:
    """Raises CallRefused."""
    try:
        return _stop.validate_json(text)
    except ValidationError as error:
        raise CallRefused(Refusal.BAD_MESSAGE, f"a message of text: {faults(error)}") from None


def frame(content: bytes) -> TrackSound:
    """A binary message. Raises CallRefused where it is too short to be one."""
    if len(content) < FRAME_HEADER.size:
        raise CallRefused(Refusal.BAD_SOUND, f"a frame has a header of {FRAME_HEADER.size} bytes, not {len(content)}")
    track, first = FRAME_HEADER.unpack_from(content)
    return TrackSound(track, first, content[FRAME_HEADER.size :])


def faults(error: ValidationError) -> str:
    """Where and why; never what was sent, which may be anything."""
    said = [f"{'.'.join(str(part) for part in fault['loc']) or 'it'}: {fault['msg']}" for fault in error.errors()[:3]]
    return "; ".join(said)


def event_text(number: int, event: Event) -> str:
    """An event as it is sent: its type, its number as `event`, its fields."""
    content: dict[str, Any] = {"type": event.type, "event": number, **_event.dump_python(event, mode="json")}
    return json.dumps(content)
