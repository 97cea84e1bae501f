"""The OpenAPI document."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse

from service.access import anyone
from service.problems import API

router = APIRouter(prefix=API, dependencies=[Depends(anyone)], include_in_schema=False)


@router.get("/openapi.json")
def document(request: Request) -> JSONResponse:
    made: dict[str, Any] = request.app.openapi()
    return JSONResponse(made)
