"""Why a live call, or what a client sends of it, is not taken."""

from __future__ import annotations

from enum import StrEnum

from pipeline.errors import TerminalError


class Refusal(StrEnum):
    """For machines; the message says it in words."""

    FULL = "full"
    """No further call now; another try later may succeed."""
    UNAVAILABLE = "unavailable"
    """Live calls cannot be heard on this server."""
    BAD_START = "bad_start"
    BAD_MESSAGE = "bad_message"
    BAD_SOUND = "bad_sound"
    UNKNOWN_SESSION = "unknown_session"


class CallRefused(TerminalError):
    """A live call is not taken, or what was sent of it."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class EndReason(StrEnum):
    """Why a live call has ended."""

    STOPPED = "stopped"
    """Its client said so."""
    LOST = "lost"
    """The connection broke and did not come back in time."""
    IDLE = "idle"
    """The client sent nothing."""
    SILENCE = "silence"
    """Nobody spoke for too long."""
    TOO_LONG = "too_long"
    DISK = "disk"
    """The recording could not be written."""
    SHUTDOWN = "shutdown"
    """The server was stopped."""
    KILLED = "killed"
    """The server was killed in mid-call; the next one found the recording."""
