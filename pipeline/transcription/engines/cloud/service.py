"""What the cloud recognisers have in common with any service: audio in, words of each channel out, and its errors."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pipeline.errors import EarshotError, InvalidReply, ModelUnavailable, ServiceUnavailable
from pipeline.outside import refusal
from pipeline.records import SAMPLE_RATE_HZ, Word
from pipeline.transcription.engine import Samples
from pipeline.transcription.engines.meter import NotCharged

_PASSING = frozenset({408, 409, 425, 429})
"""Statuses below 500 that may be another next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One or two channels of one call."""

    channels: tuple[Samples, ...]
    language: str | None
    """ISO 639-1; None to let the service detect it."""
    languages: tuple[str, ...] = ()
    """Where it is detected: one of these; any where empty."""
    terms: tuple[str, ...] = ()
    """Vocabulary."""

    def locales(self, known: Mapping[str, str]) -> list[str]:
        """What to ask a service for that wants locales: the language's, or those of which one is to be detected; none
        where it is to detect any, or one of them has no locale."""
        wanted = (self.language,) if self.language else self.languages
        return [known[code] for code in wanted] if all(code in known for code in wanted) else []

    @property
    def duration_s(self) -> float:
        """Of the longest channel; the others are filled with silence."""
        return max(channel.size for channel in self.channels) / SAMPLE_RATE_HZ

    def pcm(self) -> bytes:
        """16-bit little-endian samples at 16 kHz, channels interleaved."""
        length = max(channel.size for channel in self.channels)
        table = np.zeros((length, len(self.channels)), dtype="<i2")
        for index, channel in enumerate(self.channels):
            table[: channel.size, index] = np.clip(channel, -1.0, 1.0) * 32767.0
        return table.tobytes()

    def wav(self) -> bytes:
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(len(self.channels))
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE_HZ)
            file.writeframes(self.pcm())
        return buffer.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a service made of one channel. Word times are seconds from the first sample."""

    text: str
    words: tuple[Word, ...] | None
    language: str | None
    confidence: float | None
    language_probability: float | None = None
    """How sure the service is of the language it detected, 0..1; None where it gives none."""


class CloudService(Protocol):
    """One vendor's service, through the vendor's client."""

    def connect(self) -> None:
        """Import the client and build it. Sends no audio. Raises ImportError, ModelUnavailable."""
        ...

    @property
    def address(self) -> str:
        """Where the audio goes."""
        ...

    def recognise(self, sound: Sound, limit_s: float) -> Sequence[Heard]:
        """One for each channel, in order. Called from several threads.

        Raises Passing (try again), InvalidReply (this request fails the same way again), ModelUnavailable (the key was
        refused).
        """
        ...

    def close(self) -> None: ...


class Passing(ServiceUnavailable):
    """No answer, or one that may be another next time. `asked_s`: seconds the service asks to wait."""

    def __init__(self, message: str, asked_s: float | None = None) -> None:
        super().__init__(message)
        self.asked_s = asked_s


class Refused(Passing, NotCharged):
    """The service refused for now, or was never reached: it does not charge for that."""


class CredentialsRefused(ModelUnavailable, NotCharged):
    """No request is at fault, and the next one would fail in the same way."""


class NotUnderstood(InvalidReply, NotCharged):
    """The service refuses this request for good."""


def error_of_status(
    service: str, status: int, *, key: str, headers: Mapping[str, str] | None = None, body: object = None
) -> EarshotError:
    """The error of ours that an HTTP status stands for.

    Args:
        key: where the credentials come from, for the message.
    """
    told = refusal(service, status, body)
    if status in (401, 403):
        return CredentialsRefused(f"{told}: the credentials were refused; check {key}")
    if 200 <= status < 300:
        return Passing(f"{service} answered {status}, but not with what was asked for")
    if status >= 500 or status in _PASSING:
        return Refused(told, retry_after_s(headers or {}))
    return NotUnderstood(told)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header; None where there is none, or a date."""
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), None)
    try:
        return None if value is None else max(0.0, float(value))
    except ValueError:
        return None


def words_of(items: Iterable[tuple[Any, Any, Any, Any]], duration_s: float) -> tuple[Word, ...] | None:
    """Words from (text, start, end, confidence), inside the audio; None unless every one has both its times."""
    words = []
    for text, start, end, confidence in items:
        begin_s, end_s, sure = _number(start), _number(end), _number(confidence)
        if not isinstance(text, str) or begin_s is None or end_s is None:
            return None
        begin_s = min(max(0.0, begin_s), duration_s)
        words.append(
            Word(
                text=text.strip(),
                start_s=begin_s,
                end_s=min(max(begin_s, end_s), duration_s),
                confidence=None if sure is None else min(max(0.0, sure), 1.0),
            )
        )
    return tuple(words)


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def share(value: object) -> float | None:
    """A confidence in 0..1; None for anything else."""
    number = _number(value)
    return None if number is None else min(max(0.0, number), 1.0)


def mean_confidence(words: Sequence[Word]) -> float | None:
    known = [word.confidence for word in words if word.confidence is not None]
    return sum(known) / len(known) if known else None
