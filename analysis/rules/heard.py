"""A call as rules read it: the words of each side with their times, and the silences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from analysis.calls import in_order, language_of
from analysis.conversation.spans import merged
from analysis.conversation.speech import PAUSE_S, utterances
from analysis.records import CallSentiment, Conversation, Topic
from analysis.rules.patterns import JOINS_S, Stream, spelled_out
from analysis.text import placed_words, stems, words
from pipeline.records import CallForAnalysis, Role, SpeechSpan, StepResult, TranscriptChunk

MAX_QUOTE_CHARS = 240
_SENTENCE_END = re.compile(r"[.!?…。！？](?=\s|$)")


@dataclass(frozen=True, slots=True)
class SaidWord:
    """A word and its place."""

    stem: str
    word: str
    chunk: TranscriptChunk
    first: int
    """Its first character in the chunk's text."""
    end: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Side:
    """What one role says on one channel; words in doubt left out."""

    role: Role
    said: tuple[SaidWord, ...]
    stream: Stream
    doubted: tuple[SpeechSpan, ...]
    """Where its words are in doubt."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A phrase that somebody says: `side.said[first:after]`."""

    side: Side
    first: int
    after: int

    @property
    def start_s(self) -> float:
        return self.side.said[self.first].start_s

    @property
    def end_s(self) -> float:
        return self.side.said[self.after - 1].end_s

    @property
    def quote(self) -> str:
        """The sentence around it, at most MAX_QUOTE_CHARS characters; where it goes on in another chunk, both."""
        first, last = self.side.said[self.first], self.side.said[self.after - 1]
        if first.chunk is last.chunk:
            return _sentence(first.chunk.text, first.first, last.end)
        begun = _sentence(first.chunk.text, first.first, first.end)
        return f"{begun} {_sentence(last.chunk.text, last.first, last.end)}"


class Heard:
    """One call with the results of earlier steps."""

    def __init__(self, call: CallForAnalysis, earlier: Mapping[str, StepResult]) -> None:
        self.call = call
        self.language = language_of(call)
        self._earlier = earlier

    @cached_property
    def sides(self) -> tuple[Side, ...]:
        own: dict[tuple[int, Role], list[TranscriptChunk]] = {}
        for chunk in in_order(self.call.transcript.chunks):
            if words(chunk.text):
                own.setdefault((chunk.channel, chunk.role), []).append(chunk)
        return tuple(_side(chunks, self.language) for _, chunks in sorted(own.items()))

    @cached_property
    def talk(self) -> tuple[SpeechSpan, ...]:
        """Where anybody speaks, pauses under PAUSE_S joined."""
        chunks = [chunk for chunk in self.call.transcript.chunks if words(chunk.text)]
        return tuple(merged([utterance.span for utterance in utterances(chunks, self.call.duration_s)], PAUSE_S))

    @cached_property
    def begin_s(self) -> float:
        """When the first word is said; 0 where none is."""
        return self.talk[0][0] if self.talk else 0.0

    @cached_property
    def end_s(self) -> float:
        """When the last word is said."""
        return self.talk[-1][1] if self.talk else 0.0

    def of(self, role: str) -> tuple[Side, ...]:
        """The sides of this role; all of them for `any`."""
        return tuple(side for side in self.sides if role in ("any", side.role.value))

    def conversation(self) -> Conversation | None:
        payload = self._payload("conversation")
        return payload if isinstance(payload, Conversation) else None

    def topic(self) -> Topic | None:
        payload = self._payload("topic")
        return payload if isinstance(payload, Topic) else None

    def mood(self, source: str | None) -> CallSentiment | None:
        """Moods by `fusion` or `text`; by default fusion's, where there are any."""
        for step in (source,) if source else ("fusion", "text"):
            payload = self._payload(step)
            if isinstance(payload, CallSentiment) and payload.roles:
                return payload
        return None

    def quote_at(self, moment_s: float, role: Role) -> tuple[str, SpeechSpan] | None:
        """What this side says at that moment, and when."""
        for chunk in self.call.transcript.chunks:
            if chunk.role is role and chunk.start_s <= moment_s < max(chunk.end_s, chunk.start_s + 0.001):
                return _short(chunk.text.strip()), (chunk.start_s, chunk.end_s)
        return None

    def _payload(self, step: str) -> object | None:
        result = self._earlier.get(step)
        return None if result is None else result.payload


def _side(chunks: Sequence[TranscriptChunk], language: str | None) -> Side:
    said: list[SaidWord] = []
    breaks: list[int] = []
    for chunk in chunks:
        if chunk.doubts:
            breaks.append(len(said))
            continue
        own = list(_said(chunk, language))
        if said and own and own[0].start_s - said[-1].end_s > JOINS_S:
            breaks.append(len(said))
        said.extend(own)
    return Side(
        role=chunks[0].role,
        said=tuple(said),
        stream=Stream([(saying.stem, saying.word) for saying in said], breaks),
        doubted=tuple((chunk.start_s, chunk.end_s) for chunk in chunks if chunk.doubts),
    )


def _said(chunk: TranscriptChunk, language: str | None) -> Iterator[SaidWord]:
    found = placed_words(chunk.text)
    times = _times(chunk, len(found))
    for (word, first, end), (start_s, end_s) in zip(found, times, strict=True):
        spelled = spelled_out(word, language)
        for part, stem in zip(spelled, stems(spelled, language), strict=True):
            yield SaidWord(stem, part, chunk, first, end, start_s, end_s)


def _times(chunk: TranscriptChunk, count: int) -> list[SpeechSpan]:
    """When each word is said: by the recogniser's times where it gives one for each word, else spread evenly."""
    if chunk.words:
        timed = [(word.start_s, word.end_s) for word in chunk.words for _ in words(word.text)]
        if len(timed) == count:
            return timed
    speech = chunk.speech or ((chunk.start_s, chunk.end_s),)
    start, end = speech[0][0], speech[-1][1]
    step = (end - start) / max(count, 1)
    return [(start + index * step, start + (index + 1) * step) for index in range(count)]


def _sentence(text: str, first: int, end: int) -> str:
    before = [mark.end() for mark in _SENTENCE_END.finditer(text, 0, first)]
    after = _SENTENCE_END.search(text, end)
    start, stop = before[-1] if before else 0, after.end() if after else len(text)
    if stop - start > MAX_QUOTE_CHARS:
        room = max(0, MAX_QUOTE_CHARS - (end - first)) // 2
        start, stop = max(start, first - room), min(stop, end + room)
    return _short(text[start:stop].strip())


def _short(text: str) -> str:
    return text if len(text) <= MAX_QUOTE_CHARS else f"{text[: MAX_QUOTE_CHARS - 1]}…"
