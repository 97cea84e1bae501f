"""The router against real servers that fail as servers do: no call is lost and nothing is invented."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Generator
from typing import Any

import pytest

from analysis.llm.choice import build_router
from tests.analysis.llm.conftest import GOOD, GOOD_DATA, SLOW_FAULTS, ask, settings
from tests.analysis.llm.servers import Body, answers, body_is, chat, cuts, drips, fails, is_silent, serving
from tests.loopback import Answer, Reply, Request, endless

TRANSIENT: dict[str, tuple[Answer, str]] = {
    "time-out": (is_silent, "StageTimeout"),
    "slow drip": (drips, "StageTimeout"),
    "429": (fails(429), "Throttled"),
    "500": (fails(500), "ServiceUnavailable"),
    "503": (fails(503), "ServiceUnavailable"),
    "cut connection": (cuts, "ServiceUnavailable"),
}
INVALID: dict[str, Answer] = {
    "wrong JSON": answers('{"topic": "loan", "quotes": ['),
    "not JSON at all": answers("The topic is loan."),
    "NaN": answers('{"topic": NaN, "quotes": []}'),
    "label outside": answers('{"topic": "mortgage", "quotes": []}'),
    "field missing": answers('{"topic": "loan"}'),
    "a list": answers("[1]"),
    "empty answer": answers(""),
    "NUL character": answers('{"topic": "loan", "quotes": ["a\\u0000b"]}'),
    "half a surrogate pair": answers('{"topic": "loan", "quotes": ["\\ud83d"]}'),
    "nested without end": answers('{"topic": "loan", "quotes": ' + "[" * 100_000),
    "endless number": answers('{"topic": "loan", "quotes": [' + "9" * 5000 + "]}"),
    "null answer": answers(None),  # type: ignore[arg-type]
    "refusal": answers(GOOD, finish_reason="content_filter"),
}
UNREADABLE: dict[str, Answer] = {
    "empty body": body_is(b""),
    "body not JSON": body_is(b"<html>gateway</html>"),
    "body of another kind": body_is(b'{"object": "list", "data": []}'),
    "no choices": body_is(b'{"id": "1", "choices": []}'),
}


def _complete(behave: Any, **more: Any) -> tuple[Any, int]:
    with serving(behave) as server:
        router = build_router(settings(server.url, **more))
        assert router is not None
        answer = router.complete([ask()])[0]
        router.close()
        return answer, len(server.seen)


@pytest.mark.parametrize("fault", TRANSIENT)
def test_transient_fault_is_tried_again(fault: str) -> None:
    limit = SLOW_FAULTS.get(fault, 20)
    answer, asked = _complete(
        lambda number, body: answers(GOOD) if number else TRANSIENT[fault][0], attempt_time_limit_s=limit
    )
    assert answer.data == GOOD_DATA
    assert (answer.attempts, asked) == (2, 2)
    assert (answer.provider, answer.model, answer.reason) == ("openai_chat", "m", None)
    assert answer.latency_s > 0


@pytest.mark.parametrize("fault", TRANSIENT)
def test_lasting_fault_costs_the_answer_only(fault: str) -> None:
    behaviour, error_type = TRANSIENT[fault]
    limit = SLOW_FAULTS.get(fault, 20)
    answer, asked = _complete(lambda number, body: behaviour, retry={"attempts": 2}, attempt_time_limit_s=limit)
    assert answer.data is None
    assert answer.error_type == error_type
    assert answer.retryable
    assert answer.reason.startswith("openai_chat: ")
    assert answer.provider is None
    assert asked == 2


@pytest.mark.parametrize("fault", INVALID)
def test_invalid_reply_is_shown_to_its_author_once(fault: str) -> None:
    answer, asked = _complete(lambda number, body: answers(GOOD) if number else INVALID[fault])
    if fault == "refusal":
        assert (answer.data, asked) == (None, 1)
        return
    assert answer.data == GOOD_DATA
    assert asked == 2
    assert (answer.tokens_in, answer.tokens_out) == (200, 40)


def test_repair_says_what_is_wrong() -> None:
    with serving(lambda number, body: answers(GOOD) if number else INVALID["label outside"]) as server:
        router = build_router(settings(server.url))
        assert router is not None
        router.complete([ask()])
        router.close()
        turns = server.seen[1].json()["messages"]
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant", "user"]
    assert "mortgage" in turns[2]["content"]
    assert "topic" in turns[3]["content"]
    assert "none of the 5 values allowed" in turns[3]["content"]


@pytest.mark.parametrize("fault", INVALID)
def test_reply_that_stays_invalid_is_no_answer(fault: str) -> None:
    answer, _ = _complete(lambda number, body: INVALID[fault])
    assert answer.data is None
    assert answer.error_type == "InvalidReply"
    assert not answer.retryable


@pytest.mark.parametrize("fault", UNREADABLE)
def test_unreadable_body_is_no_answer(fault: str) -> None:
    answer, _ = _complete(lambda number, body: UNREADABLE[fault])
    assert answer.data is None
    assert answer.error_type == "InvalidReply"


def test_no_server_at_all() -> None:
    with serving(lambda number, body: answers(GOOD)) as server:
        url = server.url
    router = build_router(settings(url))
    assert router is not None
    answer = router.complete([ask()])[0]
    assert (answer.data, answer.error_type, answer.attempts) == (None, "ServiceUnavailable", 3)
    router.close()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refusal_of_service_is_not_tried_again(status: int) -> None:
    answer, asked = _complete(lambda number, body: fails(status))
    assert (answer.data, answer.error_type, asked) == (None, "RequestRefused", 1)


def test_used_up_credit_is_not_tried_again() -> None:
    answer, asked = _complete(lambda number, body: fails(429, code="insufficient_quota"))
    assert (answer.error_type, asked) == ("RequestRefused", 1)


def test_retry_after_is_honoured_by_all_requests() -> None:
    with serving(lambda number, body: fails(429, {"Retry-After": "1"}) if number == 0 else answers(GOOD)) as server:
        router = build_router(settings(server.url, openai_chat={"concurrency": 1}))
        assert router is not None
        found = router.complete([ask("1"), ask("2")])
        router.close()
        moments = [seen.at_s for seen in server.seen]
    assert [answer.data for answer in found] == [GOOD_DATA, GOOD_DATA]
    assert moments[1] - moments[0] >= 0.99


def test_retry_after_beyond_the_longest_wait_passes_to_the_next() -> None:
    answer, asked = _complete(lambda number, body: fails(429, {"Retry-After": "3600"}))
    assert (answer.data, answer.error_type, asked) == (None, "Throttled", 1)


def test_request_time_limit_covers_all_attempts() -> None:
    answer, asked = _complete(
        lambda number, body: drips, request_time_limit_s=1, attempt_time_limit_s=0.4, retry={"attempts": 20}
    )
    assert answer.data is None
    assert asked <= 3


def test_drip_is_hung_up_on() -> None:
    """Not only left behind: the server sees its connection closed."""
    hung_up = threading.Event()

    def drips_until_cut(request: Request) -> Reply:
        def noticing() -> Generator[bytes, None, None]:
            try:
                yield from endless(piece=b" ", pause_s=0.02)
            finally:  # closed when a piece could not be sent
                hung_up.set()

        return Reply(200, noticing(), {"Content-Length": "100000"})

    with serving(lambda number, body: drips_until_cut) as server:
        router = build_router(settings(server.url, retry={"attempts": 1}, attempt_time_limit_s=0.5))
        assert router is not None
        assert router.complete([ask()])[0].error_type == "StageTimeout"
        assert hung_up.wait(10)
        router.close()


def test_two_hundred_calls_under_every_fault_at_once() -> None:
    """Calls lost 0, invented values 0."""
    luck = random.Random(5)
    faults = [*(behaviour for behaviour, _ in TRANSIENT.values() if behaviour is not is_silent)]
    faults += [*INVALID.values(), *UNREADABLE.values()]
    plan = [luck.choice(faults) if luck.random() < 0.5 else None for _ in range(4000)]

    def behave(number: int, body: Body) -> Answer:
        said = body["messages"][1]["content"]
        truth = json.dumps({"topic": "loan", "quotes": [said]})
        return plan[number] or body_is(chat(truth))

    with serving(behave) as server:
        router = build_router(
            settings(server.url, attempt_time_limit_s=1, openai_chat={"concurrency": 32}, retry={"attempts": 4})
        )
        assert router is not None
        keys = [f"call {number}" for number in range(200)]
        found = router.complete([ask(key, user=f"words of {key}") for key in keys])
        router.close()
    assert [answer.key for answer in found] == keys
    for answer in found:
        if answer.data is None:
            assert answer.reason
            assert answer.error_type
        else:
            assert answer.data == {"topic": "loan", "quotes": [f"words of {answer.key}"]}
    served = sum(answer.data is not None for answer in found)
    assert 100 < served < 200, "the faults must have cost some answers and not most"
