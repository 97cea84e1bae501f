"""Around every request: ids that are accepted, made and given back; lines in the log; spans."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from pipeline.config.areas.reporting import TracingSettings
from pipeline.log_lines import JsonLines
from pipeline.tracing.spans import Spans
from service.monitoring.requests import RequestFigures, RequestMonitor

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
log = logging.getLogger("service.somewhere")


class Lines(logging.Handler):
    """Keeps JSON lines as the log file would hold them."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, logger = Lines(), logging.getLogger("service")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


class Watched:
    """An application of three routes, watched."""

    def __init__(self) -> None:
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self.exporter = InMemorySpanExporter()
        self.registry = CollectorRegistry()
        self.spans = Spans(TracingSettings(enabled=True), self.exporter)
        app = FastAPI()

        @app.get("/calls/{call_id}")
        def call(call_id: str) -> str:
            log.info("looking")
            return call_id

        @app.get("/broken")
        def broken() -> str:
            raise ZeroDivisionError("not our day")

        @app.websocket("/live")
        async def live(socket: WebSocket) -> None:
            await socket.accept()
            log.info("hearing")
            await socket.send_text("heard")
            await socket.receive_text()
            await socket.close()

        app.add_middleware(RequestMonitor, figures=RequestFigures(self.registry), spans=self.spans)
        self.browser = TestClient(app, raise_server_exceptions=False)

    def sent(self) -> list[Any]:
        self.spans.close()
        return list(self.exporter.get_finished_spans())

    def figure(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_callers_request_id_comes_back_and_stands_on_every_line_of_the_request(
    watched: Watched, lines: Lines
) -> None:
    answer = watched.browser.get("/calls/7", headers={"X-Request-ID": "order-77", "traceparent": TRACEPARENT})
    assert answer.headers["X-Request-ID"] == "order-77"
    assert [line["message"].split(" in ")[0] for line in lines.lines] == ["looking", "GET /calls/{call_id} 200"]
    assert {line["request_id"] for line in lines.lines} == {"order-77"}
    assert {line["trace_id"] for line in lines.lines} == {TRACE}


@pytest.mark.parametrize("given", [None, "two words", "x" * 129, "a\tb"])
def test_an_id_is_made_where_none_can_be_taken(watched: Watched, given: str | None) -> None:
    answer = watched.browser.get("/calls/7", headers={} if given is None else {"X-Request-ID": given})
    made = answer.headers["X-Request-ID"]
    assert made != given
    assert len(made) == 32


def test_a_trace_is_continued_and_passed_on(watched: Watched) -> None:
    answer = watched.browser.get("/calls/7", headers={"traceparent": TRACEPARENT})
    (span,) = watched.sent()
    assert span.name == "GET /calls/{call_id}"
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == SPAN
    assert answer.headers["traceparent"] == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert span.attributes["http.response.status_code"] == 200


def test_a_trace_that_its_caller_does_not_sample_is_not_sent(watched: Watched) -> None:
    answer = watched.browser.get("/calls/7", headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})
    assert answer.headers["traceparent"].endswith("-00")
    assert watched.sent() == []


def test_an_error_nobody_handled_is_a_failed_span_and_a_500(watched: Watched) -> None:
    from opentelemetry.trace import StatusCode

    assert watched.browser.get("/broken").status_code == 500
    (span,) = watched.sent()
    assert span.status.status_code is StatusCode.ERROR
    assert watched.figure("earshot_http_requests_total", method="GET", route="/broken", status="500") == 1


def test_methods_that_callers_make_up_are_one_label(watched: Watched) -> None:
    for method in ("BREW", "STIR"):
        watched.browser.request(method, "/calls/7")
    assert watched.figure("earshot_http_requests_total", method="other", route="/calls/{call_id}", status="405") == 2


def test_a_websocket_is_open_until_it_closes_and_its_lines_carry_the_id(watched: Watched, lines: Lines) -> None:
    with watched.browser.websocket_connect("/live", headers={"X-Request-ID": "call-9"}) as socket:
        socket.receive_text()
        assert watched.figure("earshot_websockets_open", route="/live") == 1
        socket.send_text("enough")
    assert watched.figure("earshot_websockets_open", route="/live") == 0
    assert {line["request_id"] for line in lines.lines} == {"call-9"}


def test_lines_outside_a_request_name_none(lines: Lines, tmp_path: Path) -> None:
    log.info("%s", tmp_path)
    assert "request_id" not in lines.lines[0]
