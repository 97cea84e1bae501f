"""New and changed calls made ready for questions, at the end of a run. It never changes the exit code."""

from __future__ import annotations

import logging

import psycopg

from db.connection import Database
from pipeline.config.root import Settings
from pipeline.errors import EarshotError
from pipeline.plurals import counted

log = logging.getLogger("earshot.run")


def index_for_questions(database: Database, settings: Settings) -> None:
    """Only told where it does not work: the next run goes on from there."""
    if not settings.ask.index:
        return
    from commands.ask.index import index_calls  # not while the run goes on

    try:
        done = index_calls(database, settings, max_s=settings.ask.index_max_s)
    except (EarshotError, psycopg.Error) as error:
        log.warning("calls are not ready for `run.py ask` yet: %s; `run.py ask --index` tries again", error)
        return
    if done.without_vectors is not None and done.transcripts:
        log.warning("`run.py ask` finds these calls by words alone: %s", done.without_vectors)
    if done.left:
        log.warning("%s not ready for `run.py ask` yet; the next run goes on", counted(done.left, "transcript"))
