"""Doctor's question: a listed model that answers wrongly, or not, is told from one that can be used."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.materials.tiny_llm import build_tiny_llm
from commands.doctor.finding import State
from commands.doctor.question import ask_listed
from pipeline.config.areas.llm import LanguageModelSettings
from tests.analysis.llm.servers import answers, fails, serving
from tests.loopback import Answer


@pytest.mark.parametrize(
    ("reply", "state", "said"),
    [
        (answers('{"number": "1"}'), State.OK, "a lost card is told from two other reasons"),
        (answers('{"number": "3"}'), State.WARNING, "it took a lost card for 'A parcel is late.'"),
        (answers("I cannot say."), State.WARNING, "it gives no answer that can be used: own: invalid answer"),
        (fails(503), State.WARNING, "it gives no answer that can be used: own: own answered 503"),
    ],
    ids=["right", "wrong", "no JSON", "down"],
)
def test_one_question_tells_whether_a_model_can_be_used(reply: Answer, state: State, said: str) -> None:
    def behave(number: int, body: Mapping[str, Any]) -> Answer:
        return reply

    with serving(behave) as server:
        settings = LanguageModelSettings.model_validate(
            {
                "providers": ["own", "extractive"],
                "servers": {"own": {"model": "m", "base_url": f"{server.url}/v1", "structured": ["json_schema"]}},
            }
        )
        (finding,) = ask_listed(settings, ["own", "extractive"], time.monotonic())
        asked = [request.target for request in server.seen]
    # It tells no likelihoods of texts, so the number is asked for; a server that is down is asked once.
    assert asked[:2] == ["/v1/completions", "/v1/chat/completions"][: len(asked)]
    assert (len(asked) == 1) == ("503" in said)
    assert finding.state is state
    assert finding.detail.startswith(said)


def refuses(body: Mapping[str, Any]) -> Answer:
    """Neither likelihoods nor a response format."""
    odd = {"prompt", "response_format"} & body.keys()
    return fails(400, message="unknown parameter") if odd else answers('{"number": "1"}')


def ignores(body: Mapping[str, Any]) -> Answer:
    """Takes a schema and writes what it likes, until the schema is in the prompt: mlx_lm.server does."""
    if "prompt" in body:
        return fails(404)
    told = "of this form" in body["messages"][0]["content"]
    return answers('{"number": "1"}' if told else '{"number": "a lost card"}')


@pytest.mark.parametrize("behave", [refuses, ignores])
def test_a_server_that_keeps_to_no_schema_is_asked_as_a_run_asks_it(
    behave: Callable[[Mapping[str, Any]], Answer],
) -> None:
    with serving(lambda number, body: behave(body)) as server:
        own = {"model": "m", "base_url": f"{server.url}/v1"}
        settings = LanguageModelSettings.model_validate({"providers": ["own"], "servers": {"own": own}})
        (finding,) = ask_listed(settings, ["own"], time.monotonic() + 20)
    assert (finding.state, "a lost card is told" in finding.detail) == (State.OK, True)


def test_a_server_that_is_not_there_is_said_to_be_so() -> None:
    own = {"model": "m", "base_url": "http://127.0.0.1:9/v1"}
    settings = LanguageModelSettings.model_validate({"providers": ["own"], "servers": {"own": own}})
    (finding,) = ask_listed(settings, ["own"], time.monotonic())
    assert finding.state is State.WARNING
    assert "no connection to http://127.0.0.1:9/v1" in finding.detail


def test_a_model_on_this_machine_is_loaded_and_asked(tmp_path: Path) -> None:
    """Random weights choose one of the three."""
    model = build_tiny_llm(tmp_path / "tiny")
    settings = LanguageModelSettings.model_validate({"providers": ["mlx_lm"], "mlx_lm": {"model": str(model)}})
    (finding,) = ask_listed(settings, ["mlx_lm"], time.monotonic() + 60)
    assert "a lost card" in finding.detail
    assert "share 0." in finding.detail


def test_only_what_is_listed_and_usable_is_asked() -> None:
    settings = LanguageModelSettings.model_validate(
        {"providers": ["own"], "servers": {name: {"model": "m"} for name in ("own", "other")}}
    )
    assert ask_listed(settings, ["other"], time.monotonic()) == []
