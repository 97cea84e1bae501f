"""Where calls come from, and where rows go."""

from __future__ import annotations

from contextlib import suppress

from commands.doctor.finding import Finding, State
from db.admin import look
from db.embedded.files import existing_home
from db.embedded.programs import find_programs
from pipeline.config.areas.database import EMBEDDED, DatabaseSettings
from pipeline.config.areas.output import OutputSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.errors import EarshotError
from pipeline.objects.port import ObjectGone
from pipeline.objects.upload import Destination
from pipeline.records import FoundCall
from pipeline.sources.source import build_source
from pipeline.weights.hub import within

_START_S = 20.0
"""An embedded server that needs longer is recovering from a crash."""


def database(settings: DatabaseSettings) -> Finding:
    """Whether the database can be reached or, for the embedded one, created: the first run creates it, not the
    doctor."""
    state = State.OK
    try:
        if settings.url == EMBEDDED and existing_home(settings.data_dir) is None:
            detail = f"embedded PostgreSQL {find_programs(None).major}; the first run makes it in {settings.data_dir}"
        else:
            found, warnings = within(lambda: look(settings), _START_S)
            state, detail = State.WARNING if warnings else State.OK, "; ".join([found, *warnings])
    except TimeoutError as error:
        state = State.BROKEN
        detail = f"{error}; it may be recovering from a crash: check it with `run.py db status`"
    except EarshotError as error:
        state, detail = State.BROKEN, " ".join(str(error).split())
    return Finding(area="database", name="database", state=state, detail=detail)


def source(settings: InputSettings, timeout_s: float) -> Finding:
    """Whether recordings can be listed, and whether there is one."""

    def first() -> FoundCall | None:
        # A run checks young files twice, seconds apart; the doctor only needs to know what is there.
        # And calls in two files are told last.
        pairs = settings.pairs.model_copy(update={"kinds": ()})
        one_look = settings.model_copy(update={"min_age_s": 0.0, "pairs": pairs})
        return next((item for item in build_source(one_look).discover() if isinstance(item, FoundCall)), None)

    state, detail = State.OK, f"{settings.path}: readable"
    try:
        if within(first, 2 * timeout_s) is None:
            state, detail = State.WARNING, f"{settings.path}: no recordings"
    except TimeoutError as error:
        state, detail = State.WARNING, f"{settings.path}: {error}; it may be slow or empty"
    except EarshotError as error:
        state, detail = State.BROKEN, " ".join(str(error).split())
    return Finding(area="input", name="input.path", state=state, detail=detail)


def destination(settings: OutputSettings, timeout_s: float) -> list[Finding]:
    """Whether the bucket of the results answers. Writes nothing there: an object that nobody has is asked for.

    A run starts without it, and keeps what it could not upload for the next one: never broken.
    """
    address = settings.upload_to
    if address is None:
        return []

    def ask() -> None:
        to = Destination(address, settings.s3)
        with suppress(ObjectGone):
            to.store.look(to.key(".earshot"))

    state, detail = State.OK, f"{address}: answers; that files may be written there shows in a run"
    try:
        within(ask, 2 * timeout_s)
    except TimeoutError as error:
        state, detail = State.WARNING, f"{address}: {error}; see output.s3"
    except EarshotError as error:
        state, told = State.WARNING, " ".join(str(error).split())
        detail = f"{address}: {told}; check output.s3 and the credentials (without the right to list, S3 refuses this)"
    return [Finding(area="output", name="output.upload_to", state=state, detail=detail)]
