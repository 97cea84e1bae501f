"""Loopback servers that speak the vendors' protocols, with the faults of real ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.loopback import Answer, Loopback, Reply, Request, json_reply, listening

Body = Mapping[str, Any]


@contextmanager
def serving(behave: Callable[[int, Body], Answer]) -> Iterator[Loopback]:
    """Answers by `behave(number of the request from 0, its body)`."""
    with listening(lambda request: behave(request.number - 1, request.json())(request), keep_alive=True) as server:
        yield server


def send(status: int, payload: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, payload, {"Content-Type": "application/json", **(headers or {})})


def chat(text: str, **more: Any) -> bytes:
    """A chat completion as OpenAI's service gives it."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}, "logprobs": None}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice | more],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        }
    ).encode()


def answers(text: str, **more: Any) -> Answer:
    return lambda _: send(200, chat(text, **more))


def fails(status: int, headers: Mapping[str, str] | None = None, **error: str) -> Answer:
    return lambda _: json_reply({"error": {"message": "no luck", "type": "test"} | error}, status, headers)


def body_is(payload: bytes) -> Answer:
    return lambda _: send(200, payload)


def cuts(_: Request) -> Reply:
    """Half an answer, then a closed connection."""
    return Reply(200, b'{"id": "chatcmpl-1", "cho', {"Content-Type": "application/json"}, missing_bytes=475)


def is_silent(request: Request) -> None:
    """Takes the request and says nothing."""
    request.stopping.wait(20)
    request.handler.close_connection = True


def drips(request: Request) -> Reply:
    """A valid answer, a byte at a time: no single read is ever late."""

    def bytes_one_by_one() -> Generator[bytes, None, None]:
        while not request.stopping.wait(0.02):
            yield b" "

    return Reply(200, bytes_one_by_one(), {"Content-Type": "application/json", "Content-Length": "100000"})
