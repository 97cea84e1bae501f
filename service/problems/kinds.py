"""Kinds of problems: what a client can tell apart by `type` (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass

API = "/v1"
MEDIA_TYPE = "application/problem+json"
DOCUMENTED_AT = f"{API}/docs#problem-"
"""Where `type` leads to; with the name of the kind behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of problem that a client can tell from others."""

    name: str
    status: int
    title: str
    meaning: str
    """For the documentation: when it comes, and what to do."""


INVALID = Kind(
    name="invalid-request", status=422, title="The request is not valid",
    meaning="A parameter, a header or the body does not fit its description; `errors` says which and why.",
)  # fmt: skip
NOT_FOUND = Kind(
    name="not-found", status=404, title="There is no such thing",
    meaning="No such address, no call with this id, or none that this token may see.",
)  # fmt: skip
NO_TRANSCRIPT = Kind(
    name="no-transcript", status=404, title="The call has no transcript",
    meaning="It failed, was skipped, or is not finished; its `status` and `error` say which.",
)  # fmt: skip
NO_AUDIO = Kind(
    name="no-audio", status=404, title="The recording cannot be heard",
    meaning="It is no longer where it was, cannot be decoded, or is withheld because personal data in it cannot be "
    "silenced; `detail` says which.",
)  # fmt: skip
RUN_UNDER_WAY = Kind(
    name="run-under-way", status=409, title="A run is under way",
    meaning="A run that names this recording in its files when it ends is under way, or another erasure. Try again "
    "after `Retry-After` seconds. Calls that the service works on do not stand in the way.",
)  # fmt: skip
READ_ONLY = Kind(
    name="read-only", status=403, title="This server only reads",
    meaning="It was started by `run.py view`. Ask one that was started by `run.py serve`.",
)  # fmt: skip
BUSY = Kind(
    name="busy", status=503, title="The server is busy",
    meaning="As many answers of this kind as it makes at a time are being made. Try again after `Retry-After` seconds.",
)  # fmt: skip
DATABASE_AWAY = Kind(
    name="database-away", status=503, title="The database does not answer",
    meaning="Nothing that was accepted is lost. Try again after `Retry-After` seconds.",
)  # fmt: skip
OTHER_VERSION = Kind(
    name="database-of-another-version", status=503, title="The database is of another version",
    meaning="Whoever runs the server has to bring the tables up to date (`run.py db migrate`).",
)  # fmt: skip
UNAVAILABLE = Kind(
    name="unavailable", status=503, title="This is not available now",
    meaning="Something that the answer needs does not work at the moment. Try again after `Retry-After` seconds.",
)  # fmt: skip
INTERNAL = Kind(
    name="internal-error", status=500, title="The server failed",
    meaning="A fault of Earshot. Its log has the details; please report it.",
)  # fmt: skip
KINDS = (
    INVALID, NOT_FOUND, NO_TRANSCRIPT, NO_AUDIO, READ_ONLY, RUN_UNDER_WAY, BUSY, DATABASE_AWAY, OTHER_VERSION,
    UNAVAILABLE, INTERNAL,
)  # fmt: skip
"""In the order of the documentation. Other statuses come with `about:blank`, as RFC 9457 has it."""


def is_api(path: str) -> bool:
    return path == API or path.startswith(f"{API}/")
