"""A fuzzer that knows only the OpenAPI document finds no failure, and no answer that the document does not describe.

EARSHOT_FUZZ_EXAMPLES=2000 python -m pytest tests/service/calls/test_fuzzed.py -n 0 -s    # longer, always other cases
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as ways
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from commands.purge.one_call import eraser
from commands.serving.tasks import job_room
from db.connection import Database
from pipeline.config.root import Settings
from service.app import API_ROOMS, application
from tests.service.conftest import all_heard

EXAMPLES = int(os.environ.get("EARSHOT_FUZZ_EXAMPLES", "0"))
"""Per operation and way of making cases; a few, always the same ones, unless said otherwise."""
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip
HERE = {"Host": "127.0.0.1"}
PATHS = r"^/v1/(calls|search|exports|jobs|ask|live)(?!.*/events)"
"""All but streams of events, which do not end."""


@schemathesis.serializer("application/partial-upload", "audio/*")
def as_it_is(_: schemathesis.SerializationContext, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


@pytest.fixture(params=["with calls", "empty"])
def known(request: pytest.FixtureRequest) -> list[str]:
    """Ids of the calls there are."""
    found: list[str] = request.getfixturevalue("many") if request.param == "with calls" else []
    return found


@pytest.fixture
def app(known: list[str], database: Database, settings: Settings, tmp_path: Path) -> FastAPI:
    kept = settings.service.model_copy(update={"recordings_dir": tmp_path / "recordings"})
    settings = settings.model_copy(update={"service": kept})
    erase = eraser(database, settings, patience_s=0)
    made = application(database, settings, tmp_path / "spool", all_heard, rooms=API_ROOMS, erase=erase)
    made.state.jobs = job_room(database, settings)
    return made


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_api_answers_whatever_it_is_asked(app: FastAPI, mode: GenerationMode, known: list[str]) -> None:
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app, headers=HERE).include(path_regex=PATHS)
    met = Met(known)
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        _fuzz(result.ok(), mode, met)
    assert sum(met.answers.values()) > 0
    print(mode.value, dict(sorted(met.answers.items())))  # noqa: T201 - for the longer way


class Met:
    """What was answered, and ids of what there is: made up by chance, no id would ever be one of them."""

    def __init__(self, calls: list[str]) -> None:
        self.answers: Counter[str] = Counter()
        self._ids = {"call_id": calls, "job_id": list[str]()}

    def name_what_is_there(self, case: Any) -> None:
        for name in case.path_parameters or {}:
            if ids := self._ids.get(name):
                case.path_parameters[name] = ids[sum(self.answers.values()) % len(ids)]

    def note(self, case: Any, response: Any) -> None:
        self.answers[f"{case.method} {case.operation.path} {response.status_code}"] += 1
        if case.method == "POST" and response.status_code in (201, 202):
            self._ids["job_id"].append(response.json()["job_id"])


def _fuzz(operation: Any, mode: GenerationMode, met: Met) -> None:
    @ways(
        max_examples=EXAMPLES or 6,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answered(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and case.method != "DELETE":  # what erases is not let loose on what is there
            met.name_what_is_there(case)
        response = case.call(headers=HERE)
        met.note(case, response)
        case.validate_response(response, checks=CHECKS)

    answered()
