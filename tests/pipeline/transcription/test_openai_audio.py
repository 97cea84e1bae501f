"""Against a real HTTP server on loopback."""

from __future__ import annotations

import io
import json
import socket
import time
import wave
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import numpy as np
import pytest

from pipeline.config.recognisers import OpenAiAudioOptions
from pipeline.errors import ModelUnavailable, ServiceUnavailable
from pipeline.transcription.openai_audio import Breaker, OpenAiAudioTranscriber
from tests.pipeline.transcription.fakes import babble, request

Answer = Callable[[dict[str, Any], int], tuple[int, dict[str, Any]]]


class Server:
    """Answers `/v1/audio/transcriptions` by a function of the form's fields and the number of the request."""

    def __init__(self, answer: Answer, models_status: int = 404) -> None:
        self.forms: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        lock = Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.keys.append(self.headers.get("Authorization"))
                self._send(models_status, {"object": "list", "data": []})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                message = BytesParser().parsebytes(
                    b"Content-Type: " + self.headers["Content-Type"].encode() + b"\n\n" + body
                )
                form: dict[str, Any] = {
                    str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
                    for part in message.walk()
                    if not part.is_multipart()
                }
                with lock:
                    outer.forms.append(form)
                    number = len(outer.forms)
                self._send(*answer(form, number))

            def _send(self, status: int, content: dict[str, Any]) -> None:
                data = json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except BrokenPipeError:
                    pass

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(answer: Answer, **options: Any) -> Server:
        servers.append(Server(answer, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def _engine(url: str, time_limit_s: float = 5.0, **options: object) -> OpenAiAudioTranscriber:
    values = {
        "base_url": url,
        "backoff_initial_s": 0.001,
        "backoff_max_s": 0.002,
        "api_key_env": "NO_SUCH_KEY",
        **options,
    }
    return OpenAiAudioTranscriber(OpenAiAudioOptions.model_validate(values), time_limit_s)


def _heard(form: dict[str, Any]) -> float:
    with wave.open(io.BytesIO(form["file"])) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 16_000, 2)
        return float(file.getnframes() / file.getframerate())


def test_audio_language_and_vocabulary_arrive_and_the_text_comes_back(serve: Callable[..., Server]) -> None:
    server = serve(lambda form, _: (200, {"text": f" {_heard(form):.1f} seconds "}))
    engine = _engine(server.url, model="m1")
    described = engine.load()
    assert (described.engine, described.model, described.takes_context) == ("openai_audio", "m1", True)
    requests = [request(babble(0.5 * (i + 1)), str(i), "fr", "Visa, RIB") for i in range(6)]
    answers = {one.key: one for one in engine.transcribe(iter(requests))}
    assert {key: one.text for key, one in answers.items()} == {str(i): f"{0.5 * (i + 1):.1f} seconds" for i in range(6)}
    assert {one.language for one in answers.values()} == {"fr"}
    assert server.forms[0]["language"] == b"fr"
    assert server.forms[0]["prompt"] == b"Visa, RIB"
    assert server.forms[0]["model"] == b"m1"
    engine.close()


def test_verbose_reply_gives_confidence_words_and_language(serve: Callable[..., Server]) -> None:
    reply = {
        "text": "hello there",
        "language": "english",
        "duration": 1.0,
        "segments": [
            {"id": 0, "start": 0.0, "end": 1.0, "text": "hello there", "avg_logprob": float(np.log(0.8))},
        ],
        "words": [{"word": "hello", "start": 0.1, "end": 0.4}, {"word": "there", "start": 0.5, "end": 9.0}],
    }
    server = serve(lambda *_: (200, reply))
    engine = _engine(server.url, response_format="verbose_json", word_times=True)
    engine.load()
    answer = next(iter(engine.transcribe([request(babble(1.0), language=None)])))
    assert answer.language == "en"
    assert answer.confidence == pytest.approx(0.8)
    assert answer.words is not None
    assert [(word.start_s, word.end_s) for word in answer.words] == [(0.1, 0.4), (0.5, 1.0)]


@pytest.mark.parametrize("status", [429, 500, 503, 409])
def test_passing_troubles_are_tried_again(serve: Callable[..., Server], status: int) -> None:
    server = serve(
        lambda _, number: (200, {"text": "at last"}) if number == 3 else (status, {"error": {"message": "x"}})
    )
    engine = _engine(server.url)
    engine.load()
    assert [one.text for one in engine.transcribe([request(babble(0.5))])] == ["at last"]
    assert len(server.forms) == 3


@pytest.mark.parametrize(("status", "tries"), [(400, 1), (422, 1), (500, 4)])
def test_a_final_error_costs_one_segment_only(serve: Callable[..., Server], status: int, tries: int) -> None:
    def answer(form: dict[str, Any], _: int) -> tuple[int, dict[str, Any]]:
        return (200, {"text": "fine"}) if _heard(form) < 1 else (status, {"error": {"message": "no good"}})

    server = serve(answer)
    engine = _engine(server.url)
    engine.load()
    answers = {one.key: one for one in engine.transcribe([request(babble(2.0), "bad"), request(babble(0.5), "good")])}
    assert answers["good"].text == "fine"
    assert answers["bad"].text == ""
    assert answers["bad"].error is not None
    assert "no good" in answers["bad"].error
    assert len(server.forms) == tries + 1


def test_a_server_that_hangs_is_given_up_at_the_time_limit(serve: Callable[..., Server]) -> None:
    def answer(*_: object) -> tuple[int, dict[str, Any]]:
        time.sleep(1.0)
        return 200, {"text": "too late"}

    server = serve(answer)
    engine = _engine(server.url, time_limit_s=0.2, max_attempts=10)
    engine.load()
    answer_ = next(iter(engine.transcribe([request(babble(0.5))])))
    assert answer_.error is not None
    assert "Timeout" in answer_.error


def test_a_reply_without_text_is_no_transcript(serve: Callable[..., Server]) -> None:
    engine = _engine(serve(lambda *_: (200, {"transcript": "elsewhere"})).url)
    engine.load()
    answer = next(iter(engine.transcribe([request(babble(0.5))])))
    assert answer.error is not None
    assert answer.text == ""


def test_nobody_at_the_address(serve: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ModelUnavailable, match="base_url"):
        _engine(f"http://127.0.0.1:{port}/v1", connect_timeout_s=0.5).load()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_variable(serve: Callable[..., Server], status: int) -> None:
    server = serve(lambda *_: (200, {"text": ""}), models_status=status)
    with pytest.raises(ModelUnavailable, match="NO_SUCH_KEY"):
        _engine(server.url).load()


def test_the_breaker_leaves_a_failing_server_alone(serve: Callable[..., Server]) -> None:
    server = serve(lambda *_: (500, {"error": {"message": "down"}}))
    engine = _engine(server.url, max_attempts=1, breaker_failures=2, breaker_pause_s=60, concurrency=1)
    engine.load()
    answers = list(engine.transcribe(request(babble(0.3), str(i)) for i in range(6)))
    assert len(server.forms) == 2
    assert all(one.error for one in answers)
    assert "left alone" in str(answers[-1].error)


def test_the_breaker_closes_again() -> None:
    breaker = Breaker(failures=1, pause_s=0.0)
    breaker.failed()
    breaker.check()
    breaker = Breaker(failures=1, pause_s=60.0)
    breaker.failed()
    with pytest.raises(ServiceUnavailable):
        breaker.check()
