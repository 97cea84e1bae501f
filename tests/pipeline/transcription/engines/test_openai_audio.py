"""Against a real HTTP server on loopback."""

from __future__ import annotations

import io
import json
import socket
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from pipeline.config.areas.speech.prices import Price
from pipeline.config.areas.speech.recognisers import OpenAiAudioOptions
from pipeline.errors import ModelUnavailable
from pipeline.purse import SharedPurse
from pipeline.transcription.engine import COST_CEILING, SERVICE_UNAVAILABLE
from pipeline.transcription.engines.meter import Meter
from pipeline.transcription.engines.openai_audio import OpenAiAudioTranscriber
from tests.loopback import Reply, Request, endless, json_reply
from tests.pipeline.transcription.engines.audio_server import Answer, Server
from tests.pipeline.transcription.fakes import babble, request


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
    assert f"answered {status}" in answers["bad"].error
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


@pytest.mark.parametrize(("status", "serves"), [(404, True), (500, True), (502, False), (503, False), (504, False)])
def test_a_proxy_whose_server_is_down_is_no_sign_of_life(
    serve: Callable[..., Server], status: int, serves: bool
) -> None:
    engine = _engine(serve(lambda *_: (200, {"text": ""}), models_status=status).url)
    if serves:
        engine.load()
        return
    with pytest.raises(ModelUnavailable, match=rf"base_url\): the server answered {status}"):
        engine.load()


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


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_refused_in_mid_run_is_no_segment_s_fault(serve: Callable[..., Server], status: int) -> None:
    server = serve(lambda *_: (status, {"error": {"message": "revoked"}}))
    engine = _engine(server.url, max_attempts=3)
    engine.load()
    with pytest.raises(ModelUnavailable, match=f"refused \\({status}\\).*NO_SUCH_KEY"):
        list(engine.transcribe([request(babble(0.3), "a")]))
    assert len(server.forms) == 1


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_refused_segments_do_not_open_the_breaker_on_a_healthy_server(
    serve: Callable[..., Server], status: int
) -> None:
    def answer(form: dict[str, Any], _: int) -> tuple[int, Any]:
        return (200, {"text": "fine"}) if _heard(form) < 1 else (status, {"error": {"message": "too long"}})

    server = serve(answer)
    engine = _engine(server.url, breaker_failures=2, breaker_pause_s=60, concurrency=1)
    engine.load()
    answers = list(engine.transcribe(request(babble(2.0 if i < 4 else 0.5), str(i)) for i in range(5)))
    assert len(server.forms) == 5
    assert [SERVICE_UNAVAILABLE in one.flags for one in answers] == [False] * 5
    assert answers[-1].text == "fine"


def test_a_refusal_between_two_failures_shows_that_the_server_is_there(serve: Callable[..., Server]) -> None:
    server = serve(lambda _, number: ([500, 400][(number - 1) % 2], {"error": {"message": "x"}}))
    engine = _engine(server.url, max_attempts=1, breaker_failures=2, breaker_pause_s=60, concurrency=1)
    engine.load()
    list(engine.transcribe(request(babble(0.3), str(i)) for i in range(6)))
    assert len(server.forms) == 6


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(
            [{"word": "so", "start": 0.1, "end": 0.4}, {"word": "it", "start": 0.5, "end": None}], id="no end"
        ),
        pytest.param([{"word": "so", "start": None, "end": 0.4}], id="no start"),
        pytest.param([{"word": "so"}], id="no times"),
        pytest.param([{"word": "so", "start": float("nan"), "end": 0.4}], id="not a number"),
        pytest.param([{"word": "so", "start": "soon", "end": 0.4}], id="a word for a time"),
        pytest.param([{"word": None, "start": 0.1, "end": 0.4}], id="no word"),
        pytest.param(["so", "it"], id="words alone"),
        pytest.param({"so": 1}, id="no list"),
        pytest.param(5, id="a number"),
    ],
)
def test_words_without_both_times_are_left_out_and_the_text_is_kept(
    serve: Callable[..., Server], words: object
) -> None:
    server = serve(lambda *_: (200, {"text": "so it is", "words": words, "segments": [3, {"id": 0}]}))
    engine = _engine(server.url, response_format="verbose_json", word_times=True)
    engine.load()
    (answer,) = engine.transcribe([request(babble(1.0))])
    assert (answer.text, answer.words, answer.confidence, answer.error) == ("so it is", None, None, None)


BROKEN_BODIES = [
    pytest.param(b'{"text": "so it', "application/json", id="cut"),
    pytest.param(b"\xff\xfe{}", "application/json", id="no UTF-8"),
    pytest.param(b"", "application/json", id="empty"),
    pytest.param(b"<html>busy</html>", "text/html", id="a page of a proxy"),
]


@pytest.mark.parametrize(("body", "content_type"), BROKEN_BODIES)
def test_a_body_that_is_no_json_is_asked_for_again(
    serve: Callable[..., Server], body: bytes, content_type: str
) -> None:
    good = json.dumps({"text": "at last"}).encode()
    server = serve(lambda _, number: (200, good if number == 3 else body), content_type=content_type)
    engine = _engine(server.url)
    engine.load()
    assert [one.text for one in engine.transcribe([request(babble(0.5))])] == ["at last"]
    assert len(server.forms) == 3


@pytest.mark.parametrize(("body", "content_type"), BROKEN_BODIES)
def test_a_body_that_is_never_json_costs_one_segment_only(
    serve: Callable[..., Server], body: bytes, content_type: str
) -> None:
    good = json.dumps({"text": "fine"}).encode()
    server = serve(lambda form, _: (200, good if _heard(form) < 1 else body), content_type=content_type)
    engine = _engine(server.url, breaker_failures=1, breaker_pause_s=60, concurrency=1)
    engine.load()
    bad, fine = engine.transcribe([request(babble(2.0), "bad"), request(babble(0.5), "good")])
    assert "not JSON" in str(bad.error)
    assert (bad.text, bad.flags, fine.text) == ("", (), "fine")
    assert len(server.forms) == 5


@pytest.mark.parametrize("content", [None, [], 5, {"text": None}, {"text": ["so"]}])
def test_json_that_is_no_transcript_costs_one_segment_only(serve: Callable[..., Server], content: object) -> None:
    engine = _engine(serve(lambda form, _: (200, {"text": "fine"} if _heard(form) < 1 else content)).url, concurrency=1)
    engine.load()
    bad, good = engine.transcribe([request(babble(2.0), "bad"), request(babble(0.5), "good")])
    assert (bad.text, good.text) == ("", "fine")
    assert bad.error is not None


def test_the_connection_is_given_up_after_its_own_time(serve: Callable[..., Server]) -> None:
    """The server answers, then is there no more; whoever listens at its address takes no connection."""
    server = serve(lambda *_: (200, {"text": "never asked"}))
    engine = _engine(server.url, time_limit_s=20.0, max_attempts=1, connect_timeout_s=0.3)
    engine.load()
    server.stop()
    with ExitStack() as sockets:
        full = sockets.enter_context(socket.create_server(("127.0.0.1", server.port), backlog=0))
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        began = time.monotonic()
        (answer,) = engine.transcribe([request(babble(0.5))])
    assert time.monotonic() - began < 10.0
    assert SERVICE_UNAVAILABLE in answer.flags


@pytest.mark.parametrize(
    ("segments", "confidence"),
    [
        ([(0.0, 1.0, 0.8), (1.0, 1.0, 0.1)], 0.8),
        ([(0.0, 1.0, 0.8), (1.0, 0.5, 0.1)], 0.8),
        ([(0.0, 1.0, 0.8), (None, 2.0, 0.1)], 0.8),
        ([(0.0, 1.0, 0.25), (1.0, 2.0, 1.0)], 0.5),
        ([(1.0, 1.0, 0.1), (1.0, 2.0, 0.8)], 0.8),
        ([(1.0, 1.0, 0.8)], None),
        ([(0.0, 1.0, 0.8), (1.0, 2.0, None)], None),
        ([(0.0, 1.0, 1e300)], 1.0),
        ([], None),
    ],
)
def test_a_server_segment_of_no_length_does_not_cost_the_confidence(
    serve: Callable[..., Server],
    segments: Sequence[tuple[float | None, float, float | None]],
    confidence: float | None,
) -> None:
    said = [
        {"id": n, "start": start, "end": end, "text": "", "avg_logprob": None if mean is None else float(np.log(mean))}
        for n, (start, end, mean) in enumerate(segments)
    ]
    engine = _engine(serve(lambda *_: (200, {"text": "so", "segments": said})).url, response_format="verbose_json")
    engine.load()
    (answer,) = engine.transcribe([request(babble(2.0))])
    assert answer.confidence == (None if confidence is None else pytest.approx(confidence))


@pytest.mark.parametrize(
    ("named", "code"),
    [("hebrew", "he"), ("Persian", "fa"), ("uk", "uk"), ("pt-BR", "pt"), ("klingonese", None), (5, None)],
)
def test_the_language_is_known_by_name_or_code(serve: Callable[..., Server], named: object, code: str | None) -> None:
    engine = _engine(serve(lambda *_: (200, {"text": "so", "language": named})).url, response_format="verbose_json")
    engine.load()
    (answer,) = engine.transcribe([request(babble(0.5), language=None)])
    assert answer.language == code


@pytest.mark.parametrize("trouble", ["hangs", "throttles"])
def test_a_segment_is_put_off_before_the_supervisor_loses_patience(serve: Callable[..., Server], trouble: str) -> None:
    """The supervisor's limit for a segment tried alone is the same number of seconds."""

    def answer(*_: object) -> tuple[int, Any]:
        if trouble == "hangs":
            time.sleep(5.0)
        return 429, {"error": {"message": "later"}}

    engine = _engine(serve(answer).url, time_limit_s=4.0, max_attempts=10, backoff_initial_s=60, backoff_max_s=60)
    engine.load()
    began = time.monotonic()
    (result,) = engine.transcribe([request(babble(0.5))])
    assert time.monotonic() - began < 4.0
    assert SERVICE_UNAVAILABLE in result.flags


WORDS = "my xylophone was stolen"


def _echo(request: Request) -> Reply:
    said = f"{request.body!r} {request.headers} {WORDS}"
    return json_reply({"error": {"message": said, "type": said, "code": said}}, 400)


def _plain_words(request: Request) -> Reply:
    said = f"{WORDS} {request.headers['authorization']}"
    return Reply(200, said.encode(), {"Content-Type": "text/plain"})


def _endless(_: Request) -> Reply:
    return Reply(200, endless(b'{"text": "', b"x" * 1_000_000), {"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("answer", "told"),
    [(_echo, "answered 400"), (_plain_words, "characters of text"), (_endless, "longer than 32,000,000 bytes")],
)
def test_a_server_that_quotes_or_never_ends_costs_one_segment_and_is_told_without_its_words(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, answer: Callable[[Request], Reply], told: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "Kq7-odd.key")
    server = serve(lambda form, number: (200, {}))
    engine = _engine(server.url, api_key_env="OPENAI_API_KEY", max_attempts=1)
    engine.load()
    server.instead = answer
    (result,) = engine.transcribe([request(babble(0.5), "a")])
    engine.close()
    assert told in str(result.error)
    assert "xylophone" not in str(result.error)
    assert "Kq7-odd" not in str(result.error)


def test_audio_does_not_follow_a_redirect(serve: Callable[..., Server]) -> None:
    elsewhere = serve(lambda form, number: (200, {"text": "caught"}))
    server = serve(lambda form, number: (200, {}))
    engine = _engine(server.url, max_attempts=1)
    engine.load()

    def redirect(_: Request) -> Reply:
        return Reply(307, headers={"Location": f"{elsewhere.url}/audio/transcriptions"})

    server.instead = redirect
    (result,) = engine.transcribe([request(babble(0.5), "a")])
    engine.close()
    assert elsewhere.forms == []
    assert "answered 307" in str(result.error)


@pytest.mark.parametrize(("status", "charged_s"), [(200, 1), (400, 0), (429, 1)])
def test_a_server_that_is_paid_charges_for_what_it_did_and_no_more(
    serve: Callable[..., Server], status: int, charged_s: int
) -> None:
    server = serve(lambda _, number: (200 if number > 1 else status, {"text": "fine"}))
    engine, purse = _engine(server.url), SharedPurse()
    engine.load()
    engine.meter = Meter(Price(usd_per_minute=6.0), 0.15, purse)
    (first,) = engine.transcribe([request(babble(0.5))])
    assert (first.error is None) == (status != 400)
    assert purse.now.units == charged_s
    assert purse.now.cost_usd == pytest.approx(0.1 * charged_s)
    sent = len(server.forms)
    (second,) = engine.transcribe([request(babble(1.5))])
    assert second.flags == (COST_CEILING,)
    assert second.error is not None
    assert "transcription.max_cost_usd 0.15 leaves no room" in second.error
    assert len(server.forms) == sent


def test_languages_the_server_does_not_know_and_nothing_to_hear_are_not_sent(serve: Callable[..., Server]) -> None:
    server = serve(lambda form, _: (200, {"text": "words"}))
    engine = _engine(server.url, languages=["en", "fr"])
    engine.load()
    requests = [
        request(babble(1.0), "it", "it"),
        request(babble(1.0)[:0], "nothing", "en"),
        request(babble(1.0), "fr", "fr"),
        request(babble(1.0), "unknown", None),
    ]
    found = {one.key: (one.text, one.flags, one.error) for one in engine.transcribe(iter(requests))}
    assert found == {
        "it": ("", ("language_unsupported",), None),
        "nothing": ("", (), None),
        "fr": ("words", (), None),
        "unknown": ("words", (), None),
    }
    assert len(server.forms) == 2
    engine.close()
