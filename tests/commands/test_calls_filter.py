"""The options by which commands choose calls."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from commands.calls_filter import call_filter, call_id_of, with_filter
from db.queries.chosen import CallFilter
from pipeline.errors import ConfigurationError

app = typer.Typer()


@app.command()
@with_filter
def show(*, chosen: CallFilter, limit: Annotated[int, typer.Option("--limit")] = 3) -> None:
    typer.echo(json.dumps({"limit": limit, **asdict(chosen)}, default=str))


def asked(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    given: dict[str, Any] = json.loads(done.output)
    return {name: value for name, value in given.items() if value not in (None, False, [], "") and name != "within"}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], {}),
        (["--limit", "7"], {"limit": 7}),
        (["--since", "2026-09-01"], {"since": "2026-09-01 00:00:00"}),
        (["--since", "2026-09-01T08:30"], {"since": "2026-09-01 08:30:00"}),
        (["--from", "2026-09-01", "--to", "2026-09-01"], {"first_day": "2026-09-01", "last_day": "2026-09-01"}),
        (["--agent", "A7", "--queue", "-"], {"agent": "A7", "queue": "-"}),
        (["--direction", "outbound", "--mood", "-"], {"direction": "outbound", "mood": "-"}),
        (["--topic", "Billing > Refund", "--language", "fr"], {"topic": "Billing > Refund", "language": "fr"}),
        (["--flag", "truncated"], {"flag": "truncated"}),
    ],
)
def test_each_option_is_a_filter_of_its_own(words: list[str], wanted: dict[str, Any]) -> None:
    assert asked(*words) == {"limit": 3, **wanted}


@pytest.mark.parametrize("words", [["--since", "yesterday"], ["--from", "2026-09-01T08:00"], ["--to", "1.9.2026"]])
def test_what_is_no_day_is_refused(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"direction": "in"}, "--direction in: choices: inbound, outbound, internal, or - for none"),
        ({"mood": "angry"}, "--mood angry: choices: negative, neutral, positive, or - for none"),
        (
            {"first_day": datetime(2026, 9, 2), "last_day": datetime(2026, 9, 1)},
            "--to 2026-09-01 lies before --from 2026-09-02",
        ),
    ],
)
def test_a_value_that_no_call_can_have_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        call_filter(**values)
    assert str(told.value) == said


def test_days_are_days_and_a_call_id_is_one() -> None:
    chosen = call_filter(first_day=datetime(2026, 9, 1), last_day=datetime(2026, 9, 2))
    assert (chosen.first_day, chosen.last_day) == (date(2026, 9, 1), date(2026, 9, 2))
    known = uuid.uuid4()
    assert call_id_of(str(known)) == known
    with pytest.raises(ConfigurationError, match="--call x: not a call_id"):
        call_id_of("x")
