"""The application: which rooms it has, and what all of them share. Each room is a router."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI

from pipeline.listening.room import ListeningRoom
from service import reading
from service.security import loopback_only
from service.shared import Shared

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings


def application(database: Database, settings: Settings, spool: Path) -> FastAPI:
    """The application. It reads, and answers this machine alone.

    Args:
        spool: folder for recordings decoded while it runs.
    """
    listening = ListeningRoom(settings.input, settings.audio, spool)

    @asynccontextmanager
    async def open_rooms(_: FastAPI) -> AsyncIterator[None]:
        yield
        listening.close()

    # The generated documentation loads its scripts from elsewhere: not here.
    app = FastAPI(title="Earshot", docs_url=None, redoc_url=None, openapi_url=None, lifespan=open_rooms)
    app.state.shared = Shared(database=database, settings=settings, listening=listening)
    app.include_router(reading.router)
    reading.explain_errors(app)
    loopback_only(app)
    return app
