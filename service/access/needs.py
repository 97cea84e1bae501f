"""What a route needs, for its signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, cast

from fastapi import HTTPException, WebSocketException
from starlette.requests import HTTPConnection

from service.access.principal import LOCAL, Principal, Scope

POLICY_VIOLATION = 1008
"""Close code of a WebSocket whose client may not use it (RFC 6455, 7.4.1)."""


class Gatekeeper(Protocol):
    """Tells who asks: `app.state.gate`."""

    def admit(self, connection: HTTPConnection) -> Principal:
        """Raises HTTPException (401, 429) for somebody who may not ask at all."""
        ...


class OpenGate:
    """For one person's reading room (`run.py view`): whoever asks is local."""

    def admit(self, connection: HTTPConnection) -> Principal:
        return replace(LOCAL, address=connection.client.host if connection.client is not None else None)


def principal_with(scope: Scope, connection: HTTPConnection) -> Principal:
    """The one who asks, who has `scope`. Raises HTTPException."""
    found = gatekeeper_of(connection).admit(connection)
    if not found.may(scope):
        raise HTTPException(403, f"This needs the scope `{scope}`, which `{found.name}` does not have.")
    return found


def needs(scope: Scope) -> Callable[[HTTPConnection], Principal]:
    """A dependency that gives the principal: `Annotated[Principal, Depends(needs(Scope.READ))]`.

    It answers 401 where nobody known asks, and 403 where the principal lacks `scope`; a WebSocket is closed with 1008.
    """

    def principal(connection: HTTPConnection) -> Principal:
        try:
            found = principal_with(scope, connection)
        except HTTPException as refused:
            if connection.scope["type"] == "websocket":
                raise WebSocketException(POLICY_VIOLATION, refused.detail) from None
            raise
        connection.app.state.only_known(connection)
        return found

    principal.needed = scope  # type: ignore[attr-defined]  # service/access/routes.py asks
    return principal


async def anyone() -> None:
    """A dependency for routes that are open to everybody: `dependencies=[Depends(anyone)]`.

    Asynchronous: it waits for no thread, so that `/healthz` answers when all of them wait for something.
    """


def gatekeeper_of(connection: HTTPConnection) -> Gatekeeper:
    return cast(Gatekeeper, connection.app.state.gate)
