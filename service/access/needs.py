"""What a route needs, for its signature; works for WebSockets too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from service.access.principal import LOCAL, Principal, Scope


class Gate(Protocol):
    """Tells who asks."""

    def admit(self, connection: HTTPConnection) -> Principal:
        """Raises HTTPException (401, 429) for somebody who may not ask at all."""
        ...


class OpenGate:
    """For this machine alone: whoever asks is local."""

    def admit(self, connection: HTTPConnection) -> Principal:  # noqa: ARG002 - whoever it is
        return LOCAL


def needs(scope: Scope) -> Callable[[HTTPConnection], Principal]:
    """A dependency that gives the principal: `Annotated[Principal, Depends(needs(Scope.READ))]`.

    It answers 401 where nobody known asks, and 403 where the principal lacks `scope`.
    """

    def principal(connection: HTTPConnection) -> Principal:
        found = cast(Gate, connection.app.state.gate).admit(connection)
        if not found.may(scope):
            raise HTTPException(403, f"This needs the scope `{scope}`, which `{found.name}` does not have.")
        return found

    principal.needed = scope  # type: ignore[attr-defined]  # a test walks over all routes and asks
    return principal


async def anyone() -> None:
    """A dependency for routes that are open to everybody: `dependencies=[Depends(anyone)]`.

    Asynchronous: it waits for no thread, so that `/healthz` answers when all of them wait for something.
    """
