"""What an outside service may do to us: quote us, send us elsewhere, never stop talking. None of it has an effect."""

from __future__ import annotations

import gzip
import json
import logging

import pytest

from analysis.llm.choice import build_router
from analysis.llm.provider import LLMAnswer
from pipeline.config.areas.llm import LanguageModelSettings
from pipeline.log_lines import PlainLines
from pipeline.outside import refusal
from tests.analysis.llm.conftest import ask, settings
from tests.analysis.llm.servers import answers, send, serving
from tests.loopback import Answer, Reply, Request, endless, json_reply

KEY = "Kq7-odd.key-of-no-known-shape"
WORDS = "my xylophone was stolen by a quokka"
PROVIDERS = ("openai_chat", "anthropic", "bedrock")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ID0123456789")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def chosen(provider: str, url: str) -> LanguageModelSettings:
    bedrock = {"model": "m", "region": "eu-west-1", "endpoint_url": url}
    return settings(
        url,
        providers=[provider],
        anthropic={"model": "m", "base_url": url},
        bedrock=bedrock,
        retry={"attempts": 1, "repairs": 0},
    )


def asked(provider: str, url: str) -> LLMAnswer:
    router = build_router(chosen(provider, url))
    assert router is not None
    try:
        return router.complete([ask(user=WORDS)])[0]
    finally:
        router.close()


def echoes(status: int) -> Answer:
    """The error body holds all that was sent, in every place vendors have for it."""

    def answer(request: Request) -> Reply:
        said = f"bad request with {request.headers} and {request.text}"
        error = {"message": said, "type": said, "code": said, "param": said, "details": [{"input": said}]}
        return json_reply({"error": error, "message": said, "type": "error"}, status)

    return answer


def repeats(request: Request) -> Reply:
    """A body of the right status and of no shape anybody knows, in words of the call."""
    return send(200, f"{WORDS} {request.headers}".encode())


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500, 503, "no JSON"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_error_that_quotes_what_was_sent_is_told_without_it(
    provider: str, status: int | str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving(lambda number, body: echoes(status) if isinstance(status, int) else repeats) as server:
        answer = asked(provider, server.url)
        assert WORDS in server.seen[0].text
    logged = "\n".join(PlainLines().format(record) for record in caplog.records)
    told = f"{answer.reason}\n{answer.passed_over}\n{logged}"
    assert answer.data is None
    assert provider in told
    assert not [word for word in ("xylophone", "quokka", KEY, KEY[:12], "ID0123456789") if word in told]


REPLIES = {
    "no JSON": WORDS,
    "unfinished": f'{{"topic": "{WORDS}',
    "a text": json.dumps(WORDS),
    "label outside": json.dumps({"topic": WORDS, "quotes": [WORDS]}),
    "other type": json.dumps({"topic": "loan", "quotes": {WORDS: WORDS}}),
    "other name": json.dumps({WORDS: 1}),
    "name within": json.dumps({"topic": {WORDS: [WORDS]}, "quotes": [{WORDS: 1}]}),
    "number": json.dumps({"topic": 4111111111111111, "quotes": [4111111111111111]}),
    "fenced": f"```json\n{WORDS}\n```",
}


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_that_cannot_be_used_is_told_by_its_shape(reply: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with serving(lambda number, body: answers(REPLIES[reply])) as server:
        answer = asked("openai_chat", server.url)
    told = f"{answer.reason}\n{answer.passed_over}\n{caplog.text}"
    assert (answer.data, answer.error_type) == (None, "InvalidReply")
    assert not [word for word in ("xylophone", "quokka", "41111111") if word in told]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_redirect_is_followed(provider: str, status: int) -> None:
    with serving(lambda number, body: answers("{}")) as elsewhere:

        def redirects(request: Request) -> Reply:
            return send(status, b"{}", {"Location": f"{elsewhere.url}{request.target}"})

        with serving(lambda number, body: redirects) as server:
            answer = asked(provider, server.url)
            assert len(server.seen) == 1
        assert elsewhere.seen == []
    assert answer.data is None
    if (provider, status) != ("bedrock", 303):  # boto3 stumbles over that one
        assert f"answered {status}" in str(answer.reason)


def pours(status: int) -> Answer:
    """A JSON text without an end."""
    return lambda _: Reply(status, endless(b'{"message": "', b"x" * 1_000_000), {"Content-Type": "application/json"})


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_without_end_is_dropped_at_the_limit(provider: str, status: int) -> None:
    with serving(lambda number, body: pours(status)) as server:
        answer = asked(provider, server.url)
    assert (answer.data, answer.error_type) == (None, "AnswerTooLong")
    assert "longer than 32,000,000 bytes" in str(answer.reason)


@pytest.mark.parametrize("provider", ["openai_chat", "anthropic"])
def test_an_answer_that_unpacks_to_more_is_not_unpacked(provider: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    with serving(lambda number, body: lambda _: send(200, bomb, {"Content-Encoding": "gzip"})) as server:
        answer = asked(provider, server.url)
        assert server.seen[0].headers["accept-encoding"] == "identity"
    assert answer.error_type == "InvalidReply"
    assert "compressed" in str(answer.reason)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"error": {"code": "model_not_found", "type": "invalid_request_error"}},
            "model_not_found, invalid_request_error",
        ),
        ({"code": "two words"}, None),
        ({"code": 17}, None),
        ({"code": "x" * 80}, None),
        ({"error": "text"}, None),
        ("text", None),
        (None, None),
    ],
)
def test_of_a_refusal_the_status_and_the_kinds_are_told(body: object, told: str | None) -> None:
    assert refusal("it", 418, body) == (f"it answered 418 ({told})" if told else "it answered 418")
