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
from pipeline.judging.normaliser import normalised, words_of
from pipeline.judging.truth import TrueCall, TrueTurn
from pipeline.judging.word_error import NO_ERRORS, Alignment, WordErrors, align, character_errors
from pipeline.records import TranscriptChunk

BOTH_ON_ONE = frozenset({"mono", "dual_mono", "diarised"})
"""Flags of calls whose stored channels are not the sides of the recording."""
SHORT_ANSWERS: Mapping[str, frozenset[str]] = {
    "en": frozenset(["yes", "yeah", "yep", "yup", "no", "nope", "nah", "okay", "sure", "right", "correct", "exactly"]),
    "fr": frozenset(["oui", "ouais", "non", "si", "okay", "voila", "exact", "exactement"]),
    "ar": frozenset(["نعم", "لا", "ايوه", "اه", "طيب", "تمام"]),
}
"""Words of which a turn that answers consists. A call turns on them, and they are easily lost."""
_MOST_ANSWER_WORDS = 3
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SideScore:
    """One side of one call; both together where the recording holds them on one channel."""

    role: str
    """`agent`, `client`, or `channel 0`, …."""
    words: WordErrors
    characters: WordErrors
    alignment: Alignment
    speech_precision: float | None
    """Share of the time in chunks in which people marked speech of this side; None without chunks or times."""
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
    figures["names"] = _names_heard(sides, names, language)
    figures["short_answers"] = _answers_heard(truth, sides, channels, language)
    f1 = [side.speech_f1 for side in sides if side.speech_f1 is not None]
    figures["speech_f1"] = (sum(f1), len(f1))
    figures["turn_order"] = (0.0, 0) if order is None else (order[0], order[1])
    figures["idle_chunks"] = (len(idle), 1 if truth.timed else 0)
    figures["word_time_s"] = _word_times(truth, chunks, channels, one_channel, language)
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
    """Whether a chunk is to be judged: the second channel of a doubled recording says the first's words again."""
    return not ("dual_mono" in heard.flags and chunk.channel > 0)


def _side(
    turns: Sequence[TrueTurn], said: Sequence[TranscriptChunk], duration_s: float, language: str | None
) -> SideScore:
    expected = normalised(" ".join(turn.text for turn in turns), language)
    got = normalised(" ".join(chunk.text for chunk in said), language)
    alignment = align(expected.split(), got.split())
    spans = [(turn.start_s, turn.end_s) for turn in turns if turn.text and turn.start_s is not None]
    precision = recall = None
    if spans:
        found = _mask([(chunk.start_s, chunk.end_s) for chunk in said if chunk.text], duration_s)
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
            (min(turn.end_s or 0.0, chunk.end_s) - max(turn.start_s or 0.0, chunk.start_s), place)
            for place, chunk in enumerate(chunks)
            if chunk.channel == turn.channel
        ]
        best, place = max(overlaps, default=(0.0, -1))
        if best <= 0:
            continue
        placed += 1
        right += place >= last
        last = max(last, place)
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
            and (turn.start_s or 0.0) - _BESIDE_S < chunk.end_s
            and chunk.start_s < (turn.end_s or 0.0) + _BESIDE_S
            for turn in truth.spoken
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


def _names_heard(sides: Sequence[SideScore], names: Sequence[str], language: str | None) -> Ratio:
    wanted = {tuple(words) for name in names if (words := words_of(name, language))}
    heard = said = 0
    for side in sides:
        spoken = side.alignment.reference
        for name in wanted:
            for start in range(len(spoken) - len(name) + 1):
                if spoken[start : start + len(name)] == name:
                    said += 1
                    heard += all(place in side.alignment.hits for place in range(start, start + len(name)))
    return heard, said


def _answers_heard(truth: TrueCall, sides: Sequence[SideScore], channels: Sequence[int], language: str | None) -> Ratio:
    """Turns that consist of short answers only, and how many of them were heard word by word."""
    answers = SHORT_ANSWERS.get(language or "", frozenset())
    heard = said = 0
    for channel, side in zip(channels, sides, strict=True):
        place = 0
        for turn in (turn for turn in truth.turns if turn.channel == channel):
            words = words_of(turn.text, language)
            if side.alignment.reference[place : place + len(words)] != tuple(words):
                break  # numbers that run over the border of two turns: the places cannot be told any more
            if 0 < len(words) <= _MOST_ANSWER_WORDS and answers.issuperset(words):
                said += 1
                heard += all(spot in side.alignment.hits for spot in range(place, place + len(words)))
            place += len(words)
    return heard, said


_Timed = tuple[str, float | None, float | None]
"""A normalised word with its start and its end, where they are known."""


def _word_times(
    truth: TrueCall, chunks: Sequence[TranscriptChunk], channels: Sequence[int], one_channel: bool, language: str | None
) -> Ratio:
    """Seconds between true and heard starts and ends of words that are right, and how many were compared.

    Truth with turn times only gives the start of a turn's first word and the end of its last.
    """
    wrong_s, compared = 0.0, 0
    for channel in channels:
        expected = [
            word
            for turn in truth.turns
            if turn.channel == channel
            for word in (
                _timed([(w.text, w.start_s, w.end_s) for w in turn.words], language)
                if turn.words
                else _edges(turn.text, turn.start_s, turn.end_s, language)
            )
        ]
        heard = [
            word
            for chunk in chunks
            if one_channel or chunk.channel == channel
            for word in (
                _timed([(w.text, w.start_s, w.end_s) for w in chunk.words], language)
                if chunk.words
                else _edges(chunk.text, chunk.start_s, chunk.end_s, language)
            )
        ]
        alignment = align([word for word, _, _ in expected], [word for word, _, _ in heard])
        for place, got in alignment.hits.items():
            for true_s, heard_s in zip(expected[place][1:], heard[got][1:], strict=True):
                if true_s is not None and heard_s is not None:
                    wrong_s += abs(true_s - heard_s)
                    compared += 1
    return wrong_s, compared


def _timed(words: Iterable[tuple[str, float, float]], language: str | None) -> list[_Timed]:
    timed: list[_Timed] = []
    for text, start_s, end_s in words:
        timed.extend(_edges(text, start_s, end_s, language))
    return timed


def _edges(text: str, start_s: float | None, end_s: float | None, language: str | None) -> list[_Timed]:
    """The first word has the start, the last the end."""
    words = words_of(text, language)
    last = len(words) - 1
    return [
        (word, start_s if place == 0 else None, end_s if place == last else None) for place, word in enumerate(words)
    ]


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
    found = [SpeakerTurn(chunk.start_s, chunk.end_s, chunk.channel) for chunk in chunks if chunk.text]
    marked = [SpeakerTurn(start_s, end_s, numbers[speaker]) for start_s, end_s, speaker in spans]
    errors = diarisation_errors(marked, found, (0.0, heard.duration_s))
    return errors.missed_s + errors.false_alarm_s + errors.confusion_s, errors.speech_s
