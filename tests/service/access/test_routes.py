"""Every route says who may use it."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket

from service.access import Principal, Scope, anyone, needs
from service.access.routes import refuse_undeclared, undeclared


def of(router: APIRouter) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router)
    return app


def test_a_route_that_says_nothing_is_found_by_its_path() -> None:
    router = APIRouter(prefix="/v1")

    @router.get("/forgotten")
    def forgotten() -> None: ...

    @router.websocket("/heard")
    async def heard(socket: WebSocket) -> None: ...

    app = of(router)
    assert undeclared(app) == ["/v1/forgotten", "/v1/heard"]
    with pytest.raises(TypeError, match="/v1/forgotten, /v1/heard: say who may use it"):
        refuse_undeclared(app)


def test_routes_that_say_who_may_use_them_pass() -> None:
    router = APIRouter()
    inner = APIRouter(dependencies=[Depends(needs(Scope.ADMIN))])

    @router.get("/read")
    def read(reader: Annotated[Principal, Depends(needs(Scope.READ))]) -> None: ...

    @router.get("/open", dependencies=[Depends(anyone)])
    def unguarded() -> None: ...

    @inner.get("/inner")
    def within() -> None: ...

    @router.websocket("/live")
    async def live(socket: WebSocket, reader: Annotated[Principal, Depends(needs(Scope.SUBMIT))]) -> None: ...

    router.include_router(inner, prefix="/v1")
    refuse_undeclared(of(router))
