"""A loopback server in OpenAI's protocol with a real model: schema kept to, probabilities of the tokens told.

As vLLM does with a schema and logprobs; requests that come within a moment of each other are answered together.
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

from analysis.llm.local.attention import use_vector_attention
from analysis.llm.local.decoding import Writing
from analysis.llm.local.gates import use_vector_gates
from analysis.llm.local.model import LocalModel
from analysis.llm.provider import LLMRequest, Reply
from pipeline.children.worker import Worker
from pipeline.config.areas.llm import MlxLmSettings

_DAY_S = 86_400.0
_GATHERED_S = 3.0
"""After this long without a further request those that came are answered."""


Told = tuple[Reply, Sequence[tuple[bytes, float]]]
"""A reply, and its tokens with their log-probabilities."""


class _TellsTokens(LocalModel):
    def __init__(self, settings: MlxLmSettings) -> None:
        super().__init__(settings)
        self.tokens: dict[str, list[tuple[bytes, float]]] = {}

    def _reply(self, sequence: Writing) -> Reply:
        tokens = [token for token in sequence.constraint.tokens if token not in self._ends]
        pieces = [self._grammar_tokenizer.decode_bytes([token]) for token in tokens]
        self.tokens[sequence.request.key] = list(zip(pieces, sequence.logprobs, strict=False))
        return super()._reply(sequence)


def build_telling_model(settings: MlxLmSettings) -> Callable[[Sequence[LLMRequest]], list[Told]]:
    """For `Worker`."""
    use_vector_attention()
    use_vector_gates()
    model = _TellsTokens(settings)
    return lambda requests: [(reply, model.tokens.get(reply.key, [])) for reply in model(requests)]


class _Desk:
    """Gathers requests for the one process that has the model."""

    def __init__(self, model: Path) -> None:
        self._waiting: queue.Queue[tuple[dict[str, Any], Future[dict[str, Any]]] | None] = queue.Queue()
        settings = (MlxLmSettings(model=str(model)),)
        self._model = Worker("served model", build_telling_model, settings, limit_key="none")
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        answer: Future[dict[str, Any]] = Future()
        self._waiting.put((body, answer))
        return answer.result()

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()
        self._model.close()

    def _work(self) -> None:
        while gathered := self._gathered():
            requests = [_request(str(number), body) for number, (body, _) in enumerate(gathered)]
            told: list[Told] = self._model.call(requests, _DAY_S)
            for (reply, tokens), (_, answer) in zip(told, gathered, strict=True):
                answer.set_result(_completion(reply, tokens))

    def _gathered(self) -> list[tuple[dict[str, Any], Future[dict[str, Any]]]]:
        """Those that came; none when the server is closed."""
        gathered = []
        one = self._waiting.get()
        while one is not None:
            gathered.append(one)
            try:
                one = self._waiting.get(timeout=_GATHERED_S)
            except queue.Empty:
                break
        return gathered


def _request(key: str, body: dict[str, Any]) -> LLMRequest:
    schema = body["response_format"]["json_schema"]["schema"]
    system, user = (message["content"] for message in body["messages"][:2])
    return LLMRequest(
        key=key,
        purpose="served",
        system=system,
        user=user,
        schema=schema,
        max_tokens=body.get("max_completion_tokens") or body["max_tokens"],
        label_fields=tuple(schema["properties"]),
    )


def _completion(reply: Reply, tokens: Sequence[tuple[bytes, float]]) -> dict[str, Any]:
    content = [
        {"token": piece.decode(errors="replace"), "bytes": list(piece), "logprob": value, "top_logprobs": []}
        for piece, value in tokens
    ]
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": reply.text},
        "logprobs": {"content": content},
    }
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
