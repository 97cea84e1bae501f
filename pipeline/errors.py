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
    ├── RunInterrupted             exit 130: SIGINT, SIGTERM or the stop time
    ├── TransientError             worth another try, now or in the next run
    │   ├── SourceUnreadable           the recording vanished or cannot be read now
    │   ├── StageTimeout               a stage ran over its time limit
    │   ├── WorkerCrashed              a worker process died under this call
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


class EarshotError(Exception):
    """Root of everything Earshot raises on purpose."""


class ConfigurationError(EarshotError):
    """The command line or the configuration is wrong (exit 2)."""


class StartupError(EarshotError):
    """The run could not start (exit 3)."""


class ModelUnavailable(StartupError):
    """A model's weights are missing, corrupt or unreachable."""


class ModelTooSlow(ModelUnavailable):
    """It could serve, but far slower than it need be: used where nothing better than a demonstration is at hand."""


class InputUnavailable(StartupError):
    """The input folder, archive or bucket cannot be reached."""


class OutputUnavailable(StartupError):
    """The output folder cannot be written to."""


class RunLocked(EarshotError):
    """Another run holds the lock of this database (exit 4)."""


class RunInterrupted(EarshotError):
    """The run was asked to stop (exit 130)."""


class TransientError(EarshotError):
    """May succeed when tried again."""


class DatabaseUnavailable(StartupError, TransientError):
    """The database cannot be reached; exit 3 at start, waited out in mid-run."""


class DiskFull(OutputUnavailable, TransientError):
    """No space is left where the run writes; exit 3 at start and when waiting did not help, waited out in mid-run."""


class SourceUnreadable(TransientError):
    """The recording vanished or cannot be read at the moment."""


class StageTimeout(TransientError):
    """A stage ran over its time limit."""


class WorkerCrashed(TransientError):
    """A worker process died while it held this call."""


class ServiceUnavailable(TransientError):
    """An outside service timed out, refused or throttled the request."""


class UnforeseenError(EarshotError):
    """An error nobody foresaw. `traceback` is its text, also when it was raised in another process."""

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message, traceback)
        self.message = message
        self.traceback = traceback

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
