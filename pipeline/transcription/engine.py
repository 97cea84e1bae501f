"""The recogniser's Protocol and the records it trades in.

An engine runs in one spawned process (`pipeline.run.processes.recogniser_process`), on that process's only working
thread: `load` and `transcribe` are never called from two threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from pipeline.records import Word

Samples = npt.NDArray[np.float32]
"""Mono, 16 kHz, shape (samples,), values about -1..1."""


OUT_OF_MEMORY = "out_of_memory"
"""Flag of a result whose segment did not fit in memory even alone: the engine cannot serve here."""
SERVICE_UNAVAILABLE = "service_unavailable"
"""Flag of a result without an answer from an outside service, which may answer in a later run."""
COST_CEILING = "cost_ceiling"
"""Flag of a result that was not asked for, because the run's ceiling of cost left no room for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlace:
    """Where a segment comes from: for engines that look up transcripts instead of listening."""

    file_name: str
    audio_sha256: str
    channel: int
    start_s: float
    """In the recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardLanguage:
    """Which language an engine hears in speech."""

    code: str
    """ISO 639-1."""
    probability: float | None
    """0..1; None where the engine gives none."""
    sure: bool = True
    """False where it is only a guess: speech is decoded in this language, which is not reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSpeech:
    """The clearest speech of a call, by which its language is decided."""

    call_id: str
    read: Callable[[], Samples]
    """Reads it, at most `CLEAREST_S` seconds. Raises OSError."""
    longest_s: float
    """Seconds of speech of the channel that has most, as windows join it."""


CLEAREST_S = 29.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A segment's stretch of a window's samples: `first` to `last`, `last` not included."""

    key: str
    first: int
    last: int
    place: SegmentPlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRequest:
    """One segment to recognise, or a window of several."""

    key: str
    """Chosen by the caller, handed back with the result."""
    samples: Samples
    language: str | None
    """ISO 639-1, or None to let the engine detect it."""
    languages: tuple[str, ...] = ()
    """Where it is detected: the likeliest of these; of any where empty."""
    context: str = ""
    """Vocabulary for engines that take it, terms separated by `, `; empty for none."""
    place: SegmentPlace | None = None
    """Read by `scripted`, and by engines that send a call's channels together."""
    parts: tuple[Part, ...] = ()
    """The segments of a window, in time order. An engine need not look at them."""
    heard: HeardLanguage | None = None
    """Where `language` was heard in the call's clearest speech, and not given."""
    call: CallSpeech | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentResult:
    """What the engine made of it. Word times are seconds from the segment's first sample."""

    key: str
    text: str
    language: str | None
    language_probability: float | None = None
    """Of the call's language, where it was heard in the call; 0..1."""
    sounds_like: HeardLanguage | None = None
    """The language it sounds like, whichever it was decoded in; None where the engine does not tell."""
    words: tuple[Word, ...] | None = None
    confidence: float | None = None
    flags: tuple[str, ...] = ()
    """`decode_truncated` when the token limit cut the decoding, OUT_OF_MEMORY, SERVICE_UNAVAILABLE, …"""
    error: str | None = None
    """Why this one segment could not be recognised; the text is then empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDescription:
    """What a loaded engine is."""

    engine: str
    model: str
    revision: str | None
    demonstration: bool
    max_segment_s: float
    """Longest input it takes."""
    takes_context: bool
    max_context_terms: int | None = None
    """None for any number."""
    languages: frozenset[str] | None
    """ISO 639-1 codes it knows; None for any."""
    detail: str = ""
    """Device, precision, thread count, for the report."""
    sends_audio_to: str = ""
    """Address to which the audio of calls is sent; empty where it stays on this machine."""
    low_confidence: float | None = None
    """A segment with less confidence is doubtful; None where the engine's measure was not compared with its errors."""
    looks_ahead: int | None = None
    """Windows it decodes together, or puts in order before it decodes them; None where that is not known."""
    window_s: float | None = None
    """Segments are joined up to this length, because the engine hears better so; it must give word times. None: each
    segment is decoded by itself."""

    @property
    def longest_window_s(self) -> float | None:
        """The longest window it takes, with the sound around its segments; None where it takes segments."""
        return None if self.window_s is None else self.max_segment_s


@runtime_checkable
class HearsLanguage(Protocol):
    """An engine that tells the language of speech without writing it down."""

    def hear_language(self, samples: Samples, among: Collection[str] = ()) -> HeardLanguage | None:
        """The likeliest language of at most `CLEAREST_S` seconds, of those named if any are; its probability is then
        its share among them. None where the engine knows one language only. Raises RuntimeError, MemoryError."""
        ...


class Transcriber(Protocol):
    """Turns segments into text."""

    def load(self) -> EngineDescription:
        """Fetch (if allowed) and load the weights. Raises ModelUnavailable within 10 s when no hub answers."""
        ...

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        """Results in any order, each as it is finished. Pulls requests lazily, so that a batching engine can refill.

        `requests` ends when none is waiting now; an engine with work under way may ask it again and get later ones.
        Raises ModelUnavailable when it can serve no segment any more; what is wrong with one is in its result.
        """
        ...

    def close(self) -> None: ...
