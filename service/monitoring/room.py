"""`/healthz`, `/readyz` and `/metrics`, and what stands around every request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar, cast

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from pydantic import Field

from db.queries.chosen import EVERYTHING
from pipeline.tracing.spans import Spans
from pipeline.version import project_version
from service.access import anyone
from service.answers import Answer
from service.kept import Kept
from service.monitoring.checks import Examination, Finding, State, worst
from service.monitoring.figures import Figures
from service.monitoring.requests import RequestFigures, RequestMonitor
from service.monitoring.standing import checks_of
from service.readers import Reader

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

router = APIRouter(tags=["monitoring"])
Looked = TypeVar("Looked")

KEPT_S = 2.0
"""However often it is asked, the database is looked at no more often."""


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Made once, by `watch`."""

    registry: CollectorRegistry
    spans: Spans
    findings: Kept[Mapping[str, Finding]]
    threads: anyio.CapacityLimiter
    """Its own: requests that wait for a database use up the common ones."""


class CheckResult(Answer):
    """One thing the service depends on."""

    status: Literal["ready", "degraded", "unready"] = Field(description="How it is.")
    detail: str = Field(description="Why, in words.")


class Readiness(Answer):
    """Whether requests should be sent to the service."""

    status: Literal["ready", "degraded", "unready"] = Field(
        description="The worst of all checks. `degraded`: it answers, but calls wait, or are done less well."
    )
    reasons: list[str] = Field(description="Names of the checks that are not ready.")
    checks: dict[str, CheckResult] = Field(description="All checks by name.")


@router.get(
    "/healthz",
    response_class=PlainTextResponse,
    responses={200: {"description": "The process lives."}},
    dependencies=[Depends(anyone)],
)
async def healthz() -> str:
    """The process is alive. Nothing else is checked: restart it when this does not answer."""
    return "ok\n"


@router.get(
    "/readyz",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Do not send requests; `reasons` says why."}},
    dependencies=[Depends(anyone)],
)
async def readyz(request: Request) -> Response:
    """Ready and degraded are 200, unready is 503."""
    monitoring = cast(Monitoring, request.app.state.monitoring)
    findings = await _in_thread(monitoring, monitoring.findings.get)
    state = worst(findings)
    told = Readiness(
        status=state.value,
        reasons=[name for name, found in findings.items() if found.state is not State.READY],
        checks={name: CheckResult(status=found.state.value, detail=found.detail) for name, found in findings.items()},
    )
    return Response(told.model_dump_json(), 503 if state is State.UNREADY else 200, media_type="application/json")


@router.get("/metrics", response_class=PlainTextResponse, responses={200: {"description": "Figures for Prometheus."}})
async def metrics(request: Request, reader: Reader) -> Response:
    """Figures for Prometheus, as text or OpenMetrics; nothing about single calls or people."""
    if reader.rows != EVERYTHING:
        raise HTTPException(403, "These figures count all calls, and this token may not see all of them.")
    monitoring = cast(Monitoring, request.app.state.monitoring)
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(await _in_thread(monitoring, partial(encode, monitoring.registry)), media_type=media_type)


def watch(
    app: FastAPI, database: Database, settings: Settings, *, exporter: object = None, kept_s: float = KEPT_S
) -> Spans:
    """Watch every request of `app`, and serve what is seen. To be called last: its middleware is the outermost.

    Returns where spans go, to be closed with the application. `exporter`: of spans, another than OTLP over HTTP.
    `kept_s`: for how long what was found is told again.
    """
    registry = CollectorRegistry()
    registry.register(Figures(database, settings, project_version()))
    examination = Examination(checks_of(database, settings), settings.service.monitoring.check_timeout_s)
    spans = Spans(settings.reporting.tracing, exporter)
    app.state.monitoring = Monitoring(registry, spans, Kept(examination.look, kept_s), anyio.CapacityLimiter(4))
    app.include_router(router)
    app.add_middleware(RequestMonitor, figures=RequestFigures(registry), spans=spans)
    return spans


async def _in_thread(monitoring: Monitoring, work: Callable[[], Looked]) -> Looked:
    return await anyio.to_thread.run_sync(work, limiter=monitoring.threads)
