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
    try:
        if settings.url == EMBEDDED and existing_home(settings.data_dir) is None:
            programs = find_programs(None)
            detail = f"embedded PostgreSQL {programs.major}; the first run makes it in {settings.data_dir}"
            return Finding(area="database", name="database", state=State.OK, detail=detail)
        detail, warnings = within(lambda: look(settings), _START_S)
    except TimeoutError:
        detail = f"not up after {_START_S:.0f} s; it may be recovering from a crash: check it with `run.py db status`"
        return Finding(area="database", name="database", state=State.BROKEN, detail=detail)
    except EarshotError as error:
        return Finding(area="database", name="database", state=State.BROKEN, detail=" ".join(str(error).split()))
    if warnings:
        told = "; ".join([detail, *warnings])
        return Finding(area="database", name="database", state=State.WARNING, detail=told)
    return Finding(area="database", name="database", state=State.OK, detail=detail)


def source(settings: InputSettings, timeout_s: float) -> Finding:
    """Whether recordings can be listed, and whether there is one."""

    def first() -> FoundCall | None:
        # A run checks young files twice, seconds apart; the doctor only needs to know what is there.
        # And calls in two files are told last.
        pairs = settings.pairs.model_copy(update={"kinds": ()})
        one_look = settings.model_copy(update={"min_age_s": 0.0, "pairs": pairs})
        return next((item for item in build_source(one_look).discover() if isinstance(item, FoundCall)), None)

    try:
        found = within(first, 2 * timeout_s)
    except TimeoutError:
        found, detail = None, f"{settings.path}: no first recording within {2 * timeout_s:g} s; it may be slow or empty"
        return Finding(area="input", name="input.path", state=State.WARNING, detail=detail)
    except EarshotError as error:
        return Finding(area="input", name="input.path", state=State.BROKEN, detail=" ".join(str(error).split()))
    if found is None:
        return Finding(area="input", name="input.path", state=State.WARNING, detail=f"{settings.path}: no recordings")
    return Finding(area="input", name="input.path", state=State.OK, detail=f"{settings.path}: readable")


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
    except TimeoutError:
        state, detail = State.WARNING, f"{address}: no answer within {2 * timeout_s:g} s; see output.s3"
    except EarshotError as error:
        told = " ".join(str(error).split())
        state = State.WARNING
        detail = f"{address}: {told}; check output.s3 and the credentials (without the right to list, S3 refuses this)"
    return [Finding(area="output", name="output.upload_to", state=state, detail=detail)]
