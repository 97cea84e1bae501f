"""The quality watch's routes: what is measured, and pages on which people correct calls, the only ones that write."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from analysis.redaction.stored import without_personal_data
from db.queries import reading
from db.queries.chosen import EVERYTHING
from db.queries.references import Reference, heard_turns, reference_of, save_reference
from db.queries.watch import calls_to_correct, is_drawn, nights_of_all, standing, watch_counts
from pages.correct_page import LONGEST_NAME, Correcting, Place, correct_page, field_of
from pages.quality_page import GroupRate, Quality, quality_page
from pages.sound import sound_of
from pipeline.judging.watching import KINDS, groups_of, word_error_rate
from service.access import Principal, What
from service.context import Given, ServiceContext
from service.readers import Administrator

router = APIRouter(include_in_schema=False)
MOST_BYTES = 8_000_000
"""Of a correction that is sent: a call of ten hours has less."""
WAITING_SHOWN = 50
LOCAL_NAME = "local"
"""Of whoever sits at this machine: the page asks for a name."""


@dataclass(frozen=True, slots=True)
class FormTokens:
    """Marks in forms that another site's page cannot know (CSRF): HMAC under a secret of this server's life."""

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def of(self, reader: Principal, call_id: str) -> str:
        return hmac.new(self.secret, f"{reader.name}\0{call_id}".encode(), hashlib.sha256).hexdigest()

    def fits(self, token: str, reader: Principal, call_id: str) -> bool:
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.of(reader, call_id).encode())


TOKENS = FormTokens()


@router.get("/quality")
def quality(given: Given, reader: Administrator) -> Response:
    """What the watch has measured, and which calls wait."""
    if reader.rows != EVERYTHING:
        raise HTTPException(403)  # its figures are of all calls
    watch = given.settings.watch
    watched = standing(given.database, given.settings)
    groups = [
        GroupRate(
            kind=kind,
            name=name,
            calls=len(group),
            words=sum(call.words for call in group),
            rate=word_error_rate(group),
        )
        for kind in KINDS
        for name, group in groups_of(watched.judged, kind).items()
    ]
    found = Quality(
        nights=nights_of_all(given.database),
        groups=groups,
        since=watched.since,
        waiting=calls_to_correct(given.database, limit=WAITING_SHOWN),
        counts=watch_counts(given.database),
        calls_per_night=watch.calls_per_night,
        alarm_wer=watch.alarm_wer,
        alarm=watched.alarm,
    )
    return HTMLResponse(quality_page(found, given.site_of(reader)))


@router.get("/calls/{call_id}/correct")
def correct(call_id: str, given: Given, reader: Administrator) -> Response:
    shown = given.call(call_id, reader)
    given.audit.read(reader, What.PAGE, [shown.call_id])
    return _page(shown, given, reader, reference=reference_of(given.database, uuid.UUID(shown.call_id)))


@router.post("/calls/{call_id}/correct")
async def keep(call_id: str, request: Request, given: Given, reader: Administrator) -> Response:
    """Keep what was typed; where that cannot be done, show it again with the reason."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MOST_BYTES:
        raise HTTPException(413)
    form = await request.form()
    values = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    return await run_in_threadpool(_keep, call_id, values, given, reader)


def _keep(call_id: str, values: Mapping[str, str], given: ServiceContext, reader: Principal) -> Response:
    shown = given.call(call_id, reader)
    turns = heard_turns(shown, reading.shown_chunks(given.database, uuid.UUID(shown.call_id)))
    places = [(turn.channel, turn.ordinal) for turn in turns]
    typed = {place: " ".join(values.get(field_of(place), "").split()) for place in places}
    by = " ".join((_name_of(reader) or values.get("by", "")).split())[:LONGEST_NAME]
    why = _why_not(values, shown, reader, places, by)
    if why is None:
        texts = without_personal_data([typed[place] for place in places], [turn.role for turn in turns], given.settings)
        saved = save_reference(
            given.database,
            uuid.UUID(shown.call_id),
            values["transcript"],
            [replace(turn, text=text) for turn, text in zip(turns, texts, strict=True)],
            by=by,
            source="page",
        )
        if saved is not None:
            after = given.site.quality() if is_drawn(given.database, uuid.UUID(shown.call_id)) else None
            return RedirectResponse(after or given.site.call(shown.call_id) or "/", 303)
        why = _OTHER_TRANSCRIPT
    return _page(shown, given, reader, typed=typed, by=by, notice=why)


def _why_not(
    values: Mapping[str, str], shown: reading.ShownCall, reader: Principal, places: Sequence[Place], by: str
) -> str | None:
    if not TOKENS.fits(values.get("token", ""), reader, shown.call_id):
        return "Not saved yet: this page was opened before the server was restarted. Please save again."
    if not by:
        return "Not saved yet: please enter your name, so that others know who corrected this call."
    if values.get("transcript") != shown.transcript_fingerprint:
        return _OTHER_TRANSCRIPT
    if any(field_of(place) not in values for place in places):
        return "Not saved: the page was sent without some of its fields. Please save again."
    return None


_OTHER_TRANSCRIPT = (
    "Not saved: the call was transcribed again while you were writing. Your text is in the fields of the new "
    "transcript where its stretches of speech are the same; please check it and save again."
)


def _page(
    shown: reading.ShownCall,
    given: ServiceContext,
    reader: Principal,
    *,
    reference: Reference | None = None,
    typed: Mapping[Place, str] | None = None,
    by: str = "",
    notice: str | None = None,
) -> Response:
    identity = uuid.UUID(shown.call_id)
    chunks = reading.shown_chunks(given.database, identity) if shown.transcript_fingerprint else []
    turns = heard_turns(shown, chunks) if shown.transcript_fingerprint else []
    heard = without_personal_data([turn.text for turn in turns], [turn.role for turn in turns], given.settings)
    content = Correcting(
        call=shown,
        chunks=chunks,
        heard=heard,
        reference=reference,
        typed=typed,
        by=by,
        by_name=_name_of(reader),
        token=TOKENS.of(reader, shown.call_id),
        address=given.site.correct(shown.call_id),
        notices=[] if notice is None else [notice],
        drawn=is_drawn(given.database, identity),
    )
    sound = sound_of(shown, chunks, given.quiet, f"/calls/{shown.call_id}")
    return HTMLResponse(correct_page(content, sound, given.site_of(reader)), 200 if notice is None else 409)


def _name_of(reader: Principal) -> str | None:
    return None if reader.name == LOCAL_NAME else reader.name
