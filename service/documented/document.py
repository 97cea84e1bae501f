"""The OpenAPI document of everything under /v1."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic.json_schema import models_json_schema
from starlette.responses import HTMLResponse, JSONResponse

from pages.api_page import api_page
from service.access import anyone
from service.access.routes import declared
from service.problems.kinds import API, KINDS, MEDIA_TYPE, is_api
from service.problems.problem import Fault, Problem, responses

router = APIRouter(prefix=API, dependencies=[Depends(anyone)], include_in_schema=False)
VERSION = "1.0.0"
"""Version of the API. Its first number changes when older clients would break."""
DESCRIPTION = """Calls are handed in, followed, read, searched, exported and erased.

Times of day are ISO 8601 with their zone; durations and times within a call are seconds (`_s`). A value that is not
known is null, and `missing` says why. Every error is a problem (RFC 9457, `application/problem+json`)."""
TAGS = {
    "calls": "What is known of calls, and what was said in them.",
    "jobs": "Handing calls in, and following them.",
    "live": "Live calls.",
    "ask": "Questions across calls, answered with quotes.",
}
_AT, _WITHIN = "#/components/schemas/", "#/$defs/"
_MAKING = Lock()
_TOKEN = "token"  # noqa: S105 - the name of the scheme


@router.get("/openapi.json")
def document(request: Request) -> JSONResponse:
    return JSONResponse(document_of(request.app))


@router.get("/docs")
def page_of_the_document(request: Request) -> HTMLResponse:
    kinds = [(kind.name, kind.status, kind.title, kind.meaning) for kind in KINDS]
    return HTMLResponse(api_page(document_of(request.app), kinds))


def document_of(app: FastAPI) -> dict[str, Any]:
    """Made once, however many ask first at the same time: FastAPI cannot make it twice at once."""
    with _MAKING:
        if app.openapi_schema is None:
            app.openapi_schema = described(app)
        return app.openapi_schema


def operation_id(route: APIRoute) -> str:
    """Of a route that names none: its function's name, as names of methods are written in most languages."""
    first, *others = route.name.split("_")
    return first + "".join(part.capitalize() for part in others)


def described(app: FastAPI) -> dict[str, Any]:
    """The document, with what each operation needs and how it fails."""
    made = get_openapi(
        title="Earshot",
        version=VERSION,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
    )
    made["paths"] = {path: item for path, item in made["paths"].items() if is_api(path)}
    scopes = {
        (str(route.path), method): sorted(declared(route) or ())
        for route in iter_route_contexts(app.routes)
        for method in getattr(route, "methods", None) or ()
    }
    open_here = bool(getattr(app.state.gate, "local", True))
    for path, item in made["paths"].items():
        for method, operation in item.items():
            _fail_with_problems(operation)
            _need(operation, scopes.get((path, method.upper()), []), open_here)
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for ours in ("HTTPValidationError", "ValidationError"):
        schemas.pop(ours, None)
    _, problem = models_json_schema(
        [(Problem, "serialization"), (Fault, "serialization")], ref_template=f"{_AT}{{model}}"
    )
    schemas.update(problem["$defs"])
    _lift(made, schemas)
    components["securitySchemes"] = {
        _TOKEN: {"type": "http", "scheme": "bearer", "description": "A token made by `run.py tokens`, or a JWT."}
    }
    return made


def _lift(part: Any, schemas: dict[str, Any]) -> None:
    """Definitions that lie within a schema of their own go to the others; references to them follow."""
    if isinstance(part, dict):
        schemas.update(part.pop("$defs", {}))
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith(_WITHIN):
            part["$ref"] = _AT + reference.removeprefix(_WITHIN)
    for inner in list(part.values()) if isinstance(part, dict) else part if isinstance(part, list) else ():
        _lift(inner, schemas)


def _fail_with_problems(operation: dict[str, Any]) -> None:
    usual = responses()["default"]
    for status, answer in operation["responses"].items():
        if status == "422" and MEDIA_TYPE not in answer.get("content", {}):
            operation["responses"][status] = {**usual, "description": "`invalid-request`: The request is not valid."}
    operation["responses"].setdefault("default", usual)


def _need(operation: dict[str, Any], scopes: Sequence[str], open_here: bool) -> None:
    if not scopes:
        return
    needed = " and ".join(f"`{scope}`" for scope in scopes)
    operation["description"] = f"{operation.get('description', '')}\n\nNeeds the scope {needed}.".strip()
    operation["security"] = [{_TOKEN: []}, {}] if open_here else [{_TOKEN: []}]
    usual = responses()["default"]
    for status, text in (("401", "No token, or one that is not valid."), ("403", f"Without the scope {needed}.")):
        operation["responses"].setdefault(status, {**usual, "description": text})
