"""Messages of Twilio Media Streams, as they are
(https://www.twilio.com/docs/voice/media-streams/websocket-messages): JSON texts, µ-law at 8 kHz in base64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipeline.live.ports import CallStart
from pipeline.live.refusals import CallRefused, Refusal
from pipeline.live.sound import Encoding, TrackSound
from pipeline.records import CallMetadata, Role
from service.live.messages import StartMetadata, faults

SAMPLE_RATE_HZ = 8_000
_JITTER_SAMPLES = SAMPLE_RATE_HZ // 10
"""Media that comes at most so much later than the track is long follows it without a gap."""
_ROLES = {"inbound": Role.CLIENT, "outbound": Role.AGENT}
"""Inbound is what the other party says, whoever called."""
_TOKEN = "token"  # noqa: S105 - the name of a parameter
_KNOWN = ("direction", "agent_id", "customer_segment", "queue", "language")


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class MediaFormat(_Message):
    encoding: Literal["audio/x-mulaw"]
    sampleRate: Literal[8000]  # noqa: N815 - Twilio's names
    channels: Literal[1]


class StartContent(_Message):
    streamSid: str = Field(max_length=100)  # noqa: N815
    callSid: str = Field(default="", max_length=100)  # noqa: N815
    tracks: tuple[Literal["inbound", "outbound"], ...] = Field(min_length=1, max_length=2)
    mediaFormat: MediaFormat  # noqa: N815
    customParameters: dict[str, str] = Field(default_factory=dict, max_length=32)  # noqa: N815


class Connected(_Message):
    event: Literal["connected"]


class Start(_Message):
    event: Literal["start"]
    start: StartContent


class MediaContent(_Message):
    track: Literal["inbound", "outbound"]
    timestamp: int = Field(ge=0)
    """Milliseconds from the start of the stream; sent as text."""
    payload: str


class Media(_Message):
    event: Literal["media"]
    media: MediaContent


class Other(_Message):
    """Nothing to do: keys that were pressed, marks that were reached."""

    event: Literal["dtmf", "mark"]


class Stop(_Message):
    event: Literal["stop"]


TwilioMessage = Connected | Start | Media | Other | Stop
_message: TypeAdapter[TwilioMessage] = TypeAdapter(Annotated[TwilioMessage, Field(discriminator="event")])


def twilio_message(text: str) -> TwilioMessage:
    """Raises CallRefused."""
    try:
        return _message.validate_json(text)
    except ValidationError as error:
        raise CallRefused(Refusal.BAD_MESSAGE, f"a message of Twilio Media Streams: {faults(error)}") from None


def token_of(start: Start) -> str | None:
    """Twilio sends no header of ours: the token is a parameter of the stream."""
    return start.start.customParameters.get(_TOKEN)


def call_start(start: Start, owner: str) -> CallStart:
    """A stream as a call; its parameters are metadata."""
    content = start.start
    return CallStart(
        sample_rate_hz=SAMPLE_RATE_HZ,
        encoding=Encoding.MULAW,
        roles=tuple(_ROLES[track] for track in content.tracks),
        metadata=_metadata(content),
        owner=owner,
    )


def _metadata(content: StartContent) -> CallMetadata:
    given = {name: value for name, value in content.customParameters.items() if name != _TOKEN}
    sids = {"twilio_stream": content.streamSid, "twilio_call": content.callSid}
    known = {name: value for name, value in given.items() if name in _KNOWN}
    extra = {name[:100]: value[:500] for name, value in given.items() if name not in _KNOWN} | sids
    try:
        return StartMetadata(**{name: value for name, value in known.items() if value}, extra=extra).of_call()
    except ValidationError:  # a call is not lost for a parameter
        return StartMetadata(
            extra=extra | {f"{name}_unreadable": value[:500] for name, value in known.items()}
        ).of_call()


class MediaClock:
    """Where media belongs in its track: Twilio says when it was heard, in milliseconds."""

    def __init__(self, tracks: tuple[str, ...], offered: Callable[[], tuple[int, ...]]) -> None:
        self._tracks = tracks
        self._offered = offered

    def sound(self, media: MediaContent) -> TrackSound:
        """Raises CallRefused."""
        if media.track not in self._tracks:
            raise CallRefused(Refusal.BAD_SOUND, f"the stream has no {media.track} track")
        try:
            content = base64.b64decode(media.payload, validate=True)
        except (binascii.Error, ValueError):
            raise CallRefused(Refusal.BAD_SOUND, "the payload of media is not base64") from None
        track = self._tracks.index(media.track)
        expected, said = self._offered()[track], media.timestamp * SAMPLE_RATE_HZ // 1000
        return TrackSound(track, said if said > expected + _JITTER_SAMPLES else expected, content)
