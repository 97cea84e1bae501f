"""Any server with `/v1/audio/transcriptions`, through the `openai` client. The audio leaves this machine.

A refused key (401, 403) ends the run. Retried, with exponential backoff and jitter: `APIConnectionError`,
`APITimeoutError`, `RateLimitError` (429), `InternalServerError` (5xx), `ConflictError` (409), and a reply that is no
JSON. Every other error is final for the segment at once.

Confidence needs `response_format: verbose_json` and a server that fills in `avg_logprob`: the exponential of the mean
log-probability per token, weighted by the duration of the server's segments. None otherwise.
"""

from __future__ import annotations

import io
import json
import math
import os
import time
import wave
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from pipeline.breaker import Breaker
from pipeline.config.areas.speech.recognisers import OpenAiAudioOptions
from pipeline.errors import InvalidReply, ModelUnavailable, ServiceUnavailable, described
from pipeline.outside import behind, client_options, on_this_machine, refusal
from pipeline.records import SAMPLE_RATE_HZ, Word
from pipeline.retries import retrying
from pipeline.transcription.engine import (
    COST_CEILING,
    SERVICE_UNAVAILABLE,
    EngineDescription,
    Samples,
    SegmentRequest,
    SegmentResult,
)
from pipeline.transcription.engines.meter import CostCeilingReached, Meter, NotCharged
from pipeline.transcription.text.languages import language_code

_GIVE_UP_AT = 0.9
"""Share of the time limit after which a segment is put off. The supervisor has the same limit. When it passes, the
supervisor takes the process for hung and blames the segment."""
_NO_KEY = "none"
_DOWN = frozenset({502, 503, 504})
"""Statuses of a proxy whose server is down, and of a server that cannot serve now."""


class _NoJson(InvalidReply):
    """The server answered with something else, or with an incomplete reply."""


class _Unpaid(NotCharged):
    """The client's error about a request that was refused, or never reached the server."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class OpenAiAudioTranscriber:
    """`Transcriber` over HTTP; up to `concurrency` requests under way.

    A segment is given up after nine tenths of `segment_time_limit_s`, the seconds the supervisor gives it.
    """

    def __init__(self, options: OpenAiAudioOptions, segment_time_limit_s: float) -> None:
        self._options = options
        self._time_limit_s = _GIVE_UP_AT * segment_time_limit_s
        self._client: Any = None
        self._breaker = Breaker("the transcription server", options.breaker_failures, options.breaker_pause_s)
        self.meter = Meter()

    def load(self) -> EngineDescription:
        """Asks the server for its models, as a sign of life. Not every server lists them: an error status will do."""
        import openai

        options = self._options
        self._client = openai.OpenAI(
            base_url=options.base_url,
            api_key=os.environ.get(options.api_key_env) or _NO_KEY,
            max_retries=0,
            timeout=openai.Timeout(self._time_limit_s, connect=options.connect_timeout_s),
            http_client=openai.DefaultHttpxClient(**client_options(asynchronous=False)),
        )
        where = f"{options.base_url} (transcription.openai_audio.base_url)"
        try:
            self._client.with_options(timeout=options.connect_timeout_s).models.list()
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise self._refused(error) from error
        except openai.APIConnectionError as error:
            raise ModelUnavailable(
                f"{where}: no answer within {options.connect_timeout_s:g} s ({_told(error)}); start the server or "
                "correct the address"
            ) from error
        except openai.InternalServerError as error:
            if error.status_code in _DOWN:
                raise ModelUnavailable(f"{where}: {_told(error)}; try again once it serves") from error
        except openai.OpenAIError:
            pass  # it answers: not every such server lists its models
        return EngineDescription(
            engine="openai_audio",
            model=options.model,
            revision=options.revision,
            demonstration=False,
            max_segment_s=options.max_segment_s,
            takes_context=options.send_context,
            languages=frozenset(options.languages) or None,
            looks_ahead=options.concurrency,
            detail=f"{options.base_url}, {options.concurrency} at once",
            sends_audio_to="" if on_this_machine(options.base_url) else options.base_url,
        )

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        stream = iter(requests)
        with ThreadPoolExecutor(self._options.concurrency, thread_name_prefix="openai-audio") as pool:
            under_way: set[Future[SegmentResult]] = set()
            while True:
                while len(under_way) < self._options.concurrency and (request := next(stream, None)) is not None:
                    under_way.add(pool.submit(self._recognise, request))
                if not under_way:
                    return
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _recognise(self, request: SegmentRequest) -> SegmentResult:
        if request.language and self._options.languages and request.language not in self._options.languages:
            return SegmentResult(key=request.key, text="", language=request.language, flags=("language_unsupported",))
        if request.samples.size == 0:
            return SegmentResult(key=request.key, text="", language=request.language)
        try:
            self._breaker.check()
            reply = self._ask(request)
            self._breaker.succeeded()
            return self._result(request, reply)
        except (ServiceUnavailable, InvalidReply) as error:
            flags: tuple[str, ...] = ()
            if isinstance(error, CostCeilingReached):
                flags = (COST_CEILING,)
            elif isinstance(error, ServiceUnavailable):
                flags = (SERVICE_UNAVAILABLE,)
            return SegmentResult(key=request.key, text="", language=None, flags=flags, error=str(error))

    def _ask(self, request: SegmentRequest) -> Any:
        """The server's reply.

        Raises ServiceUnavailable (tries or time are used up), InvalidReply (it refuses the segment), ModelUnavailable
        (it refuses the key).
        """
        import openai

        options = self._options
        passing = (
            openai.APIConnectionError,
            openai.APITimeoutError,
            openai.RateLimitError,
            openai.InternalServerError,
            openai.ConflictError,
        )
        began = time.monotonic()
        again = retrying(
            lambda error: isinstance(error, (*passing, _NoJson)),
            first_wait_s=options.backoff_initial_s,
            longest_wait_s=options.backoff_max_s,
            attempts=options.max_attempts,
            for_s=self._time_limit_s,
        )
        try:
            return again(self._charged, request, began)
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise self._refused(error) from error
        except (openai.OpenAIError, _NoJson) as error:
            unavailable = isinstance(error, passing)
            if unavailable:
                self._breaker.failed(_told(error))
            else:
                self._breaker.succeeded()  # a refusal is an answer, too
            raise (ServiceUnavailable if unavailable else InvalidReply)(
                f"{options.base_url}: {_told(error)} (after {time.monotonic() - began:.1f} s, at most "
                f"{options.max_attempts} tries)"
            ) from error

    def _refused(self, error: Any) -> ModelUnavailable:
        """No segment is at fault, and the next one would fail in the same way."""
        options = self._options
        return ModelUnavailable(
            f"{options.base_url} (transcription.openai_audio.base_url): the key was refused ({error.status_code}); set "
            f"the environment variable {options.api_key_env}"
        )

    def _charged(self, request: SegmentRequest, began: float) -> Any:
        """One attempt, charged unless the server refused it or was never reached."""
        import openai

        try:
            with self.meter.request(request.samples.size / SAMPLE_RATE_HZ):
                try:
                    return self._send(request, began)
                except openai.APIConnectionError as error:
                    if type(error.__cause__).__name__ == "ConnectError":
                        raise _Unpaid(error) from error
                    raise
                except openai.APIStatusError as error:
                    raise _Unpaid(error) from error
        except _Unpaid as unpaid:
            raise unpaid.error from unpaid.error.__cause__

    def _send(self, request: SegmentRequest, began: float) -> Any:
        import openai

        options = self._options
        extra: dict[str, Any] = {}
        if request.language:
            extra["language"] = request.language
        if request.context and options.send_context:
            extra["prompt"] = request.context
        if options.word_times:
            extra["timestamp_granularities"] = ["word", "segment"]
        remaining_s = max(0.1, self._time_limit_s - (time.monotonic() - began))
        timeout = openai.Timeout(remaining_s, connect=min(options.connect_timeout_s, remaining_s))
        try:
            reply = self._client.with_options(timeout=timeout).audio.transcriptions.create(
                file=("segment.wav", wav_bytes(request.samples), "audio/wav"),
                model=options.model,
                response_format=options.response_format,
                temperature=options.temperature,
                **extra,
            )
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise _NoJson(f"the reply is not JSON: {described(error)}") from error
        except openai.APIConnectionError as error:
            if (wrong := behind(error)) is not None:
                raise wrong from None
            raise
        if isinstance(reply, str):  # the client returns a reply of any other content type as text
            raise _NoJson(f"the reply is not JSON, but {len(reply)} characters of text")
        return reply

    def _result(self, request: SegmentRequest, reply: Any) -> SegmentResult:
        text = getattr(reply, "text", None)
        if not isinstance(text, str):
            raise InvalidReply(
                f"{self._options.base_url}: the reply has no text; is it an OpenAI-style transcription server?"
            )
        duration_s = request.samples.size / SAMPLE_RATE_HZ
        return SegmentResult(
            key=request.key,
            text=text.strip(),
            language=request.language or language_code(str(getattr(reply, "language", None) or "")),
            words=_words(getattr(reply, "words", None), duration_s) if self._options.word_times else None,
            confidence=_confidence(getattr(reply, "segments", None)),
        )


def _told(error: Exception) -> str:
    """The status and kind of a refusal, without its text: servers often quote what they were sent."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return refusal("the server", error.status_code, error.body, error.message)
    return described(error if isinstance(error, InvalidReply) else error.__cause__ or error)


def wav_bytes(samples: Samples) -> bytes:
    """16-bit PCM WAV, mono, 16 kHz."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
    return buffer.getvalue()


def _words(words: Any, duration_s: float) -> tuple[Word, ...] | None:
    """Words within the segment's seconds; None unless every one of them has both its times."""
    if not isinstance(words, list) or not words:
        return None
    placed = []
    for word in words:
        text, begin_s, end_s = getattr(word, "word", None), _number(word, "start"), _number(word, "end")
        if not isinstance(text, str) or begin_s is None or end_s is None:
            return None
        begin_s = min(max(0.0, begin_s), duration_s)
        placed.append(Word(text=text.strip(), start_s=begin_s, end_s=min(max(begin_s, end_s), duration_s)))
    return tuple(placed)


def _confidence(segments: Any) -> float | None:
    """Weighted by the segments' seconds; a segment of no length has no weight."""
    weighted = total = 0.0
    for segment in segments if isinstance(segments, list) else ():
        begin_s, end_s, mean = (_number(segment, name) for name in ("start", "end", "avg_logprob"))
        if begin_s is None or end_s is None or end_s <= begin_s:
            continue
        if mean is None:
            return None
        weighted, total = weighted + mean * (end_s - begin_s), total + end_s - begin_s
    return math.exp(min(0.0, weighted / total)) if total else None


def _number(holder: Any, name: str) -> float | None:
    """A finite number in a reply, whose fields may hold anything."""
    value = getattr(holder, name, None)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
