"""Whisper on CTranslate2 through faster-whisper: int8 on the CPU, or CUDA; several segments decoded together.

Confidence is the exponential of the mean log-probability per decoded token, in 0..1: the geometric mean of the tokens'
probabilities. It says nothing about words the decoder left out.

The decoding of a batch is one native call, which `max_new_tokens` ends; the supervisor's time limit applies as well.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from pipeline.config.areas.speech.recognisers import FasterWhisperOptions
from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ, Word
from pipeline.transcription.engine import (
    OUT_OF_MEMORY,
    EngineDescription,
    HeardLanguage,
    Samples,
    SegmentRequest,
    SegmentResult,
)
from pipeline.transcription.engines.expected import whisper_weights
from pipeline.weights.hub import Hub, short

_MAX_SEGMENT_S = 30.0
_MIN_SAMPLES = SAMPLE_RATE_HZ // 20
_HOP = 160
"""Samples per frame."""
_TIME_DIGITS = 6
"""Of a word's times, which the library tells in steps of 10 ms: what is behind them is a clip's place in its batch."""
_PLACES = 448
_SETTING = "transcription.faster_whisper.model"


@dataclass(frozen=True, slots=True)
class _Member:
    """One request of a group. All requests of a group are decoded in one language."""

    request: SegmentRequest
    language: str | None
    """The language to report; None where the one it is decoded in is only a guess."""


@dataclass(frozen=True, slots=True)
class _Clip(_Member):
    start: int
    """First sample in the joined audio."""

    @property
    def frame(self) -> int:
        """The frame it begins in, by which the library names it."""
        return self.start // _HOP


class FasterWhisperTranscriber:
    """`Transcriber` over one WhisperModel."""

    def __init__(self, options: FasterWhisperOptions, hub: Hub) -> None:
        self._options = options
        self._hub = hub
        self._model: Any = None
        self._batched: Any = None
        self._languages: frozenset[str] = frozenset()

    def load(self) -> EngineDescription:
        options = self._options
        try:
            import ctranslate2

            from pipeline.transcription.engines.listening import ListeningPipeline, PlacingModel
        except (ImportError, OSError) as error:
            raise ModelUnavailable(f"faster-whisper cannot be imported here ({error}); run `make setup`") from error
        found = self._hub.find(whisper_weights(options))
        device = options.device
        if device == "auto":
            device = "cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu"
        compute = options.compute_type
        if compute == "auto":
            compute = "float16" if device == "cuda" else "int8"
        try:
            self._model = PlacingModel(
                str(found.folder), device=device, compute_type=compute, cpu_threads=options.cpu_threads
            )
        except Exception as error:
            # CTranslate2 and tokenizers raise plain RuntimeError and Exception for files they cannot read
            raise ModelUnavailable(
                f"{found.folder}: cannot be loaded on {device} with {compute} ({short(error)}); fetch the model again, "
                f"or correct {_SETTING}, device or compute_type"
            ) from error
        self._batched = ListeningPipeline(self._model)
        self._languages = frozenset(
            code
            for code in self._model.supported_languages
            if not self._model.model.is_multilingual or self._model.hf_tokenizer.token_to_id(f"<|{code}|>") is not None
        )
        return EngineDescription(
            engine="faster_whisper",
            model=found.model,
            revision=found.revision,
            demonstration=False,
            max_segment_s=_MAX_SEGMENT_S,
            takes_context=options.send_context,
            max_context_terms=options.max_context_terms,
            languages=self._languages,
            looks_ahead=options.batch_size,
            window_s=options.window_s if options.word_times else None,
            low_confidence=options.low_confidence,
            detail=f"{device}, {compute}, {options.cpu_threads or 'default'} threads, batch {options.batch_size}",
        )

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        stream = iter(requests)
        while batch := list(islice(stream, self._options.batch_size)):
            yield from self._batch(batch)

    def close(self) -> None:
        self._model = self._batched = None

    def _batch(self, batch: Sequence[SegmentRequest]) -> Iterator[SegmentResult]:
        """One native call for each language and context among the requests."""
        groups: dict[tuple[str, str], list[_Member]] = {}
        for request in batch:
            refused = self._refused(request)
            if refused is not None:
                yield refused
                continue
            try:
                decoded_in, reported = self._languages_of(request)
            except (RuntimeError, MemoryError) as error:
                yield _out_of_memory(request, error)
                continue
            groups.setdefault((decoded_in, request.context), []).append(_Member(request, reported))
        for (language, context), members in groups.items():
            yield from self._group(members, language, context)

    def _refused(self, request: SegmentRequest) -> SegmentResult | None:
        """The answer to a request that need not or cannot be decoded."""
        answer = SegmentResult(key=request.key, text="", language=request.language)
        seconds = request.samples.size / SAMPLE_RATE_HZ
        if request.samples.size < _MIN_SAMPLES:
            return answer
        if seconds > _MAX_SEGMENT_S:  # the library would hear only its beginning
            why = f"segment of {seconds:.1f} s is over Whisper's limit of {_MAX_SEGMENT_S:g} s"
            return replace(answer, error=f"{why}: lower voice_activity.max_segment_s to {_MAX_SEGMENT_S:g} or less")
        if request.language is not None and request.language not in self._languages:
            return replace(answer, flags=("language_unsupported",))
        return None

    def _languages_of(self, request: SegmentRequest) -> tuple[str, str | None]:
        """The language to decode in, and the one to report: None where the guess is too unlikely to report."""
        if request.language is not None:
            return request.language, request.language
        if not self._model.model.is_multilingual:
            return "en", "en"
        heard = self._heard(request.samples, request.languages)
        return heard.code, heard.code if heard.sure else None

    def hear_language(self, samples: Samples, among: Collection[str] = ()) -> HeardLanguage | None:
        """See `HearsLanguage`. English-only weights hear English in everything."""
        return self._heard(samples, among) if self._model.model.is_multilingual else None

    def _heard(self, samples: Samples, among: Collection[str]) -> HeardLanguage:
        *_, every = self._model.detect_language(audio=samples)
        likely = {str(code): float(share) for code, share in every if not among or code in among}
        language = max(likely, key=likely.__getitem__)
        probability = likely[language] / sum(likely.values()) if among else likely[language]
        sure = probability >= self._options.language_detection_min_probability
        return HeardLanguage(code=language, probability=probability, sure=sure)

    def _group(self, members: list[_Member], language: str, context: str) -> Iterator[SegmentResult]:
        try:
            yield from self._decode(members, language, context)
        except (RuntimeError, MemoryError) as error:
            lacking = _out_of_memory(members[0].request, error)
            if len(members) == 1:
                yield lacking
                return
            half = len(members) // 2
            yield from self._group(members[:half], language, context)
            yield from self._group(members[half:], language, context)

    def _decode(self, members: Sequence[_Member], language: str, context: str) -> list[SegmentResult]:
        options = self._options
        clips, audio = _joined(members)
        asked, most_tokens = self._room(language, context)
        self._batched.languages.clear()
        segments, _ = self._batched.transcribe(
            audio,
            language=language,
            clip_timestamps=[_span(clip) for clip in clips],
            vad_filter=False,
            beam_size=options.beam_size,
            patience=options.patience,
            length_penalty=options.length_penalty,
            repetition_penalty=options.repetition_penalty,
            no_repeat_ngram_size=options.no_repeat_ngram_size,
            temperature=0.0,
            suppress_blank=options.suppress_blank,
            without_timestamps=True,
            word_timestamps=options.word_times,
            max_new_tokens=asked,
            hotwords=context or None,
            batch_size=len(clips),
        )
        by_frame: dict[int, list[Any]] = {clip.frame: [] for clip in clips}
        for segment in segments:
            by_frame[segment.seek].append(segment)  # a KeyError is better than a text lost without notice
        results = [self._result(clip, by_frame[clip.frame], most_tokens) for clip in clips]
        heard = self._batched.languages or [None] * len(results)
        return [replace(result, sounds_like=language) for result, language in zip(results, heard, strict=True)]

    def _result(self, clip: _Clip, parts: Sequence[Any], most_tokens: int) -> SegmentResult:
        options, request = self._options, clip.request
        spoken = [
            part
            for part in parts
            if not (part.no_speech_prob > options.no_speech_threshold and part.avg_logprob < options.log_prob_threshold)
        ]
        tokens = sum(len(part.tokens) for part in spoken)
        text = "".join(part.text for part in spoken).strip()
        confidence = None
        if tokens and text:
            mean = sum(part.avg_logprob * len(part.tokens) for part in spoken) / tokens
            confidence = min(1.0, math.exp(mean)) if math.isfinite(mean) else None
        words = None
        if options.word_times:
            words = tuple(_word(word, clip) for part in spoken for word in part.words or ())
        return SegmentResult(
            key=request.key,
            text=text,
            language=clip.language,
            words=words,
            confidence=confidence,
            flags=("decode_truncated",) if tokens >= most_tokens else (),
        )

    def _room(self, language: str, context: str) -> tuple[int, int]:
        """Tokens to ask the library for, and the most that it then decodes.

        CTranslate2 decodes at most half of prompt and answer together, so we ask for more than we want.
        """
        from faster_whisper.tokenizer import Tokenizer

        model, wanted = self._model, self._options.max_new_tokens
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)
        prompt = len(model.get_prompt(tokenizer, [], without_timestamps=True, hotwords=context or None))
        places = min(_PLACES, max(2 * wanted, prompt + wanted))
        return places - prompt, min(wanted, places // 2, places - prompt)


def _out_of_memory(request: SegmentRequest, error: RuntimeError | MemoryError) -> SegmentResult:
    """The message for a segment that did not fit even alone. Raises `error` where it is about something else."""
    if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
        raise error
    why = f"out of memory for one segment ({short(error)})"
    return SegmentResult(key=request.key, text="", language=None, flags=(OUT_OF_MEMORY,), error=why)


def _joined(members: Sequence[_Member]) -> tuple[list[_Clip], Any]:
    """Clips one after the other, each begun in the middle of a frame; audio of shape (samples,).

    The library names a clip by the frame it begins in, as `int(seconds * 100)`. At the start of a frame, rounding now
    and then gives the frame before (20.08 s give 2007).
    """
    clips: list[_Clip] = []
    start = _HOP // 2
    pieces: list[Any] = [np.zeros(start, dtype=np.float32)]
    for member in members:
        request = member.request
        clips.append(_Clip(request, member.language, start))
        padding = -request.samples.size % _HOP
        pieces.extend((request.samples, np.zeros(padding, dtype=np.float32)))
        start += request.samples.size + padding
    return clips, np.concatenate(pieces)


def _span(clip: _Clip) -> dict[str, float]:
    """In seconds, half a sample on, because the library cuts `seconds * rate` down to whole samples."""
    end = clip.start + clip.request.samples.size
    return {"start": (clip.start + 0.5) / SAMPLE_RATE_HZ, "end": (end + 0.5) / SAMPLE_RATE_HZ}


def _word(word: Any, clip: _Clip) -> Word:
    duration_s = clip.request.samples.size / SAMPLE_RATE_HZ
    offset_s = clip.start / SAMPLE_RATE_HZ
    begin, end = (round(float(moment_s) - offset_s, _TIME_DIGITS) for moment_s in (word.start, word.end))
    begin = min(max(0.0, begin), duration_s)
    end = min(max(begin, end), duration_s)
    return Word(text=word.word.strip(), start_s=begin, end_s=end, confidence=min(1.0, float(word.probability)))
