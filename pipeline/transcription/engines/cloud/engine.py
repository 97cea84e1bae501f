"""Any cloud recogniser as a `Transcriber`: both channels of a call in one request, retries, breaker, costs."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from pipeline.breaker import Breaker
from pipeline.config.areas.speech.cloud import CloudOptions
from pipeline.errors import InvalidReply, ModelUnavailable, ServiceUnavailable, described
from pipeline.outside import open_address
from pipeline.retries import retrying
from pipeline.transcription.engine import (
    COST_CEILING,
    SERVICE_UNAVAILABLE,
    CallSpeech,
    EngineDescription,
    HeardLanguage,
    SegmentRequest,
    SegmentResult,
)
from pipeline.transcription.engines.cloud.languages import Languages
from pipeline.transcription.engines.cloud.service import CloudService, Heard, Passing, Sound
from pipeline.transcription.engines.meter import CostCeilingReached, Meter
from pipeline.transcription.text.vocabulary import context_terms

_DOWN = frozenset({502, 503, 504})


class CloudTranscriber:
    """`Transcriber` over a cloud service; up to `concurrency` requests under way.

    Requests of one call that follow each other and are of different channels are sent as one: a request per channel
    would cost twice the time, and with some services twice the money.

    A call whose language nobody named is sent in one language: the service detects it once, and it is named in the
    call's other requests. Where the call does not fit into one request, its clearest speech is sent first for that.
    """

    def __init__(
        self, name: str, model: str, options: CloudOptions, service: CloudService, *, takes_context: bool
    ) -> None:
        self._name = name
        self._model = model
        self._options = options
        self._service = service
        self._takes_context = takes_context
        self._breaker = Breaker(name, options.breaker_failures, options.breaker_pause_s)
        self._languages = Languages()
        self.meter = Meter()

    def load(self) -> EngineDescription:
        """Builds the client and looks whether the address answers; sends no audio."""
        self._service.connect()
        self._look()
        options = self._options
        return EngineDescription(
            engine=self._name,
            model=self._model,
            revision=None,
            demonstration=False,
            max_segment_s=options.max_segment_s,
            takes_context=self._takes_context,
            languages=None,
            looks_ahead=2 * options.concurrency,
            detail=f"{self._service.address}, {options.concurrency} at once",
            sends_audio_to=self._service.address,
            window_s=options.window_s,
        )

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        pairs = _Pairs(iter(requests))
        with ThreadPoolExecutor(self._options.concurrency, thread_name_prefix=self._name) as pool:
            under_way: set[Future[list[SegmentResult]]] = set()
            while True:
                while len(under_way) < self._options.concurrency and (group := pairs.next_group()):
                    under_way.add(pool.submit(self._recognise, group))
                if not under_way:
                    return
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from future.result()

    def close(self) -> None:
        self._service.close()

    def _look(self) -> None:
        """Any answer of the service itself is a sign of life. Raises ModelUnavailable."""
        address = self._service.address
        try:
            open_address(urllib.request.Request(address), self._options.connect_timeout_s).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _DOWN:
                raise ModelUnavailable(f"{self._name}: {address} answered {error.code}") from error
        except OSError as error:
            raise ModelUnavailable(f"{self._name}: no answer from {address} ({described(error)})") from error

    def _recognise(self, group: Sequence[SegmentRequest]) -> list[SegmentResult]:
        audible = [request for request in group if request.samples.size]
        results = [SegmentResult(key=r.key, text="", language=r.language) for r in group if not r.samples.size]
        if not audible:
            return results
        sound = Sound(
            channels=tuple(request.samples for request in audible),
            language=audible[0].language,
            languages=audible[0].languages,
            terms=context_terms(audible[0].context),
        )
        call = audible[0].call if sound.language is None else None
        try:
            self._breaker.check()
            if call is None:
                language, heard = None, self._asked(sound)
            else:
                language, heard = self._in_one_language(call, sound)
        except (ServiceUnavailable, InvalidReply) as error:
            if isinstance(error, CostCeilingReached):
                flags: tuple[str, ...] = (COST_CEILING,)
            else:
                flags = (SERVICE_UNAVAILABLE,) if isinstance(error, ServiceUnavailable) else ()
            told = str(error)
            return results + [
                SegmentResult(key=r.key, text="", language=None, flags=flags, error=told) for r in audible
            ]
        return results + [
            _result(request, of_channel, language) for request, of_channel in zip(audible, heard, strict=True)
        ]

    def _in_one_language(self, call: CallSpeech, sound: Sound) -> tuple[HeardLanguage | None, Sequence[Heard]]:
        """The call's language, and what is heard in it. The first request of a call decides; others wait for it."""
        with self._languages.decision(call.call_id) as decision:
            if decision.first_to_ask and call.longest_s > self._options.window_s:
                clearest = replace(sound, channels=(call.read(),))
                decision.language = _main_language(self._asked(clearest))
            elif decision.first_to_ask:
                heard = self._asked(sound)
                decision.language = _main_language(heard)
                return decision.language, heard
        language = decision.language
        return language, self._asked(replace(sound, language=language.code if language else None))

    def _asked(self, sound: Sound) -> Sequence[Heard]:
        options, began = self._options, time.monotonic()

        def attempt() -> Sequence[Heard]:
            left_s = max(0.1, options.time_limit_s - (time.monotonic() - began))
            with self.meter.request(sound.duration_s, len(sound.channels)):
                heard = self._service.recognise(sound, left_s)
            if len(heard) != len(sound.channels):
                raise InvalidReply(f"{self._name}: {len(sound.channels)} channels were sent, {len(heard)} came back")
            return heard

        again = retrying(
            lambda error: isinstance(error, Passing),
            first_wait_s=options.backoff_initial_s,
            longest_wait_s=options.backoff_max_s,
            attempts=options.max_attempts,
            for_s=options.time_limit_s,
            asked_s=lambda error: error.asked_s if isinstance(error, Passing) else None,
        )
        try:
            heard: Sequence[Heard] = again(attempt)
        except Passing as error:
            self._breaker.failed(str(error))
            raise ServiceUnavailable(
                f"{error} (after {time.monotonic() - began:.1f} s, at most {options.max_attempts} attempts)"
            ) from error
        except InvalidReply:
            self._breaker.succeeded()  # a refusal is an answer, too
            raise
        self._breaker.succeeded()
        return heard


class _Pairs:
    """Requests in the order they come; those of one call's two channels that follow each other go together."""

    def __init__(self, requests: Iterator[SegmentRequest]) -> None:
        self._requests = requests
        self._held: SegmentRequest | None = None

    def next_group(self) -> list[SegmentRequest]:
        """Empty when no request waits now."""
        first, self._held = self._held, None
        first = first or next(self._requests, None)
        if first is None:
            return []
        second = next(self._requests, None)
        if second is not None and _of_one_call(first, second):
            return [first, second]
        self._held = second
        return [first]


def _of_one_call(first: SegmentRequest, second: SegmentRequest) -> bool:
    here, there = first.place, second.place
    if here is None or there is None or here.channel == there.channel:
        return False
    same = (first.language, first.context) == (second.language, second.context)
    return same and (here.audio_sha256, here.file_name) == (there.audio_sha256, there.file_name)


def _main_language(channels: Sequence[Heard]) -> HeardLanguage | None:
    """The language of the channel with most text, among those whose language the service tells."""
    told = [heard for heard in channels if heard.language]
    if not told:
        return None
    longest = max(told, key=lambda heard: len(heard.text.strip()))
    return HeardLanguage(code=longest.language or "", probability=longest.language_probability)


def _result(request: SegmentRequest, heard: Heard, call: HeardLanguage | None) -> SegmentResult:
    return SegmentResult(
        key=request.key,
        text=heard.text.strip(),
        language=heard.language or request.language or (call.code if call else None),
        language_probability=call.probability if call else None,
        words=heard.words,
        confidence=heard.confidence,
    )
