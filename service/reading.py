"""The reading room's routes: pages, the sound of a call, and the files pages are made of."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import psycopg
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from db.faults import explained, other_version
from db.queries import listing, reading
from db.queries.chosen import CallFilter
from db.queries.dashboard import dashboard_of
from db.queries.references import reference_of
from db.queries.runs import unfinished_runs
from db.queries.watch import nights_of_all
from pages.call_page import CallContent, Sound, call_page
from pages.dashboard.agents import AGENT_ORDERS
from pages.dashboard.page import dashboard_page
from pages.filters import filter_of, sort_of
from pages.list_page import CALLS_PER_PAGE, list_page
from pages.rendering import ASSETS, page
from pages.site import Site
from pages.sound import recording_of, roles_of_channels, sound_of, why_withheld
from pages.svg.waveform import waveform
from pipeline.errors import EarshotError, TerminalError, TransientError
from pipeline.listening.recordings import StoredRecording
from pipeline.records import Role, SpeechSpan
from service.access import Scope, What, anyone
from service.context import Given, ServiceContext
from service.login import to_login
from service.readers import Reader, WordReader
from service.sound_answer import sound_answer

router = APIRouter(include_in_schema=False)
NO_SOUND = Sound(address=None, why_not="You may not hear the recording: it contains what was said.")
_MOST_PAGES = 1_000_000
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@router.get("/")
def dashboard(request: Request, given: Given, reader: Reader) -> Response:
    address = dict(request.query_params)
    if (shorter := _without_empty(address)) is not None:
        return RedirectResponse(given.site.dashboard() + shorter, 303)
    asked, faults = filter_of(address)
    wanted = reader.limited(asked)
    timezone = given.site.timezone
    found = dashboard_of(given.database, wanted, timezone)
    everything = wanted == CallFilter()
    html = dashboard_page(
        replace(found, failures=tuple(map(reader.shown, found.failures))),
        given.choices_for(reader),
        wanted,
        given.site_of(reader),
        today=datetime.now(ZoneInfo(timezone)).date(),
        agents_by=address.get("agents", "") if address.get("agents") in AGENT_ORDERS else "calls",
        faults=faults,
        nights=nights_of_all(given.database) if everything else (),
        alarm_wer=given.settings.watch.alarm_wer,
        unfinished=unfinished_runs(given.database) if everything else (),
        guess=None if found.totals.calls else given.guess(wanted.text, reader),
    )
    return HTMLResponse(html)


@router.get("/calls")
def calls(request: Request, given: Given, reader: Reader) -> Response:
    """The list; an address with empty values, as a form sends it, leads to the same without them."""
    address = dict(request.query_params)
    if (shorter := _without_empty(address)) is not None:
        return RedirectResponse(given.site.calls() + shorter, 303)
    asked, faults = filter_of(address)
    wanted = reader.limited(asked)
    sort, unknown = sort_of(address)
    faults += unknown
    number = _page_number(address.get("page", "1"))
    total = listing.total_shown(given.database, wanted, given.site.timezone, page=number, limit=CALLS_PER_PAGE)
    offset = (number - 1) * CALLS_PER_PAGE
    listed = listing.listed_calls(
        given.database,
        wanted,
        given.site.timezone,
        sort=sort,
        limit=CALLS_PER_PAGE,
        offset=offset,
    )
    given.audit.read(reader, What.SEARCH, [call.call_id for call in listed if call.said_quote is not None])
    offered = given.choices_for(reader)
    html = list_page(
        [reader.shown(call) for call in listed],
        total,
        offered,
        wanted,
        given.site_of(reader),
        sort=sort,
        number=number,
        faults=faults,
        guess=None if total.calls else given.guess(wanted.text, reader),
    )
    return HTMLResponse(html)


@router.get("/calls/{call_id}")
def call(call_id: str, given: Given, reader: Reader) -> Response:
    shown = given.call(call_id, reader)
    identity = uuid.UUID(shown.call_id)
    given.audit.read(reader, What.PAGE, [identity])
    content = CallContent(
        call=reader.shown(shown),
        chunks=[reader.shown(chunk) for chunk in reading.shown_chunks(given.database, identity)],
        steps=[reader.shown(step) for step in reading.shown_steps(given.database, identity)],
        rules=[reader.shown(rule) for rule in reading.shown_rules(given.database, identity)],
        answers=[reader.shown(answer) for answer in reading.shown_answers(given.database, identity)],
        not_judged=reading.rules_not_judged(given.database, identity),
        corrected=reference_of(given.database, identity) if reader.may(Scope.ADMIN) else None,
        words=reader.reads_words,
    )
    sound = sound_of(shown, content.chunks, given.quiet, f"/calls/{shown.call_id}") if reader.reads_words else NO_SOUND
    return HTMLResponse(call_page(content, sound, given.site_of(reader)))


@router.get("/calls/{call_id}/audio")
def audio(call_id: str, request: Request, given: Given, hearer: WordReader) -> Response:
    """The recording, whole or in the ranges asked for."""
    shown = given.call(call_id, hearer)
    path, media = given.listening.playable(*_heard(shown, given))
    given.audit.read(hearer, What.AUDIO, [shown.call_id])
    return sound_answer(request, path, media)


@router.get("/calls/{call_id}/waveform.svg")
def waveform_of(call_id: str, given: Given, reader: Reader) -> Response:
    shown = given.call(call_id, reader)
    peaks = given.listening.peaks(*_heard(shown, given))
    chunks = reading.shown_chunks(given.database, uuid.UUID(shown.call_id))
    roles = roles_of_channels(shown, chunks, len(peaks.channels))
    return Response(
        waveform(peaks.channels, roles or (Role.UNKNOWN,) * len(peaks.channels)), media_type="image/svg+xml"
    )


@router.get("/assets/{name}", dependencies=[Depends(anyone)])
def asset(name: str) -> Response:
    path = next((path for path in ASSETS.iterdir() if path.name == name and path.suffix in _TYPES), None)
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type=_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})


def explain_errors(app: FastAPI) -> None:
    """Every error is a page that says what it is and what to do."""

    @app.exception_handler(HTTPException)
    def of_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 401 and request.method in ("GET", "HEAD"):
            return to_login(request)
        title, text = _TOLD.get(error.status_code, ("That does not work", error.detail))
        return _notice(error.status_code, title, text or str(error.detail), error.headers)

    @app.exception_handler(psycopg.Error)
    def of_the_database(_: Request, error: psycopg.Error) -> Response:
        if other_version(error):
            return _notice(503, "This database is of another version", _MIGRATE)
        why = explained(error, app.state.context.database.url)
        return _notice(503, "The database does not answer as it should", str(why))

    @app.exception_handler(EarshotError)
    def of_ours(_: Request, error: EarshotError) -> Response:
        status = 404 if isinstance(error, TerminalError) else 503 if isinstance(error, TransientError) else 500
        return _notice(status, "This is not available now", str(error))


_MIGRATE = (
    "Its tables were made by another version of Earshot than the one that shows these pages. End this server, bring "
    "them up to date with `python run.py db migrate`, and start `python run.py view` again. No call is lost by it."
)
_WHY_NOT = "There is no such page, or no call with this id. A link may be from another database."


_TOLD = {404: ("Not found", _WHY_NOT), 403: ("You may not see this", ""), 429: ("Too often", "")}
"""Title by status, and the text where the error's own says less."""


def _notice(status: int, title: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return HTMLResponse(page("notice", title=title, text=text, site=Site()), status, headers=dict(headers or {}))


def _heard(shown: reading.ShownCall, given: ServiceContext) -> tuple[StoredRecording, tuple[SpeechSpan, ...]]:
    """The recording, and where it must be silent.

    Raises HTTPException where it may not be heard, or is not there.
    """
    quiet = given.quiet(shown)
    if quiet is None or why_withheld(shown, quiet) is not None:
        raise HTTPException(404)
    return recording_of(shown), quiet


def _without_empty(address: dict[str, str]) -> str | None:
    """The query without its empty values, as a form sends them; None where it has none."""
    full = {name: value for name, value in address.items() if value.strip()}
    return None if full == address else f"?{urlencode(full)}" if full else ""


def _page_number(text: str) -> int:
    return min(_MOST_PAGES, max(1, int(text))) if text.isascii() and text.isdigit() else 1
