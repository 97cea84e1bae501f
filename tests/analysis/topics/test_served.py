"""Topics of servers that give token probabilities, refuse to, or ignore the schema: one confidence, or NULL."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from analysis.encoder.vectors import WITHOUT
from analysis.llm.choice import build_router
from analysis.records import Topic
from analysis.topics.step import TopicMethods, TopicStep
from db.ledger.rows import missing_reasons
from pipeline.config.areas.language import TopicSettings
from pipeline.records import CustomerSegment, StepResult
from tests.analysis.llm.conftest import settings
from tests.analysis.llm.servers import answers, fails, serving
from tests.analysis.topics.test_questions import BILL, CATALOGUES
from tests.loopback import Answer

WHY, NUMBER = '{"why": "The client was charged twice.", "number": "', "1"
SAID = f'{WHY}{NUMBER}"}}'
SURE = 0.8


def with_probabilities() -> Answer:
    """The reply and its tokens: the number is one of them."""
    pieces = [(WHY, -3.0), (NUMBER, math.log(SURE)), ('"}', -0.01)]
    content = [{"token": piece, "logprob": value, "bytes": list(piece.encode())} for piece, value in pieces]
    return answers(SAID, logprobs={"content": content})


def gives(body: Mapping[str, Any]) -> Answer:
    return with_probabilities() if body.get("logprobs") else answers(SAID)


def refuses(body: Mapping[str, Any]) -> Answer:
    return fails(400, message="logprobs is not supported") if "logprobs" in body else answers(SAID)


def ignores(body: Mapping[str, Any]) -> Answer:
    """Takes both parameters and heeds neither, until the schema is in the prompt."""
    told = "JSON Schema" in body["messages"][0]["content"]
    return answers(SAID) if told else answers("The client was charged twice, so it is number 1.")


@pytest.mark.parametrize(("behave", "confidence"), [(gives, SURE), (refuses, None), (ignores, None)])
def test_the_confidence_of_a_served_topic_is_its_probability_or_null_with_the_reason(
    behave: Callable[[Mapping[str, Any]], Answer], confidence: float | None
) -> None:
    with serving(lambda number, body: behave(body)) as server:
        chosen = settings(server.url, openai_chat={"structured": ["json_schema", "prompt"]})
        first, second = (served(chosen, times) for times in (1, 2))
        asked = [request.json() for request in server.seen]
    for result in (first[-1], second[-1]):
        assert isinstance(result.payload, Topic), result.reason
        assert result.payload.topic == CATALOGUES.by_segment[CustomerSegment.B2B].labels[0].topic
        assert result.payload.confidence == (None if confidence is None else pytest.approx(confidence))
        told = missing_reasons(result).get("topic_confidence")
        assert told == (None if confidence is not None else "what chose the topic gives no probability")
    assert asked[0]["logprobs"] is True  # asked for first, whatever the server does with it


def served(chosen: Any, times: int) -> list[StepResult]:
    """The topic of the same call, asked so often of one router: the server's ways are remembered."""
    router = build_router(chosen)
    assert router is not None
    try:
        step = TopicStep(CATALOGUES, TopicSettings(method="llm"), TopicMethods(router=router, encoder=WITHOUT))
        return [step.run([BILL], [{}])[0] for _ in range(times)]
    finally:
        router.close()
