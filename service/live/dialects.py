"""How clients speak once a call is begun: our own messages, and those of Twilio Media Streams."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

from pipeline.live.refusals import CallRefused, Refusal
from pipeline.live.sound import TrackSound
from service.live import twilio
from service.live.messages import frame, later_text


@dataclass(frozen=True, slots=True)
class Stop:
    """The client says that the call is over."""


class Dialect(Protocol):
    """How a client speaks."""

    answers: bool
    """Whether it is told events."""
    resumes: bool
    """Whether it can come back to a call."""

    def read(self, text: str | None, content: bytes | None) -> TrackSound | Stop | None:
        """A message after the first. Raises CallRefused."""
        ...


class OwnDialect:
    """docs/live.md."""

    answers = True
    resumes = True

    def read(self, text: str | None, content: bytes | None) -> TrackSound | Stop | None:
        if content is not None:
            return frame(content)
        later_text(text or "")
        return Stop()


class TwilioDialect:
    """Twilio takes no messages of ours, and does not come back."""

    answers = False
    resumes = False

    def __init__(self, clock: twilio.MediaClock) -> None:
        self._clock = clock

    def read(self, text: str | None, content: bytes | None) -> TrackSound | Stop | None:  # noqa: ARG002
        if text is None:
            raise CallRefused(Refusal.BAD_MESSAGE, "Twilio Media Streams sends only text messages")
        message = twilio.twilio_message(text)
        if isinstance(message, twilio.Media):
            return self._clock.sound(message.media)
        return Stop() if isinstance(message, twilio.Stop) else None


def is_twilio(text: str) -> bool:
    """Its messages have `event` where ours have `type`."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(message, dict) and "event" in message and "type" not in message
