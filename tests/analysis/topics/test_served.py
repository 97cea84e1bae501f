"""Topics of servers that tell how likely texts are, do not, or ignore the schema: one kind of confidence, or NULL."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from analysis.encoder.vectors import WITHOUT
from analysis.llm.choice import build_router
from analysis.llm.weighing import weighed, weighed_numbers
from analysis.records import Topic
from analysis.topics.questions import Question, opening, topic_request
from analysis.topics.shortlist import shortlist
from analysis.topics.step import TopicMethods, TopicStep
from db.ledger.rows import missing_reasons
from pipeline.config.areas.language import TopicSettings
from pipeline.records import CustomerSegment, StepResult
from tests.analysis.llm.conftest import settings
from tests.analysis.llm.servers import answers, fails, send, serving
from tests.analysis.topics.test_questions import BILL, CATALOGUES
from tests.loopback import Answer

SAID = '{"why": "The client was charged twice.", "number": "1"}'
LIKELY = ("bill", "invoice", "charge")
"""A label with one of these is the likeliest."""


def echoes(
    body: Mapping[str, Any], reached: Callable[[str], float] = lambda given: -1.0 if billing(given) else -2.0
) -> Answer:
    """As vLLM does: the prompts with the log-probabilities of their tokens, here words, and a token more."""
    choices = []
    for place, prompt in enumerate(body["prompt"]):
        given, _, _ = prompt.rpartition("\n\n")
        pieces = [*re.findall(r"\S+\s*", prompt), "more"]
        offsets = [sum(map(len, pieces[:at])) for at in range(len(pieces))]
        values = [None, *(reached(given) if at >= len(given) else -9.0 for at in offsets[1:])]
        logprobs = {"tokens": pieces, "token_logprobs": values, "text_offset": offsets, "top_logprobs": None}
        choices.append({"index": place, "text": prompt + "more", "logprobs": logprobs, "finish_reason": "length"})
    usage = {"prompt_tokens": 300, "completion_tokens": len(choices), "total_tokens": 300 + len(choices)}
    made = {
        "id": "c",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": choices[::-1],
        "usage": usage,
    }
    return lambda _: send(200, json.dumps(made).encode())


def billing(given: str) -> bool:
    return any(word in given.casefold() for word in LIKELY)


def tells(body: Mapping[str, Any]) -> Answer:
    return echoes(body) if "prompt" in body else answers("never asked")


def refuses(body: Mapping[str, Any]) -> Answer:
    return fails(404, message="this is a chat model") if "prompt" in body else answers(SAID)


def writes_on(body: Mapping[str, Any]) -> Answer:
    """Heeds no `echo`, as Ollama does."""
    if "prompt" not in body:
        return answers(SAID)
    choice = {"index": 0, "text": " I", "logprobs": None, "finish_reason": "length"}
    made = {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}
    return lambda _: send(200, json.dumps(made).encode())


def tells_half(body: Mapping[str, Any]) -> Answer:
    """A likelihood that is not finite is none."""
    return echoes(body, lambda given: -math.inf if billing(given) else -1.0) if "prompt" in body else answers(SAID)


def ignores(body: Mapping[str, Any]) -> Answer:
    """Knows neither likelihoods nor schemas, until the schema is in the prompt."""
    if "prompt" in body:
        return fails(400, message="echo is not supported")
    told = "of this form" in body["messages"][0]["content"]
    return answers(SAID) if told else answers("The client was charged twice, so it is number 1.")


@pytest.mark.parametrize("behave", [refuses, writes_on, tells_half, ignores])
def test_a_number_that_was_written_has_no_confidence_and_the_row_says_so(
    behave: Callable[[Mapping[str, Any]], Answer],
) -> None:
    with serving(lambda number, body: behave(body)) as server:
        chosen = settings(server.url, openai_chat={"structured": ["json_schema", "prompt"]})
        found = served(chosen, 2)
        asked = [request.json() for request in server.seen]
    for result in found:
        assert isinstance(result.payload, Topic), result.reason
        assert result.payload.topic == CATALOGUES.by_segment[CustomerSegment.B2B].labels[0].topic
        assert result.payload.confidence is None
        assert missing_reasons(result)["topic_confidence"] == "what chose the topic gives no probability"
    assert sum("prompt" in body for body in asked) == 1  # what the server does not tell is not asked for again


def test_a_server_that_tells_how_likely_texts_are_is_weighed_as_the_model_on_this_machine_is() -> None:
    with serving(lambda number, body: tells(body)) as server:
        result = served(settings(server.url), 2)[-1]
        asked = [request.json() for request in server.seen]
    assert isinstance(result.payload, Topic), result.reason
    choice = topic_request(question(), "k", TopicSettings()).choice
    assert choice is not None
    words = [
        len(re.findall(r"\S+", option.said)) * (-1.0 if billing(option.given) else -2.0) for option in choice.options
    ]
    shares = weighed(choice, words, 0).shares
    topics = [offered.label.topic for offered in question().offered]
    of_topic = [
        share for value, share in shares.items() if value != "0" and topics[int(value) - 1] == result.payload.topic
    ]
    assert result.payload.confidence == pytest.approx(math.fsum(of_topic))
    assert billing(result.payload.topic)
    assert missing_reasons(result).get("topic_confidence") is None
    assert (result.tokens_in, result.tokens_out) == (300, 0)
    assert len(asked) == 2  # nothing is written
    assert all(body["echo"] and "messages" not in body for body in asked)
    assert asked[0]["prompt"] == [option.given.rstrip() + "\n\n" + option.said for option in choice.options]


NUMBERS = {"1": -0.2, "2": -2.2, "0": -3.2, "no": -4.2}
"""What might have been written for the number, and its log-probability."""


def sure(alternatives: Sequence[Mapping[str, Any]], token: str) -> dict[str, Any]:
    return {"token": token, "logprob": -0.1, "top_logprobs": alternatives}


def sure_of(body: Mapping[str, Any], mark: str, shuffled: bool) -> Answer:
    """Tells the alternatives of each token: as OpenAI and vLLM do, or as mlx_lm.server, whose tokens carry marks of
    their bytes and are called by any of the alternatives."""
    if "prompt" in body:
        return fails(404, message="this is a chat model")
    if not body.get("logprobs"):
        return answers(SAID)
    of_number = [{"token": f"{mark}{token}", "logprob": value} for token, value in NUMBERS.items()]
    others = [{"token": '"', "logprob": -0.1}, {"token": "1", "logprob": -5.0}]
    content = [sure(others, "1" if shuffled else '"'), sure(of_number, f"{mark}2" if shuffled else f"{mark}1")]
    content.append(sure(others[:1], '"}'))
    return answers(SAID, logprobs={"content": content})


@pytest.mark.parametrize(("mark", "shuffled"), [("", False), ("\u0120", True)])
def test_a_server_that_tells_how_sure_it_is_of_the_number_is_weighed_by_it(mark: str, shuffled: bool) -> None:
    """A number that was written had no confidence, whatever the server told."""
    with serving(lambda number, body: sure_of(body, mark, shuffled)) as server:
        (result,) = served(settings(server.url), 1)
        asked = [request.json() for request in server.seen if "messages" in request.json()]
    assert isinstance(result.payload, Topic), result.reason
    choice = topic_request(question(), "k", TopicSettings()).choice
    assert choice is not None
    least = min(NUMBERS.values())
    shares = weighed_numbers(choice, [NUMBERS.get(option.value, least) for option in choice.options]).shares
    topics = [offered.label.topic for offered in question().offered]
    of_topic = [
        share for value, share in shares.items() if value != "0" and topics[int(value) - 1] == result.payload.topic
    ]
    assert result.payload.topic == topics[0]
    assert result.payload.confidence == pytest.approx(math.fsum(of_topic))
    assert [body["top_logprobs"] for body in asked] == [10]


def test_a_server_that_refuses_to_tell_is_asked_without_and_not_again() -> None:
    def refuses_logprobs(body: Mapping[str, Any]) -> Answer:
        refused = "prompt" in body or "logprobs" in body
        return fails(400, message="logprobs is not supported") if refused else answers(SAID)

    with serving(lambda number, body: refuses_logprobs(body)) as server:
        found = served(settings(server.url), 2)
        asked = [request.json() for request in server.seen if "messages" in request.json()]
    assert [one.payload.confidence for one in found if isinstance(one.payload, Topic)] == [None, None]
    assert ["logprobs" in body for body in asked] == [True, False, False]
    assert all("response_format" in body for body in asked)  # its way to have structure is not given up for it


def question() -> Question:
    said = opening(BILL, TopicSettings().scoring.words)
    glossaries = CATALOGUES.for_call(BILL.metadata.customer_segment)
    return Question(BILL, shortlist(said, "en", glossaries, WITHOUT, TopicSettings().scoring.shortlist))


def served(chosen: Any, times: int) -> list[StepResult]:
    """The topic of the same call, asked so often of one router: the server's ways are remembered."""
    router = build_router(chosen)
    assert router is not None
    try:
        step = TopicStep(CATALOGUES, TopicSettings(method="llm"), TopicMethods(router=router, encoder=WITHOUT))
        return [step.run([BILL], [{}])[0] for _ in range(times)]
    finally:
        router.close()
