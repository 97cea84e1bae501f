"""Personal data out of a transcript before it is stored (`redaction.redact_stored`), and when it was said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.calls import in_order
from analysis.redaction.choice import redactor_of
from analysis.redaction.redactor import Redactor, TextStretch
from pipeline.config.root import Settings
from pipeline.records import Role, Transcript, TranscriptChunk, Word

UNHEARD = frozenset({"recognition_failed", "recogniser_crash", "recogniser_error", "recogniser_timeout"})
"""Flags of chunks without text in which somebody speaks."""

_MARK = re.compile(r"\[[A-Z][A-Z0-9_]*_\d+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalStretch:
    """When personal data is heard: what a redacted copy of the recording is silent in."""

    channel: int
    start_s: float
    """From the first sample of the recording."""
    end_s: float
    mark: str
    """`[CARD_1]`, as in the redacted text; the number is the call's."""
    exact: bool
    """By the times of the words. False where the recogniser gave none: then it is the whole chunk."""


def redact_transcript(transcript: Transcript, redactor: Redactor) -> Transcript:
    """The same chunks without personal data, numbers dictated over several chunks included; not to be undone.

    A chunk that changes gets the flag `redacted`. Of its words those within a stretch become one word, the placeholder,
    from the beginning of the first to the end of the last; where words and text do not agree, none are left.
    """
    chunks = in_order(transcript.chunks)
    texts, stretches = redactor.stretches_of([chunk.text for chunk in chunks], [chunk.role for chunk in chunks])
    changed = {
        (chunk.channel, chunk.ordinal): replace(
            chunk,
            text=text,
            words=_words_with_marks(chunk, of_chunk),
            flags=tuple(sorted({*chunk.flags, "redacted"})),
        )
        for chunk, text, of_chunk in zip(chunks, texts, stretches, strict=True)
        if of_chunk
    }
    kept = tuple(changed.get((chunk.channel, chunk.ordinal), chunk) for chunk in transcript.chunks)
    return replace(transcript, chunks=kept)


def without_personal_data(texts: Sequence[str], roles: Sequence[Role], settings: Settings) -> list[str]:
    """Lines of one call, and who says each, as they may be stored and shown: as they are without `redact_stored`."""
    if not settings.redaction.redact_stored:
        return list(texts)
    redactor = redactor_of(always(settings))
    return list(redactor.stretches_of(texts, roles)[0])


def always(settings: Settings) -> Settings:
    """With redaction enabled, whatever is sent."""
    enabled = settings.redaction.model_copy(update={"enabled": True})
    return settings.model_copy(update={"redaction": enabled})


def personal_stretches(transcript: Transcript, redactor: Redactor) -> tuple[PersonalStretch, ...]:
    """When the personal data of a transcript is heard, in order of time; a transcript redacted before has its marks."""
    chunks = in_order(transcript.chunks)
    _, found = redactor.stretches_of([chunk.text for chunk in chunks], [chunk.role for chunk in chunks])
    stretches = [
        stretch
        for chunk, of_chunk in zip(chunks, found, strict=True)
        for stretch in (*_timed(chunk, of_chunk), *_marked(chunk), *_unheard(chunk))
    ]
    return tuple(sorted(stretches, key=lambda stretch: (stretch.start_s, stretch.channel)))


def _timed(chunk: TranscriptChunk, stretches: Sequence[TextStretch]) -> list[PersonalStretch]:
    places = _places(chunk)
    found = []
    for stretch in stretches:
        inside = [word for word, start, end in places or () if start < stretch.end and stretch.start < end]
        start_s, end_s = (inside[0].start_s, inside[-1].end_s) if inside else (chunk.start_s, chunk.end_s)
        found.append(
            PersonalStretch(channel=chunk.channel, start_s=start_s, end_s=end_s, mark=stretch.mark, exact=bool(inside))
        )
    return found


def _marked(chunk: TranscriptChunk) -> list[PersonalStretch]:
    """The placeholders that redaction left among the words; the whole chunk where it left none."""
    if "redacted" not in chunk.flags:
        return []
    marked = [
        PersonalStretch(channel=chunk.channel, start_s=word.start_s, end_s=word.end_s, mark=word.text, exact=True)
        for word in chunk.words or ()
        if word.text.startswith("[") and word.text.endswith("]")
    ]
    return marked or [_whole(chunk, " ".join(_MARK.findall(chunk.text)))]


def _unheard(chunk: TranscriptChunk) -> list[PersonalStretch]:
    """Speech that no recogniser turned into words may be anything."""
    return [] if chunk.text or not UNHEARD & set(chunk.flags) else [_whole(chunk, "[UNHEARD]")]


def _whole(chunk: TranscriptChunk, mark: str) -> PersonalStretch:
    return PersonalStretch(channel=chunk.channel, start_s=chunk.start_s, end_s=chunk.end_s, mark=mark, exact=False)


def _words_with_marks(chunk: TranscriptChunk, stretches: Sequence[TextStretch]) -> tuple[Word, ...] | None:
    places = _places(chunk)
    if places is None:
        return None
    words: list[Word] = []
    current: TextStretch | None = None
    waiting = list(stretches)
    for word, start, end in places:
        while waiting and waiting[0].end <= start:
            waiting.pop(0)
        if not (waiting and waiting[0].start < end):
            words.append(word)
        elif waiting[0] is current:
            words[-1] = replace(words[-1], end_s=word.end_s)
        else:
            words.append(Word(text=waiting[0].mark, start_s=word.start_s, end_s=word.end_s))
            while len(waiting) > 1 and waiting[1].start < end:  # one word that reaches into several stretches
                waiting.pop(0)
            current = waiting[0]
    return tuple(words)


def _places(chunk: TranscriptChunk) -> list[tuple[Word, int, int]] | None:
    """Each word with its place in the text; None without words, or where they are not those of the text."""
    if not chunk.words:
        return None
    places = []
    done = 0
    for word in chunk.words:
        said = word.text.strip()
        start = chunk.text.find(said, done)
        if start < 0 or chunk.text[done:start].strip():
            return None
        done = start + len(said)
        places.append((word, start, done))
    return None if chunk.text[done:].strip() else places
