"""A call's talk as a reader follows it: what was said, in order of time, with silences and overtalk in their place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from analysis.conversation.spans import intersection, merged
from analysis.conversation.speech import PAUSE_S, utterances
from analysis.records import Sentiment
from db.queries.reading import ShownChunk
from pages.words import chunk_flag
from pipeline.records import Role, SpeechSpan

SHOWN_SILENCE_S = 3.0
"""A shorter silence is a pause between two sentences."""
SHOWN_OVERTALK_S = 0.5
"""A shorter overlap is one side waiting for the other's last word."""
REMARKED = frozenset(
    {"decode_truncated", "language_unsupported", "other_language", "out_of_memory", "recogniser_crash",
     "recogniser_error", "recogniser_timeout", "redacted", "side_uncertain", "speech_without_text", "truncation"}
)  # fmt: skip
"""Flags of believed words that a reader should know of; the others say what was mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A stretch of speech of one side."""

    number: int
    """From 0, in order of time."""
    role: Role
    start_s: float
    end_s: float
    text: str
    mood: str | None
    """negative, neutral or positive; None where there is none."""
    voice: str | None
    """The same from the voice alone, where it is not neutral."""
    doubts: tuple[str, ...]
    """Why its words may not be what was said."""
    remarks: tuple[str, ...]
    """What else to know of it."""
    same_speaker: bool
    """Whether the stretch before is of the same side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Silence, or both sides talking at once."""

    kind: str
    """`silence` or `overtalk`."""
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


def talk_of(
    chunks: Sequence[ShownChunk], duration_s: float | None, language: str | None
) -> tuple[list[Said | Pause], list[Pause]]:
    """Everything in order of time, and the pauses among it. Stretches without words are left out, unless a flag says
    why."""
    said = list(_said([chunk for chunk in chunks if chunk.text.strip() or set(chunk.flags) & REMARKED]))
    pauses = _pauses(chunks, duration_s, language)
    everything: list[Said | Pause] = [*said, *pauses]  # a pause stands behind what begins with it
    return sorted(everything, key=lambda entry: entry.start_s), pauses


def mood_of(probabilities: Mapping[str, float] | None) -> str | None:
    """The label, as everywhere: the largest, on a tie the milder one."""
    return None if probabilities is None else str(Sentiment(**probabilities).label)


def _said(chunks: Iterable[ShownChunk]) -> Iterable[Said]:
    before: tuple[int, Role] | None = None
    for number, chunk in enumerate(chunks):
        voice = mood_of(chunk.acoustic_probabilities)
        yield Said(
            number=number,
            role=chunk.role,
            start_s=chunk.start_s,
            end_s=chunk.end_s,
            text=chunk.text,
            mood=mood_of(chunk.fusion_probabilities or chunk.text_probabilities),
            voice=voice if voice != "neutral" else None,
            doubts=tuple(chunk_flag(flag) for flag in chunk.doubts),
            remarks=tuple(chunk_flag(flag) for flag in chunk.flags if flag in REMARKED),
            same_speaker=before == (chunk.channel, chunk.role),
        )
        before = (chunk.channel, chunk.role)


def _pauses(chunks: Sequence[ShownChunk], duration_s: float | None, language: str | None) -> list[Pause]:
    by_channel: dict[int, list[SpeechSpan]] = {}
    for utterance in utterances(chunks, math.inf if duration_s is None else duration_s, language):
        by_channel.setdefault(utterance.channel, []).append(utterance.span)
    if not by_channel:
        return []
    sides = [merged(spans, PAUSE_S) for spans in by_channel.values()]
    talk = merged([span for side in sides for span in side])
    end_s = max(chunk.end_s for chunk in chunks) if duration_s is None else duration_s
    silences = [
        Pause(kind="silence", start_s=end, end_s=start)
        for (_, end), (start, _) in pairwise([(-math.inf, 0.0), *talk, (end_s, math.inf)])
        if start - end >= SHOWN_SILENCE_S
    ]
    overtalk = [
        Pause(kind="overtalk", start_s=start, end_s=end)
        for side, other in combinations(sides, 2)
        for start, end in intersection(side, other)
        if end - start >= SHOWN_OVERTALK_S
    ]
    return sorted([*silences, *overtalk], key=lambda pause: pause.start_s)
