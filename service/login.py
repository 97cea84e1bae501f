"""The pages' login: the same tokens, typed into a form once, and a cookie that stands for them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from db.access.sessions import begin_session, end_session
from pages.rendering import page
from service.access.gate import COOKIE, SECURE_COOKIE, Gate, as_kept, cookie_of, digest, secure
from service.access.needs import anyone
from service.context import Given, ServiceContext

router = APIRouter(dependencies=[Depends(anyone)])
LONGEST_ADDRESS = 2000


@router.get("/login", response_class=HTMLResponse, include_in_schema=False)
def asked(given: Given, after: str = "/") -> Response:
    return _form(given, after)


@router.post("/login", response_class=HTMLResponse, include_in_schema=False)
def login(
    request: Request, given: Given, token: Annotated[str, Form()] = "", after: Annotated[str, Form()] = "/"
) -> Response:
    """Begin a session, and lead to the page that was wanted."""
    gate = cast(Gate, request.app.state.gate)
    try:
        admission = gate.login(token.strip(), request)
    except HTTPException as refused:
        return _form(given, after, why=str(refused.detail), status=refused.status_code, headers=refused.headers)
    life_s = given.settings.service.access.session_hours * 3600
    if admission.expires_at_s is not None:
        life_s = min(life_s, admission.expires_at_s - time.time())
    value = secrets.token_urlsafe(32)
    begin_session(
        given.database,
        digest(value),
        expires_at=datetime.now(UTC) + timedelta(seconds=life_s),
        token_id=admission.token_id,
        principal=None if admission.token_id else as_kept(admission.principal),
    )
    answer = RedirectResponse(_local(after), 303)
    answer.set_cookie(
        SECURE_COOKIE if secure(request) else COOKIE,
        value,
        max_age=int(life_s),
        httponly=True,
        samesite="strict",
        secure=secure(request),
    )
    return answer


@router.post("/logout", include_in_schema=False)
def logout(request: Request, given: Given) -> Response:
    """End the session. Another site cannot ask for it: its requests carry no such cookie, and another Origin."""
    cookie = cookie_of(request)
    if cookie is not None:
        end_session(given.database, digest(cookie))
    answer = RedirectResponse("/login", 303)
    name = SECURE_COOKIE if secure(request) else COOKIE
    answer.delete_cookie(name, httponly=True, samesite="strict", secure=secure(request))
    return answer


def to_login(request: Request) -> Response:
    """For a page that needs a login: the form, which then leads back."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/login" if wanted == "/" else f"/login?{urlencode({'after': _local(wanted)})}", 303)


def _form(
    given: ServiceContext, after: str, *, why: str = "", status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    kept = {name: value for name, value in (headers or {}).items() if name == "Retry-After"}
    return HTMLResponse(
        page("login", site=replace(given.site, alone=True), after=_local(after), why=why), status, headers=kept
    )


def _local(address: str) -> str:
    """An address on this server; `/` for what leads elsewhere, such as `//evil.example` or `/\\\\evil.example`."""
    inside = address.startswith("/") and address[1:2] not in ("/", "\\")
    return address if inside and address.isprintable() and len(address) <= LONGEST_ADDRESS else "/"
