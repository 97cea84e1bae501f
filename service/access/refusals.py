"""Why somebody is refused: messages that say what to do and never hold a token."""

from __future__ import annotations

import math

from fastapi import HTTPException


def unknown(detail: str) -> HTTPException:
    """401: who asks is not known."""
    error = "" if detail == NOBODY else ' error="invalid_token"'
    return HTTPException(401, detail, headers={"WWW-Authenticate": f'Bearer realm="earshot"{error}'})


def too_many(wait_s: float, of_what: str) -> HTTPException:
    """429, with the time to wait."""
    seconds = max(1, math.ceil(wait_s))
    return HTTPException(429, f"Too many {of_what}; ask again in {seconds} s.", headers={"Retry-After": str(seconds)})


def unready(detail: str) -> HTTPException:
    """503: it cannot be told now."""
    return HTTPException(503, detail, headers={"Retry-After": "30"})


NOBODY = "Send a token in the header Authorization, as Bearer. Whoever runs this service makes them (run.py tokens)."
MISTYPED = "This token is incomplete or mistyped. Copy it again."
NOT_KNOWN = "This token is unknown."
REVOKED = "This token was revoked."
EXPIRED = "This token has expired. Ask for a new one."
LOGGED_OUT = "This login has ended. Log in again."
BEHIND_A_PROXY = (
    "This is served without tokens to this machine alone, and a proxy asks for somebody else. Set "
    "service.access.required: true and send a token."
)
