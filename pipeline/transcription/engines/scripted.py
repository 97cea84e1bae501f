"""Replays given transcripts instead of listening: for tests, and for measuring everything around a recogniser.

A transcript is `{"turns": [{"channel": 0, "start": 1.2, "end": 3.4, "text": "…"}, …]}` (`start_s` and `end_s` serve
too), one file per call named `<audio sha256>.json`, `<file name>.json` or `<file stem>.json` in a folder; or one file
`{"calls": {"<sha256, file name or stem>": {"turns": […]}}}`. Words are spread evenly over their turn; a segment gets
those whose middle lies inside it. Segments are found by `SegmentRequest.place`.

Confidence is 1.0 for replayed words, None for drawn ones.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pipeline.config.areas.speech.recognisers import ScriptedOptions
from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ, Word
from pipeline.transcription.engine import (
    OUT_OF_MEMORY,
    EngineDescription,
    Samples,
    SegmentPlace,
    SegmentRequest,
    SegmentResult,
)
from pipeline.transcription.engines.expected import scripted_name

_HELD_LOOK_S = 0.05

_LEXICON = [
    "account",
    "agent",
    "amount",
    "answer",
    "bank",
    "bill",
    "branch",
    "call",
    "card",
    "change",
    "charge",
    "check",
    "cost",
    "customer",
    "date",
    "day",
    "delay",
    "detail",
    "error",
    "fee",
    "form",
    "help",
    "hour",
    "invoice",
    "issue",
    "letter",
    "line",
    "list",
    "loan",
    "mail",
    "matter",
    "money",
    "month",
    "name",
    "number",
    "offer",
    "office",
    "order",
    "password",
    "payment",
    "person",
    "phone",
    "place",
    "plan",
    "price",
    "problem",
    "question",
    "rate",
    "reason",
    "receipt",
    "refund",
    "report",
    "request",
    "result",
    "return",
    "service",
    "sign",
    "state",
    "store",
    "system",
    "team",
    "term",
    "thing",
    "ticket",
    "time",
    "transfer",
    "value",
    "visit",
    "week",
    "word",
    "year",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedTurn:
    channel: int
    start_s: float
    end_s: float
    text: str

    def words(self) -> list[Word]:
        """Evenly spread over the turn."""
        texts = self.text.split()
        step = (self.end_s - self.start_s) / max(1, len(texts))
        return [
            Word(text=text, start_s=self.start_s + i * step, end_s=self.start_s + (i + 1) * step, confidence=1.0)
            for i, text in enumerate(texts)
        ]


class ScriptedTranscriber:
    """`Transcriber` without a model."""

    def __init__(self, options: ScriptedOptions) -> None:
        self._options = options
        self._calls: dict[str, list[ScriptedTurn]] = {}

    def load(self) -> EngineDescription:
        options = self._options
        if options.unavailable:
            raise ModelUnavailable(options.unavailable)
        time.sleep(options.load_sleep_s)
        if options.transcripts is not None:
            self._calls = read_transcripts(options.transcripts)
        name = scripted_name(options)
        return EngineDescription(
            engine="scripted",
            model=name.model,
            revision=name.revision,
            demonstration=False,
            max_segment_s=options.max_segment_s,
            takes_context=False,
            languages=None,
            looks_ahead=1,
            detail=f"{len(self._calls)} transcripts",
        )

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        for request in requests:
            self._play_faults(request.place)
            time.sleep(self._options.sleep_per_audio_s * request.samples.size / SAMPLE_RATE_HZ)
            yield self._result(request)

    def close(self) -> None:
        self._calls = {}

    def _result(self, request: SegmentRequest) -> SegmentResult:
        place, options = request.place, self._options
        if place is not None and _matches(place, options.error_on):
            return SegmentResult(key=request.key, text="", language=None, error="planted error (error_on)")
        if place is not None and _matches(place, options.out_of_memory_on):
            why = "planted lack of memory (out_of_memory_on)"
            return SegmentResult(key=request.key, text="", language=None, flags=(OUT_OF_MEMORY,), error=why)
        turns = self._turns(place)
        if place is not None and turns is not None:
            words = _words_within(turns, place, request.samples.size / SAMPLE_RATE_HZ)
            return SegmentResult(
                key=request.key,
                text=" ".join(word.text for word in words),
                language=request.language,
                words=tuple(words),
                confidence=1.0 if words else None,
            )
        text = draw_text(request.samples, options.words_per_s) if options.missing == "hash" else ""
        return SegmentResult(key=request.key, text=text, language=request.language)

    def _turns(self, place: SegmentPlace | None) -> list[ScriptedTurn] | None:
        if place is None:
            return None
        names = (place.audio_sha256, place.file_name, Path(place.file_name).stem)
        return next((self._calls[name] for name in names if name in self._calls), None)

    def _play_faults(self, place: SegmentPlace | None) -> None:
        if place is None:
            return
        if _matches(place, self._options.crash_on):
            marker = self._options.crash_once_marker
            if marker is None or not marker.exists():
                if marker is not None:
                    marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        held = self._options.hang_while
        while _matches(place, self._options.hang_on) and (held is None or held.exists()):
            time.sleep(_HELD_LOOK_S)


def read_transcripts(path: Path) -> dict[str, list[ScriptedTurn]]:
    """Turns by sha256, file name or stem. Raises ModelUnavailable when they cannot be read."""
    try:
        if path.is_dir():
            files = sorted(path.glob("*.json"))
            contents = {file.stem: json.loads(file.read_text("utf-8")) for file in files}
            calls = {name: call for name, call in contents.items() if isinstance(call, dict) and "turns" in call}
        else:
            calls = json.loads(path.read_text("utf-8"))["calls"]
        return {str(name): [_turn(turn) for turn in call["turns"]] for name, call in calls.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelUnavailable(
            f"{path}: no transcripts can be read there ({type(error).__name__}: {error}); "
            "correct transcription.scripted.transcripts"
        ) from error


def draw_text(samples: Samples, words_per_s: float) -> str:
    """Words drawn by a hash of the samples: equal audio gives equal text, in every process."""
    count = max(1, round(samples.size / SAMPLE_RATE_HZ * words_per_s))
    seed = hashlib.sha256(samples.astype("<f4").tobytes()).digest()
    drawn = hashlib.shake_256(seed).digest(2 * count)
    return " ".join(_LEXICON[int.from_bytes(drawn[2 * i : 2 * i + 2], "little") % len(_LEXICON)] for i in range(count))


def _turn(value: Mapping[str, Any]) -> ScriptedTurn:
    return ScriptedTurn(
        channel=int(value["channel"]),
        start_s=float(value["start_s"] if "start_s" in value else value["start"]),
        end_s=float(value["end_s"] if "end_s" in value else value["end"]),
        text=str(value["text"]),
    )


def _words_within(turns: list[ScriptedTurn], place: SegmentPlace, duration_s: float) -> list[Word]:
    """Words of the place's channel whose middle lies in the segment, in time order, timed from its start."""
    chosen = [
        word
        for turn in turns
        if turn.channel == place.channel
        for word in turn.words()
        if place.start_s <= (word.start_s + word.end_s) / 2 < place.start_s + duration_s
    ]
    chosen.sort(key=lambda word: (word.start_s, word.end_s))
    return [
        Word(
            text=word.text,
            start_s=max(0.0, word.start_s - place.start_s),
            end_s=min(duration_s, word.end_s - place.start_s),
            confidence=word.confidence,
        )
        for word in chosen
    ]


def _matches(place: SegmentPlace, patterns: Iterable[str]) -> bool:
    return any(fnmatch(place.file_name, pattern) for pattern in patterns)
