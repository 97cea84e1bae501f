"""Which doors an application has, by what it is made for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.connection import Database
from pipeline.config.areas.access import AccessSettings
from pipeline.config.root import Settings
from service.access.gate import Gate
from service.access.needs import OpenGate
from service.app import API_ROOMS, application
from service.security import LOOPBACK_NAMES, Guard
from tests.service.conftest import all_heard

LOGIN = ("/login", "/logout")


@pytest.mark.parametrize("rooms", [False, True])
@pytest.mark.parametrize("local", [None, False, True])
def test_changes_are_let_through_by_the_api_and_where_people_log_in(
    rooms: bool, local: bool | None, database: Database, tmp_path: Path
) -> None:
    gate = None if local is None else Gate(database, AccessSettings(), local=local)
    given = API_ROOMS if rooms else ()
    app: Any = application(database, Settings(), tmp_path, all_heard, rooms=given, gate=gate)
    (guard,) = [one for one in app.user_middleware if one.cls is Guard]
    assert guard.kwargs == {
        "changes_under": (*["/v1/"] * rooms, *(LOGIN if gate is not None else ())),
        "names": None if local is False else LOOPBACK_NAMES,
    }
    assert app.state.gate is gate if gate is not None else isinstance(app.state.gate, OpenGate)
    assert (app.state.live, app.state.context.hears) == (None, False)
