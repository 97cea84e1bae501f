"""The one error tree. Whether an error may be retried is a type, never a string match.

    EarshotError
    ├── ConfigurationError         exit 2: the command line or the configuration is wrong
    ├── StartupError               exit 3: the run could not start
    │   ├── DatabaseUnavailable        (also Transient while a run is under way)
    │   ├── ModelUnavailable
    │   │   └── ModelTooSlow           it could serve, but far slower than this machine could
    │   ├── InputUnavailable
    │   └── OutputUnavailable
    │       └── DiskFull               (also Transient while a run is under way)
    ├── RunLocked                  exit 4: another run holds the lock
    ├── ClaimLost                  another worker has the call: what was made of it here is not stored
    │   └── CallWithdrawn          it was called off or erased meanwhile
    ├── RunInterrupted             exit 130: SIGINT, SIGTERM or the stop time
    ├── TransientError             worth another try, now or in the next run
    │   ├── SourceUnreadable           the recording vanished or cannot be read now
    │   ├── StageTimeout               a stage ran over its time limit
    │   ├── WorkerCrashed              a worker process died under this call
    │   ├── MemoryExhausted            a process had no memory left for this call
    │   ├── RecognitionFailed          the recogniser ran, and answered with errors
    │   ├── TranscriptMissing          the stored transcript to be analysed is gone
    │   └── ServiceUnavailable         an outside service refused, timed out or is throttled
    ├── UnforeseenError            nobody foresaw it: recorded with its traceback, tried again in the next run
    └── TerminalError              the same input will fail the same way again
        ├── AudioUndecodable           no decoder makes sense of the bytes
        ├── UnsafePath                 an outside path tried to leave its folder
        ├── UntrustedModel             a model file that could run code and was not named as trusted (also Startup)
        └── InvalidReply               a service answered, but not with what was asked for

A message says where, what, and what to do about it.
"""

from __future__ import annotations

import json
import traceback

from pipeline.masking import excerpt, masked

_QUOTES_NOBODY = (
    ArithmeticError, AttributeError, BufferError, EOFError, ImportError, IndexError, MemoryError, NameError,
    NotImplementedError, OSError, RuntimeError, TypeError,
)  # fmt: skip
"""Built-in errors whose text names code, numbers or files, not the data that was being processed."""
_ABOUT_CONNECTIONS = frozenset({"httpx2", "httpcore2", "urllib3", "huggingface_hub"})
"""Packages whose errors speak of addresses and connections."""


class EarshotError(Exception):
    """Root of everything Earshot raises on purpose. Secrets in its message are masked."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(masked(item) if isinstance(item, str) else item for item in arguments))


class ConfigurationError(EarshotError):
    """The command line or the configuration is wrong (exit 2)."""


class StartupError(EarshotError):
    """The run could not start (exit 3)."""


class ModelUnavailable(StartupError):
    """A model's weights are missing, corrupt or unreachable."""


class ModelTooSlow(ModelUnavailable):
    """It could serve, but far slower than this machine allows: used only where nothing but a demonstration is left."""


class InputUnavailable(StartupError):
    """The input folder, archive or bucket cannot be reached."""


class OutputUnavailable(StartupError):
    """The output folder cannot be written to."""


class RunLocked(EarshotError):
    """Another run holds the lock of this database (exit 4)."""


class ClaimLost(EarshotError):
    """Another worker has claimed the call meanwhile, or the run that planned it has ended."""


class CallWithdrawn(ClaimLost):
    """The call was called off or erased meanwhile: nobody may name it any more."""


class RunInterrupted(EarshotError):
    """The run was asked to stop (exit 130)."""


class TransientError(EarshotError):
    """May succeed when tried again."""


class DatabaseUnavailable(StartupError, TransientError):
    """The database cannot be reached. Exit 3 at start; a run under way waits."""


class DiskFull(OutputUnavailable, TransientError):
    """No space is left where the run writes. A run under way waits; exit 3 at start and when waiting did not help."""


class SourceUnreadable(TransientError):
    """The recording vanished or cannot be read at the moment."""


class StageTimeout(TransientError):
    """A stage ran over its time limit."""


class WorkerCrashed(TransientError):
    """A worker process died while it held this call."""


class MemoryExhausted(TransientError):
    """A process had no memory left for this call."""


class RecognitionFailed(TransientError):
    """The recogniser ran, but answered with errors: no transcript can be made."""


class TranscriptMissing(TransientError):
    """The database no longer has the transcript that was to be analysed."""


class ServiceUnavailable(TransientError):
    """An outside service timed out, refused or throttled the request."""


class UnforeseenError(EarshotError):
    """An error nobody foresaw. `traceback` is its text, also when it was raised in another process."""

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message, traceback)

    @property
    def message(self) -> str:
        return str(self.args[0])

    @property
    def traceback(self) -> str:
        return str(self.args[1])

    def __str__(self) -> str:
        return self.message


class TerminalError(EarshotError):
    """The same input will fail the same way again."""


class AudioUndecodable(TerminalError):
    """No decoder makes sense of the bytes."""


class UnsafePath(TerminalError):
    """A path from outside tried to leave the folder it belongs to."""


class UntrustedModel(StartupError, TerminalError):
    """A model file that can run code and was not named as trusted; exit 3 at start."""


class InvalidReply(TerminalError):
    """A service answered, but not with what was asked for."""


def described(error: BaseException) -> str:
    """One line about any error, fit for a row or a log: secrets masked, nobody's words.

    Many errors quote what they were given (`ValueError`, `KeyError`, whatever a library raises): words of a call, or of
    a model's reply. For those, only the class, the length and the place are given.
    """
    if isinstance(error, EarshotError):
        return excerpt(str(error), 2000)
    kind = type(error).__name__
    if isinstance(error, UnicodeError):
        return f"{kind}: {getattr(error, 'reason', 'unknown')}"
    text = str(error)
    if not text:
        return kind
    if isinstance(error, (*_QUOTES_NOBODY, json.JSONDecodeError)) or _package(error) in _ABOUT_CONNECTIONS:
        return f"{kind}: {excerpt(text)}"
    said_by_database = _of_database(error)
    if said_by_database:
        return f"{kind}: {excerpt(said_by_database)}"
    frames = traceback.extract_tb(error.__traceback__)
    raised = f"raised in {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}, " if frames else ""
    return f"{kind}: {raised}its text of {len(text)} characters may quote the call and is not shown"


def told(error: BaseException) -> str:
    """The whole message of one of our own errors; for any other error what `described` says."""
    return str(error) if isinstance(error, EarshotError) else described(error)


def _of_database(error: BaseException) -> str | None:
    """What PostgreSQL says, without rows: it quotes them in details, and in the message where the data is at fault."""
    diagnosis, state = getattr(error, "diag", None), getattr(error, "sqlstate", None)
    said: str | None = getattr(diagnosis, "message_primary", None)
    if _package(error) == "psycopg" and state is None:
        return str(error)  # the connection is at fault, no statement
    return said if state and not state.startswith("22") else None


def _package(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]


def traceback_text(error: BaseException) -> str:
    """The traceback of an error and of its causes, each error worded by `described`."""
    told: list[str] = []
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        frames = masked("".join(traceback.format_tb(now.__traceback__)))
        told.insert(0, f"Traceback (most recent call last):\n{frames}{described(now)}")
        now = now.__cause__ or (None if now.__suppress_context__ else now.__context__)
    return "\nThis led to:\n".join(told)


def portable(error: BaseException) -> EarshotError:
    """The error as one of our tree, ready to cross a process boundary."""
    if isinstance(error, EarshotError):
        return error
    if isinstance(error, MemoryError):
        return MemoryExhausted("out of memory; lower run.decode_workers, run.calls_ahead or a batch_size")
    return UnforeseenError(described(error), traceback_text(error))
