"""Why a WebSocket is closed, as a number (RFC 6455; from 4000 on ours) and in words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from pipeline.live.refusals import EndReason, Refusal

MOST_REASON_BYTES = 123
"""A close frame holds no more."""


class CloseCode(IntEnum):
    """See docs/live.md."""

    DONE = 1000
    FAILED = 1011
    RESTART = 1012
    FULL = 1013
    BAD_START = 4400
    NOT_ALLOWED = 4401
    UNKNOWN_SESSION = 4404
    IDLE = 4408
    TAKEN_OVER = 4409
    SILENCE = 4410
    TOO_LONG = 4413
    BAD_MESSAGE = 4422
    UNAVAILABLE = 4503


OF_REFUSAL: Mapping[Refusal, CloseCode] = {
    Refusal.FULL: CloseCode.FULL,
    Refusal.UNAVAILABLE: CloseCode.UNAVAILABLE,
    Refusal.BAD_START: CloseCode.BAD_START,
    Refusal.BAD_MESSAGE: CloseCode.BAD_MESSAGE,
    Refusal.BAD_SOUND: CloseCode.BAD_MESSAGE,
    Refusal.UNKNOWN_SESSION: CloseCode.UNKNOWN_SESSION,
}
OF_END: Mapping[EndReason, CloseCode] = {
    EndReason.STOPPED: CloseCode.DONE,
    EndReason.LOST: CloseCode.DONE,
    EndReason.IDLE: CloseCode.IDLE,
    EndReason.SILENCE: CloseCode.SILENCE,
    EndReason.TOO_LONG: CloseCode.TOO_LONG,
    EndReason.DISK: CloseCode.FAILED,
    EndReason.SHUTDOWN: CloseCode.RESTART,
    EndReason.KILLED: CloseCode.RESTART,
}


def short(reason: str) -> str:
    """As much of the reason as a close frame holds."""
    return reason.encode()[:MOST_REASON_BYTES].decode(errors="ignore")
