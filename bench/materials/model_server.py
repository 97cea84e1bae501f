"""A loopback server in OpenAI's protocol with a real model: schema kept to, likelihood of a prompt told.

As vLLM does with a schema and with `echo`; requests that come within a moment of each other are answered together.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from analysis.llm.local.attention import use_vector_attention
from analysis.llm.local.gates import use_vector_gates
from analysis.llm.local.model import LocalModel
from analysis.llm.provider import LLMRequest, Reply
from pipeline.children.worker import Worker
from pipeline.config.areas.llm import MlxLmSettings

_DAY_S = 86_400.0
_GATHERED_S = 3.0
"""After this long without a further request those that came are answered."""

Body = dict[str, Any]


class _Echoing(LocalModel):
    """Tells how likely it finds a text, token by token."""

    def echo(self, body: Body) -> Body:
        choices = [self._echoed(index, prompt) for index, prompt in enumerate(body["prompt"])]
        read = sum(len(choice["logprobs"]["tokens"]) for choice in choices)
        usage = {"prompt_tokens": read, "completion_tokens": 0}
        return {"id": "0", "object": "text_completion", "created": 0, "model": "m", "choices": choices, "usage": usage}

    def _echoed(self, index: int, prompt: str) -> Body:
        import mlx.core as mx

        spelled = self._tokenizer._tokenizer(prompt, return_offsets_mapping=True, add_special_tokens=False)
        tokens, offsets = spelled["input_ids"], [start for start, _ in spelled["offset_mapping"]]
        logits = self._model(mx.array([tokens]))[0].astype(mx.float32)
        chosen = mx.take_along_axis(logits[:-1], mx.array(tokens[1:])[:, None], axis=-1)[:, 0]
        found = np.array(chosen - mx.logsumexp(logits[:-1], axis=-1)).tolist()
        told = {"tokens": [str(token) for token in tokens], "token_logprobs": [None, *found], "text_offset": offsets}
        return {"index": index, "text": prompt, "logprobs": told, "finish_reason": "length"}


def build_served_model(settings: MlxLmSettings) -> Callable[[Sequence[Body]], list[Body]]:
    """For `Worker`: bodies of requests to bodies of answers."""
    use_vector_attention()
    use_vector_gates()
    model = _Echoing(settings)

    def answer(bodies: Sequence[Body]) -> list[Body]:
        asked = {index: _request(str(index), body) for index, body in enumerate(bodies) if "messages" in body}
        replies = dict(zip(asked, model([*asked.values()]), strict=True))
        return [
            _completion(replies[index]) if index in replies else model.echo(body) for index, body in enumerate(bodies)
        ]

    return answer


class _Desk:
    """Gathers requests for the one process that has the model."""

    def __init__(self, model: Path) -> None:
        self._waiting: queue.Queue[tuple[Body, Future[Body]] | None] = queue.Queue()
        settings = (MlxLmSettings(model=str(model)),)
        self._model = Worker("served model", build_served_model, settings, limit_key="none")
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    def ask(self, body: Body) -> Body:
        answer: Future[Body] = Future()
        self._waiting.put((body, answer))
        return answer.result()

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()
        self._model.close()

    def _work(self) -> None:
        while gathered := self._gathered():
            told: list[Body] = self._model.call([body for body, _ in gathered], _DAY_S)
            for answered, (_, answer) in zip(told, gathered, strict=True):
                answer.set_result(answered)

    def _gathered(self) -> list[tuple[Body, Future[Body]]]:
        """Those that came; none when the server is closed."""
        gathered = []
        waiting = self._waiting.get()
        while waiting is not None:
            gathered.append(waiting)
            try:
                waiting = self._waiting.get(timeout=_GATHERED_S)
            except queue.Empty:
                break
        return gathered


def _request(key: str, body: Body) -> LLMRequest:
    schema = body["response_format"]["json_schema"]["schema"]
    system, user = (message["content"] for message in body["messages"][:2])
    return LLMRequest(
        key=key,
        purpose="served",
        system=system,
        user=user,
        schema=schema,
        max_tokens=body.get("max_completion_tokens") or body["max_tokens"],
    )


def _completion(reply: Reply) -> Body:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": reply.text}}
    usage = {"prompt_tokens": reply.tokens_in, "completion_tokens": reply.tokens_out}
    return {
        "id": reply.key,
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


@contextmanager
def model_server(model: Path) -> Iterator[str]:
    """Its address, for the length of a `with`."""
    desk = _Desk(model)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = json.dumps(desk.ask(body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        desk.close()
