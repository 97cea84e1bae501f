"""One system's transcript of one call against the truth, as counts that can be added up over calls.

Each figure is a ratio of two sums (errors over words, seconds over seconds), so that calls can be drawn again for the
intervals, and two systems paired call by call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.diarisation.diariser import SpeakerTurn
from pipeline.diarisation.error_rate import diarisation_errors
from pipeline.judging.normaliser import normalised
from pipeline.judging.recall import answers_heard, names_heard
from pipeline.judging.truth import TrueCall, TrueTurn
from pipeline.judging.word_error import NO_ERRORS, Alignment, WordErrors, align, character_errors
from pipeline.judging.word_times import word_times
from pipeline.records import Transcript, TranscriptChunk

BOTH_ON_ONE = frozenset({"mono", "dual_mono", "diarised"})
"""Flags of calls whose stored channels are not the sides of the recording."""
_STEP_S = 0.01
_BESIDE_S = 0.25
"""People's marks are not exact: within this distance of a turn somebody speaks."""
_CURED = "_cured"
_SPEAKERS = 2

Ratio = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardCall:
    """What one system made of one recording."""

    name: str
    """Stem of the recording's file name."""
    duration_s: float
    language: str | None
    flags: tuple[str, ...]
    """Of the call."""
    chunks: tuple[TranscriptChunk, ...]
    """In time order."""
    engine: str
    model: str
    revision: str | None

    @classmethod
    def of(cls, transcript: Transcript, *, name: str, duration_s: float, flags: tuple[str, ...]) -> HeardCall:
        """What the recogniser of this transcript made of the recording."""
        return cls(
            name=name,
            duration_s=duration_s,
            language=transcript.language,
            flags=flags,
            chunks=transcript.chunks,
            engine=transcript.identity.engine,
            model=transcript.identity.model,
            revision=transcript.identity.revision,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SideScore:
    """One side of one call; both together where the recording holds them on one channel."""

    role: str
    """`agent`, `client`, or `channel 0`, …."""
    words: WordErrors
    characters: WordErrors
    alignment: Alignment
    speech_precision: float | None
    """Share of the time that chunks call speech in which people marked speech of this side.

    None without chunks or times."""
    speech_recall: float | None
    role_right: bool | None
    """Whether the stored role of the channel is the true one; None where the truth gives no role."""

    @property
    def speech_f1(self) -> float | None:
        if self.speech_precision is None or self.speech_recall is None:
            return None
        total = self.speech_precision + self.speech_recall
        return 2 * self.speech_precision * self.speech_recall / total if total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallScore:
    name: str
    engine: str
    sides: tuple[SideScore, ...]
    turn_order: float | None
    idle_chunks: tuple[TranscriptChunk, ...]
    """Chunks with words and without a warning where, by the truth, nobody speaks."""
    figures: Mapping[str, Ratio]
    """By name (`FIGURES`): numerator and denominator."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why a figure is missing, by name."""

    @property
    def words(self) -> WordErrors:
        return sum((side.words for side in self.sides), NO_ERRORS)


FIGURES: Mapping[str, str] = {
    "wer": "word error rate",
    "insertions": "words made up, per word said",
    "deletions": "words left out, per word said",
    "substitutions": "words taken for others, per word said",
    "cer": "character error rate",
    "wer_agent": "word error rate, agent",
    "wer_client": "word error rate, client",
    "names": "glossary words heard",
    "short_answers": "short answers heard",
    "speech_f1": "speech found, F1 (mean over sides)",
    "turn_order": "turns in the right order",
    "idle_chunks": "chunks where nobody speaks, without a warning, per call",
    "word_time_s": "word time error, mean, s",
    "der": "diarisation error rate",
}
"""What is measured, in the order in which it is shown."""
HIGHER_IS_BETTER = frozenset({"names", "short_answers", "speech_f1", "turn_order"})
"""These are shares of what could be found, 1 at most."""


def score_call(heard: HeardCall, truth: TrueCall, language: str | None, names: Sequence[str] = ()) -> CallScore:
    """Judge one transcript.

    Args:
        language: of the normaliser, ISO 639-1.
        names: names and other words of the business whose recall is measured.
    """
    one_channel = truth.dual_mono or not BOTH_ON_ONE.isdisjoint(heard.flags)
    if one_channel:
        truth = truth.on_one_channel()
    chunks = [chunk for chunk in heard.chunks if without_copies(heard, chunk)]
    channels = sorted({turn.channel for turn in truth.turns})
    sides = []
    for channel in channels:
        said = chunks if one_channel else [chunk for chunk in chunks if chunk.channel == channel]
        sides.append(_side([turn for turn in truth.turns if turn.channel == channel], said, heard.duration_s, language))
    order = None if one_channel else order_agreement(truth.spoken, chunks)
    idle = _idle(truth, chunks, one_channel)
    reasons: dict[str, str] = {}
    figures = _word_figures(sides)
    figures["names"] = names_heard([side.alignment for side in sides], names, language)
    figures["short_answers"] = answers_heard(truth, [side.alignment for side in sides], channels, language)
    f1 = [side.speech_f1 for side in sides if side.speech_f1 is not None]
    figures["speech_f1"] = (sum(f1), len(f1))
    figures["turn_order"] = (0.0, 0) if order is None else (order[0], order[1])
    figures["idle_chunks"] = (len(idle), 1 if truth.timed else 0)
    figures["word_time_s"] = word_times(truth, chunks, channels, one_channel, language)
    figures["der"] = _speakers(heard, truth, chunks, reasons)
    return CallScore(
        name=heard.name,
        engine=heard.engine,
        sides=tuple(sides),
        turn_order=None if order is None else order[0] / order[1],
        idle_chunks=tuple(idle),
        figures=figures,
        reasons=reasons,
    )


def without_copies(heard: HeardCall, chunk: TranscriptChunk) -> bool:
    """Whether a chunk is to be judged: the second channel of a doubled recording says the first's words again.

    Where its two speakers were told apart, the channels are these speakers, and both are judged.
    """
    return not ("dual_mono" in heard.flags and "diarised" not in heard.flags and chunk.channel > 0)


def _side(
    turns: Sequence[TrueTurn], said: Sequence[TranscriptChunk], duration_s: float, language: str | None
) -> SideScore:
    expected = normalised(" ".join(turn.text for turn in turns), language)
    got = normalised(" ".join(chunk.text for chunk in said), language)
    alignment = align(expected.split(), got.split())
    spans = [(turn.start_s, turn.end_s) for turn in turns if turn.text and turn.start_s is not None]
    precision = recall = None
    if spans:
        found = _mask([span for chunk in said if chunk.text for span in chunk.spoken_spans], duration_s)
        spoken = _mask([(start_s, end_s or start_s) for start_s, end_s in spans], duration_s)
        both = float((found & spoken).sum())
        precision = both / found.sum() if found.any() else None
        recall = both / spoken.sum() if spoken.any() else None
    role = next((turn.role for turn in turns), None)
    return SideScore(
        role=role or f"channel {turns[0].channel}",
        words=alignment.errors,
        characters=character_errors(expected, got),
        alignment=alignment,
        speech_precision=precision,
        speech_recall=recall,
        role_right=None if role is None or not said else {chunk.role.value for chunk in said} == {role},
    )


def _mask(spans: Iterable[tuple[float, float]], duration_s: float) -> npt.NDArray[np.bool_]:
    mask = np.zeros(int(duration_s / _STEP_S) + 1, dtype=np.bool_)
    for start_s, end_s in spans:
        mask[int(start_s / _STEP_S) : int(end_s / _STEP_S)] = True
    return mask


def order_agreement(turns: Sequence[TrueTurn], chunks: Sequence[TranscriptChunk]) -> tuple[int, int] | None:
    """True turns, in order, whose best overlapping chunk does not come before the last turn's; and all that have one.

    None where no turn has one.
    """
    last, right, placed = -1, 0, 0
    for turn in sorted((turn for turn in turns if turn.start_s is not None), key=lambda turn: turn.start_s or 0.0):
        overlaps = [
            (min(turn.end_s or 0.0, chunk.end_s) - max(turn.start_s or 0.0, chunk.start_s), index)
            for index, chunk in enumerate(chunks)
            if chunk.channel == turn.channel
        ]
        best, index = max(overlaps, default=(0.0, -1))
        if best <= 0:
            continue
        placed += 1
        right += index >= last
        last = max(last, index)
    return (right, placed) if placed else None


def warned(flags: Iterable[str]) -> bool:
    """Whether a chunk carries a warning: a flag other than one that says what was put right."""
    return any(not flag.endswith(_CURED) for flag in flags)


def _idle(truth: TrueCall, chunks: Sequence[TranscriptChunk], one_channel: bool) -> list[TranscriptChunk]:
    if not truth.timed:
        return []
    return [
        chunk
        for chunk in chunks
        if chunk.text
        and not warned(chunk.flags)
        and not any(
            (one_channel or turn.channel == chunk.channel)
            and (turn.start_s or 0.0) - _BESIDE_S < end_s
            and start_s < (turn.end_s or 0.0) + _BESIDE_S
            for turn in truth.spoken
            for start_s, end_s in chunk.spoken_spans
        )
    ]


def _word_figures(sides: Sequence[SideScore]) -> dict[str, Ratio]:
    words = sum((side.words for side in sides), NO_ERRORS)
    characters = sum((side.characters for side in sides), NO_ERRORS)
    of = words.reference_words
    figures: dict[str, Ratio] = {
        "wer": (words.errors, of),
        "insertions": (words.insertions, of),
        "deletions": (words.deletions, of),
        "substitutions": (words.substitutions, of),
        "cer": (characters.errors, characters.reference_words),
    }
    for role in ("agent", "client"):
        own = sum((side.words for side in sides if side.role == role), NO_ERRORS)
        figures[f"wer_{role}"] = (own.errors, own.reference_words)
    return figures


def _speakers(heard: HeardCall, truth: TrueCall, chunks: Sequence[TranscriptChunk], reasons: dict[str, str]) -> Ratio:
    """Seconds wrong and seconds of speech, with the collar of 0.25 s; overlapping speech counts."""
    spans = [(span.start_s, span.end_s, span.speaker) for span in truth.speakers] or [
        (turn.start_s, turn.end_s, turn.speaker or f"channel {turn.channel}")
        for turn in truth.spoken
        if turn.start_s is not None and turn.end_s is not None
    ]
    numbers = {speaker: number for number, speaker in enumerate(dict.fromkeys(speaker for *_, speaker in spans))}
    if len(numbers) < _SPEAKERS:
        reasons["der"] = "the truth names fewer than two speakers"
        return 0.0, 0.0
    found = [
        SpeakerTurn(start_s, end_s, chunk.channel)
        for chunk in chunks
        if chunk.text
        for start_s, end_s in chunk.spoken_spans
    ]
    marked = [SpeakerTurn(start_s, end_s, numbers[speaker]) for start_s, end_s, speaker in spans]
    errors = diarisation_errors(marked, found, (0.0, heard.duration_s))
    return errors.missed_s + errors.false_alarm_s + errors.confusion_s, errors.speech_s
