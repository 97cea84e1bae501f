"""What every HTTP provider shares: errors by status, how long to wait, likelihoods told by an echo."""

from __future__ import annotations

import email.utils
import math
import time
from types import SimpleNamespace
from typing import Any

import pytest

from analysis.llm.provider import Choice, Option, RequestRefused, Throttled
from analysis.llm.providers.likelihoods import echoed, told_likelihoods
from analysis.llm.providers.remote import environment_key, error_for_status, retry_after_s
from analysis.llm.weighing import chosen, weighed
from pipeline.errors import EarshotError, InvalidReply, ServiceUnavailable


@pytest.mark.parametrize(
    ("status", "headers", "kind", "wait_s"),
    [
        (429, None, Throttled, None),
        (429, {"retry-after": "7"}, Throttled, 7.0),
        (503, {"retry-after": "7"}, Throttled, 7.0),
        (503, {"x": "7"}, ServiceUnavailable, None),
        (503, None, ServiceUnavailable, None),
        (408, None, ServiceUnavailable, None),
        (409, None, ServiceUnavailable, None),
        (425, None, ServiceUnavailable, None),
        (500, None, ServiceUnavailable, None),
        (599, None, ServiceUnavailable, None),
        (400, None, InvalidReply, None),
        (413, None, InvalidReply, None),
        (422, None, InvalidReply, None),
        (401, {"retry-after": "7"}, RequestRefused, None),
        (404, None, RequestRefused, None),
        (499, None, RequestRefused, None),
    ],
)
def test_a_status_stands_for_an_error(
    status: int, headers: dict[str, str] | None, kind: type[EarshotError], wait_s: float | None
) -> None:
    error = error_for_status("chat", status, None, headers, "no")
    assert type(error) is kind
    assert str(status) in str(error)
    assert getattr(error, "retry_after_s", None) == wait_s
    if kind is InvalidReply:
        assert str(error).endswith("(the request itself was refused)")
    if kind is RequestRefused:
        assert str(error).endswith("; check the model's name, the address and the credentials")


def test_a_quota_that_is_used_up_is_not_waited_for() -> None:
    body = {"error": {"code": "insufficient_quota", "message": "m"}}
    assert type(error_for_status("chat", 429, body)) is RequestRefused


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "-1"}, 0.0),
        ({"retry-after-ms": "soon"}, None),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"Retry-After": "4"}, 4.0),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_how_long_to_wait_is_read(headers: dict[str, str], wait_s: float | None) -> None:
    assert retry_after_s(headers) == wait_s


def test_a_date_to_wait_for_is_counted_from_now() -> None:
    wait_s = retry_after_s({"retry-after": email.utils.formatdate(time.time() + 1000, usegmt=True)})
    assert wait_s is not None
    assert 900 < wait_s <= 1000


def test_an_empty_credential_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "")
    assert environment_key("A_KEY") is None
    monkeypatch.setenv("A_KEY", "k")
    assert environment_key("A_KEY") == "k"


def choice(temperature: float = 1.0) -> Choice:
    options = (
        Option(value="yes", given="Is it? \n", said="Yes", prior=0.0),
        Option(value="no", given="Is it?", said="No", prior=math.log(2)),
        Option(value="yes", given="Is it?", said="Sure", prior=0.0),
    )
    return Choice(fills="answer", options=options, others={"why": ""}, temperature=temperature)


def test_the_prompt_is_echoed_with_what_is_said() -> None:
    assert echoed("m", choice()) == {
        "model": "m", "prompt": ["Is it?\n\nYes", "Is it?\n\nNo", "Is it?\n\nSure"], "max_tokens": 1,
        "temperature": 0.0, "echo": True, "logprobs": 1,
    }  # fmt: skip


def answer(text: str, offsets: Any, values: Any, index: int) -> Any:
    told = SimpleNamespace(text_offset=offsets, token_logprobs=values)
    return SimpleNamespace(text=text, logprobs=told, index=index)


def answered(*changed: Any) -> Any:
    """The three options, out of order; each is told by two tokens of its own, one before them and one behind."""
    choices = [
        answer("Is it?\n\nSure!", [0, 8, 9, 12], [None, -0.5, -0.5, -9.0], 2),
        answer("Is it?\n\nYes!", [0, 8, 10, 11], [None, -1.0, -1.0, -9.0], 0),
        answer("Is it?\n\nNo!", [0, 8, 9, 10], [None, -2.0, -1.0, -9.0], 1),
    ]
    return SimpleNamespace(choices=[*choices[len(changed) :], *changed], usage=SimpleNamespace(prompt_tokens=12))


def test_shares_are_of_the_tokens_of_what_is_said() -> None:
    found = told_likelihoods(choice(), answered())
    assert found is not None
    weights = {"yes": math.exp(-2.0) + math.exp(-1.0), "no": 2 * math.exp(-3.0)}
    assert found.shares == pytest.approx({key: value / sum(weights.values()) for key, value in weights.items()})
    assert (found.best, found.tokens) == ("yes", 12)


@pytest.mark.parametrize(
    "told",
    [
        SimpleNamespace(choices=None),
        SimpleNamespace(choices=[]),
        SimpleNamespace(choices=[1, 2]),
        answered(answer("Sure!", [0, 8, 9, 12], [None, -0.5, -0.5, -9.0], 2)),
        answered(answer("Is it?\n\nSure!", None, [None], 2)),
        answered(answer("Is it?\n\nSure!", [0, 8], None, 2)),
        answered(answer("Is it?\n\nSure!", [0, 8, 9], [None, -0.5], 2)),
        answered(answer("Is it?\n\nSure!", [0, 12], [None, -0.5], 2)),
        answered(answer("Is it?\n\nSure!", [0, 8], [None, None], 2)),
        answered(answer("Is it?\n\nSure!", [0, 8], [None, math.inf], 2)),
    ],
)
def test_what_does_not_tell_every_option_tells_nothing(told: Any) -> None:
    assert told_likelihoods(choice(), told) is None


def test_tokens_that_are_not_told_count_none() -> None:
    told = answered()
    told.usage = None
    found = told_likelihoods(choice(), told)
    assert found is not None
    assert found.tokens == 0


def test_temperature_and_priors_weigh_and_the_likeliest_is_the_reply() -> None:
    found = weighed(choice(temperature=2.0), [-4.0, -2.0, -6.0], 7)
    weights = {"yes": math.exp(-2.0) + math.exp(-3.0), "no": 2 * math.exp(-1.0)}
    assert found.shares == pytest.approx({key: value / sum(weights.values()) for key, value in weights.items()})
    reply = chosen("k", choice(), found)
    assert (reply.key, reply.text, reply.tokens_in, reply.tokens_out) == ("k", '{"why": "", "answer": "no"}', 7, 0)
    assert reply.label_probabilities == {"answer": found.shares}
