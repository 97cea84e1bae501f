"""The application: which rooms it has, and what all of them share. Each room is a router."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI

from db.queries.chosen import CallFilter, RowScope
from db.queries.listing import Choice, choices_among
from pages.sound import Quiet
from pipeline.listening.room import ListeningRoom
from service import correcting, login, questions, reading
from service.access.audit import Audit
from service.access.gate import Gate
from service.access.needs import OpenGate
from service.access.routes import refuse_undeclared
from service.asking import AskingRoom
from service.calls.router import router as calls
from service.context import Erase, ServiceContext
from service.documented import document
from service.documented.parameters import only_known
from service.exports import Exports
from service.followers import Followers
from service.jobs.router import router as jobs
from service.kept import KeptBy
from service.live import routes as live_routes
from service.monitoring.room import watch
from service.problems.answering import answer_with_problems
from service.security import LOOPBACK_NAMES, Guard

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings
    from pipeline.live.room import LiveRoom


KEPT_S = 60.0
AT_MOST_S = 600.0
"""Age up to which a filter offers what it knows while a thread looks at every call again."""


API_ROOMS: Sequence[APIRouter] = (calls, jobs, questions.api, document.router)
"""Routers of `run.py serve`, each under /v1, beside the pages."""


def application(
    database: Database,
    settings: Settings,
    spool: Path,
    quiet: Quiet,
    *,
    rooms: Sequence[APIRouter] = (),
    live: LiveRoom | None = None,
    gate: Gate | None = None,
    erase: Erase | None = None,
) -> FastAPI:
    """The application: the reading room, and further rooms.

    Args:
        rooms: API_ROOMS for `run.py serve`; none for `run.py view`, which only reads and takes corrections.
        spool: folder for recordings decoded while it runs.
        quiet: where a call must not be heard.
        live: takes calls while they are held; it is closed with the application. None where none are taken.
        gate: who is let in; None for one person's reading room, where nobody logs in and nothing is audited.
        erase: erases a call; None where nothing can be erased.
    """
    context = _context(database, settings, spool, quiet, erase=erase, audited=gate is not None, hears=live is not None)

    @asynccontextmanager
    async def open_rooms(_: FastAPI) -> AsyncIterator[None]:
        yield
        context.listening.close()
        if live is not None:
            await asyncio.to_thread(live.close)
        context.asking.close()
        spans.close()

    app = FastAPI(
        title="Earshot",
        docs_url=None,  # FastAPI's own documentation loads its scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=document.operation_id,
        lifespan=open_rooms,
    )
    app.state.context = context
    app.state.gate, app.state.only_known = gate or OpenGate(), only_known
    app.state.live = live
    doors = () if gate is None else (login.router,)
    live_rooms = () if live is None else (live_routes.router,)
    for room in (reading.router, correcting.router, questions.pages, *doors, *rooms, *live_rooms):
        app.include_router(room)
    reading.explain_errors(app)
    app.add_middleware(
        Guard,
        changes_under=(*(("/v1/",) if rooms else ()), *(("/login", "/logout") if gate is not None else ())),
        names=LOOPBACK_NAMES if gate is None or gate.local else None,
    )
    answer_with_problems(app)  # late: what stands in front of the routes refuses with problems as well
    spans = watch(app, database, settings)  # last: it sees what all others answer
    refuse_undeclared(app)
    return app


def _context(
    database: Database,
    settings: Settings,
    spool: Path,
    quiet: Quiet,
    *,
    erase: Erase | None,
    audited: bool,
    hears: bool,
) -> ServiceContext:
    access = settings.service.access
    return ServiceContext(
        database=database,
        settings=settings,
        listening=ListeningRoom(settings.input, settings.audio, spool),
        quiet=quiet,
        asking=AskingRoom(database, settings),
        choices=KeptBy(partial(_choices, database, settings.input.timezone), KEPT_S, at_most_s=AT_MOST_S),
        audit=Audit(database, days=access.audit_days, on=audited and access.audit),
        hears=hears,
        exports=Exports(spool),
        followers=Followers(settings.service.followers, settings.service.followers_per_token),
        erase=erase,
    )


def _choices(database: Database, timezone: str, rows: RowScope) -> list[Choice]:
    return choices_among(database, CallFilter(within=rows), timezone)
