"""The trust gates around an engine: a suspect segment is recognised again, then flagged.

Everything is decoded without vocabulary. A text in which something sounds like a term of it is decoded once more, with
the vocabulary, and takes over the terms that it supports (`gates/support.py`). A segment decoded by itself is tried in
two halves (without `support` it is decoded with the vocabulary, and tried without it first). A segment of a window is
tried by itself. Where a whole window is suspect, or failed, all of its segments are.

Requests are still pulled lazily. Segments to recognise again go into the engine's own stream ahead of new requests, so
that a batching engine fills its rows with them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.records import SAMPLE_RATE_HZ, Word
from pipeline.transcription.engine import (
    CLEAREST_S,
    EngineDescription,
    HeardLanguage,
    HearsLanguage,
    SegmentRequest,
    SegmentResult,
    Transcriber,
)
from pipeline.transcription.gates.activity import Activity, measure, quiet_cut
from pipeline.transcription.gates.annotations import notes, without_notes
from pipeline.transcription.gates.support import sounds_like_a_term, supported
from pipeline.transcription.gates.trust import heard, plain_words, suspicions
from pipeline.transcription.text.vocabulary import context_terms
from pipeline.transcription.windows import part_requests, split, word_begins

_EMPTIED_BY = frozenset({"text_without_speech", "annotation"})
"""Gates that take away the segment's text when no remedy helped: words where nobody spoke are invented."""
_IN_ANOTHER_LANGUAGE = frozenset({"low_confidence", "wrong_script", "speech_without_text", "truncation", "loop"})
"""How speech in another language than the one it is decoded in shows."""
_OTHER_LANGUAGE = "other_language"
_BESIDE_IT = 0.5
"""Probability of a language that is heard in another segment of the window."""
_OF_A_WINDOW = frozenset({"context_echo", "loop"})
"""Faults of a decoding as a whole, which make all of its segments suspect. The other gates judge each segment (the flag
of a decoding that was cut short is on all of them)."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    result: SegmentResult
    fired: tuple[str, ...]


@dataclass(slots=True)
class _Case:
    """One request on its way through the remedies."""

    request: SegmentRequest
    activity: Activity
    attempts: list[_Attempt]
    remedies: deque[str]
    halves: dict[str, SegmentRequest]
    half_results: dict[str, SegmentResult]
    listened: bool = False
    sounds_like: HeardLanguage | None = None
    """The language that is heard in it, once it was listened to."""
    window_in: str | None = None
    """The other language that its window as a whole is clearly in."""
    language: str | None = None
    """The one that it is recognised in, where that is not the call's."""
    flags: list[str] = field(default_factory=list)


class _Feed:
    """Requests to try again, then new ones. Not a generator: like `upstream`, it may be asked again after an end."""

    def __init__(
        self,
        upstream: Iterator[SegmentRequest],
        again: deque[SegmentRequest],
        opened: Callable[[SegmentRequest], SegmentRequest],
    ) -> None:
        self._upstream = upstream
        self._again = again
        self._opened = opened

    def __iter__(self) -> Iterator[SegmentRequest]:
        return self

    def __next__(self) -> SegmentRequest:
        if self._again:
            return self._again.popleft()
        return self._opened(next(self._upstream))


class GatedTranscriber:
    """Wraps a loaded engine: windows go in, a result for each of their segments comes out.

    Results carry the names of gates that still fire, and `<gate>_cured` for the others.
    """

    def __init__(self, engine: Transcriber, description: EngineDescription, settings: TrustGateSettings) -> None:
        self._engine = engine
        self._hears = engine if isinstance(engine, HearsLanguage) else None
        self._takes_context = description.takes_context
        self._low_confidence = description.low_confidence
        self._settings = settings
        self._cases: dict[str, _Case] = {}
        self._windows: dict[str, SegmentRequest] = {}
        self._again: deque[SegmentRequest] = deque()
        self._given: dict[str, SegmentRequest] = {}
        """Requests with a vocabulary, until they are heard without and, where that is worth it, with it."""
        self._bare: dict[str, SegmentResult] = {}
        """What was heard without the vocabulary, until it is heard with it."""

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        for unfinished in (self._cases, self._windows, self._again, self._given, self._bare):
            unfinished.clear()
        feed = _Feed(iter(requests), self._again, self._open)
        more = True
        while more:
            for heard_now in self._engine.transcribe(feed):
                result = self._supported(heard_now)
                if result is not None and result.key in self._windows:
                    yield from self._judge_window(self._windows.pop(result.key), result)
                elif result is not None and (finished := self._judge(result)) is not None:
                    yield finished
            more = bool(self._again)

    def _supported(self, result: SegmentResult) -> SegmentResult | None:
        """The result with the terms of the vocabulary that speech supports; None while it is decoded with it."""
        request = self._given.get(result.key)
        if request is None:
            return result
        terms = [plain_words(term) for term in context_terms(request.context)]
        bare = self._bare.pop(result.key, None)
        if bare is None and result.error is None and sounds_like_a_term(result.text, terms):
            self._bare[result.key] = result
            self._again.append(request)
            return None
        del self._given[result.key]
        return result if bare is None else supported(result, bare, terms)

    def _open(self, request: SegmentRequest) -> SegmentRequest:
        """Begins a request; returns what the engine is given first."""
        if self._settings.enabled and self._settings.support and self._takes_context and request.context:
            self._given[request.key] = request
            request = replace(request, context="")
        if request.parts:
            self._windows[request.key] = request
        else:
            self._cases[request.key] = self._case(request, self._remedies(request))
        return request

    def _case(self, request: SegmentRequest, remedies: Iterable[str]) -> _Case:
        return _Case(
            request=request,
            activity=measure(request.samples, self._settings),
            attempts=[],
            remedies=deque(remedies),
            halves={},
            half_results={},
        )

    def _judge_window(self, window: SegmentRequest, result: SegmentResult) -> Iterator[SegmentResult]:
        """The segments that are not suspect; the others are under way again."""
        if result.error is not None and len(window.parts) == 1:
            yield result
            return
        if result.error is not None:
            self._again.extend(map(self._open, part_requests(window)))
            return
        of_all = [name for name in self._suspicions(window, result) if name in _OF_A_WINDOW]
        cases = []
        for request, part in zip(part_requests(window), split(result, window.parts), strict=True):
            case = self._case(request, self._remedies_in(window))
            fired = (*of_all, *self._suspicions(request, part, case.activity))
            case.attempts.append(_Attempt(part, tuple(dict.fromkeys(fired))))
            cases.append(case)
        self._hear_languages(cases, self._contradicts(window, result))
        for case in cases:
            if case.attempts[-1].fired and case.remedies:
                self._cases[case.request.key] = case
                self._try_again(case)
            else:
                yield self._finish(case)

    def _contradicts(self, window: SegmentRequest, result: SegmentResult) -> set[str]:
        """The language of a window that is clearly in another one than its call; else nothing."""
        other = result.sounds_like
        if other is None or window.language is None or not self._settings.enabled:
            return set()
        clear = (other.probability or 0.0) >= self._settings.other_language_probability
        spoken_here = not window.languages or other.code in window.languages
        return {other.code} - {window.language} if clear and spoken_here else set()

    def _hear_languages(self, cases: Sequence[_Case], contradicting: set[str]) -> None:
        """Who speaks another language in one segment of a window may do so in the others, however sure their words are.

        Whisper writes a fluent translation as if it had been said.

        Args:
            contradicting: the language that the window as a whole is clearly in.
        """
        for case in cases:
            case.window_in = next(iter(contradicting), None)
            if case.remedies and _IN_ANOTHER_LANGUAGE.intersection(case.attempts[-1].fired):
                self._hear_language(case, contradicting)
        spoken = {case.language for case in cases} - {None} | contradicting
        if spoken:
            for case in cases:
                attempt = case.attempts[-1]
                self._hear_language(case, spoken)
                if case.language and not attempt.fired:
                    case.attempts[-1] = replace(attempt, fired=(_OTHER_LANGUAGE,))
                if case.language and self._settings.alone and "alone" not in case.remedies:
                    case.remedies.appendleft("alone")

    def _suspicions(
        self, request: SegmentRequest, result: SegmentResult, activity: Activity | None = None
    ) -> tuple[str, ...]:
        if not self._settings.enabled or result.error is not None or "language_unsupported" in result.flags:
            return ()
        activity = activity or measure(request.samples, self._settings)
        return suspicions(heard(request, result, activity, self._low_confidence), self._settings)

    def _remedies_in(self, window: SegmentRequest) -> Iterable[str]:
        if len(window.parts) == 1:
            return self._remedies(window)
        return ["alone"] if self._settings.alone else []

    def _remedies(self, request: SegmentRequest) -> deque[str]:
        settings = self._settings
        remedies: deque[str] = deque()
        if settings.retry_without_context and self._takes_context and request.context:
            remedies.append("without_context")
        if settings.split and request.samples.size >= settings.split_min_s * SAMPLE_RATE_HZ:
            remedies.append("split")
        return remedies

    def _judge(self, result: SegmentResult) -> SegmentResult | None:
        """The final result, or None while a remedy is under way."""
        key = result.key
        if key not in self._cases:
            key = key.rpartition("#")[0]
            case = self._cases[key]
            case.half_results[result.key] = result
            if len(case.half_results) < len(case.halves):
                return None
            result = self._joined(case)
        case = self._cases[key]
        asked = replace(case.request, language=case.language or case.request.language)
        fired = self._suspicions(asked, result, case.activity)
        case.attempts.append(_Attempt(result, fired))
        if len(case.attempts) == 1:
            self._hear_languages([case], self._contradicts(case.request, result))
        if case.attempts[-1].fired and case.remedies:
            self._try_again(case)
            return None
        del self._cases[key]
        return self._finish(case)

    def _try_again(self, case: _Case) -> None:
        remedy = case.remedies.popleft()
        bare = self._in_its_language(case, replace(case.request, context=""))
        if remedy in ("without_context", "alone"):
            self._again.append(bare)
            return
        cut = quiet_cut(bare.samples)
        place = bare.place
        later = replace(place, start_s=place.start_s + cut / SAMPLE_RATE_HZ) if place else None
        halves = (
            replace(bare, key=f"{bare.key}#0", samples=bare.samples[:cut]),
            replace(bare, key=f"{bare.key}#1", samples=bare.samples[cut:], place=later),
        )
        case.halves = {half.key: half for half in halves}
        self._again.extend(halves)

    def _in_its_language(self, case: _Case, request: SegmentRequest) -> SegmentRequest:
        """The request, in another language where one is clearly heard in it that nobody named for the call."""
        if _IN_ANOTHER_LANGUAGE.intersection(case.attempts[-1].fired):
            self._hear_language(case)
        return request if case.language is None else replace(request, language=case.language)

    def _hear_language(self, case: _Case, spoken: Collection[str | None] = ()) -> None:
        """Note another language than the call's, where it is clearly heard.

        Args:
            spoken: languages that are heard beside it, for which it is enough that they are the likeliest by far.
        """
        settings, request = self._settings, case.request
        too_short = request.samples.size < settings.other_language_min_s * SAMPLE_RATE_HZ
        if self._hears is None or request.language is None or too_short or _OTHER_LANGUAGE in case.flags:
            return
        if not case.listened:
            case.listened = True
            try:
                case.sounds_like = self._hears.hear_language(request.samples[: round(CLEAREST_S * SAMPLE_RATE_HZ)])
            except (RuntimeError, MemoryError):
                return  # no memory to listen; decoding again says itself what it lacks
        other = case.sounds_like
        if other is None or other.code == request.language:
            return
        if case.window_in is not None and other.code != case.window_in:
            other = HeardLanguage(code=case.window_in, probability=_BESIDE_IT)  # a third one is misheard
        if request.languages and other.code not in request.languages:
            return
        needed = _BESIDE_IT if other.code in spoken else settings.other_language_probability
        if (other.probability or 0.0) >= needed:
            case.flags.append(_OTHER_LANGUAGE)
            case.language = None if request.heard is None else other.code

    def _joined(self, case: _Case) -> SegmentResult:
        """Both halves as one result, under the request's own key."""
        first, second = (case.half_results[key] for key in case.halves)
        first_half = next(iter(case.halves.values()))
        offset_s = first_half.samples.size / SAMPLE_RATE_HZ
        words: tuple[Word, ...] | None = None
        if first.words is not None and second.words is not None:
            words = first.words + tuple(
                replace(word, start_s=word.start_s + offset_s, end_s=word.end_s + offset_s) for word in second.words
            )
        weighted = [
            (part.confidence, half.samples.size)
            for part, half in zip((first, second), case.halves.values(), strict=True)
            if part.confidence is not None
        ]
        total = sum(weight for _, weight in weighted)
        return SegmentResult(
            key=case.request.key,
            text=" ".join(part.text.strip() for part in (first, second) if part.text.strip()),
            language=_main_language((first, second)),
            words=words,
            confidence=sum(value * weight for value, weight in weighted) / total if total else None,
            flags=tuple(dict.fromkeys((*first.flags, *second.flags))),
            error=first.error or second.error,
        )

    def _finish(self, case: _Case) -> SegmentResult:
        """The attempt with the fewest suspicions; among equals one with words, then the surer, then the earliest.

        One with an error is chosen only where there is no other.
        """
        usable = [attempt for attempt in case.attempts if attempt.result.error is None] or case.attempts
        best = min(usable, key=_doubt)
        cured = sorted({name for attempt in case.attempts for name in attempt.fired} - {*best.fired, _OTHER_LANGUAGE})
        flags = (*best.result.flags, *best.fired, *(f"{name}_cured" for name in cured), *case.flags)
        result = _reported(best.result, case.request.heard)
        result = replace(result, key=case.request.key, flags=tuple(dict.fromkeys(flags)))
        if _EMPTIED_BY.intersection(best.fired):
            return replace(result, text="", words=None, confidence=None)
        return _spoken(result) if self._settings.enabled else result


def _doubt(attempt: _Attempt) -> tuple[int, bool, float]:
    unsure = 1.0 - (attempt.result.confidence or 0.0) if "low_confidence" in attempt.fired else 0.0
    doubts = len(attempt.fired) + (_OTHER_LANGUAGE in attempt.fired)
    return doubts, "speech_without_text" in attempt.fired, unsure


def _spoken(result: SegmentResult) -> SegmentResult:
    """Without the notes in brackets beside the words; they are no words."""
    spans = notes(result.text)
    if not spans:
        return result
    words = result.words
    begins = None if words is None else word_begins(result.text, words)
    if begins is not None:
        placed = zip(words or (), begins[:-1], strict=True)
        words = tuple(word for word, begin in placed if not any(first <= begin < last for first, last in spans))
    flags = (*result.flags, "annotation_removed")
    return replace(result, text=without_notes(result.text), words=words, flags=flags)


def _reported(result: SegmentResult, heard: HeardLanguage | None) -> SegmentResult:
    """With the call's language and its probability, where that was heard and not given."""
    if heard is None:
        return result
    guessed = not heard.sure and result.language == heard.code
    return replace(result, language=None if guessed else result.language, language_probability=heard.probability)


def _main_language(parts: Sequence[SegmentResult]) -> str | None:
    """The language of most of the text: the language an engine hears in noise does not count beside words."""
    longest = max(parts, key=lambda part: len(part.text.strip()))
    if longest.text.strip():
        return longest.language
    return next((part.language for part in parts if part.language), None)
