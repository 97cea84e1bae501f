"""What a command's exit code means. DESIGN's table, in one place."""

from __future__ import annotations

from enum import IntEnum

from pipeline.errors import ConfigurationError, RunInterrupted, RunLocked, StartupError


class ExitCode(IntEnum):
    """`meaning` is the sentence for a person."""

    meaning: str

    def __new__(cls, value: int, meaning: str = "") -> ExitCode:
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    DONE = 0, "all planned calls done"
    CALLS_FAILED = 1, "finished, some calls failed"
    CONFIGURATION = 2, "wrong command line or configuration"
    NOT_STARTED = 3, "could not start"
    LOCKED = 4, "another run holds the lock"
    LOOK = 5, "finished, but something needs attention"
    INTERRUPTED = 130, "interrupted"


_OF_ERRORS = (
    (ConfigurationError, ExitCode.CONFIGURATION),
    (StartupError, ExitCode.NOT_STARTED),
    (RunLocked, ExitCode.LOCKED),
    (RunInterrupted, ExitCode.INTERRUPTED),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
)


def exit_code_of(error: BaseException) -> ExitCode:
    """CALLS_FAILED for an unexpected error."""
    return next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), ExitCode.CALLS_FAILED)
