"""How far the times of words are off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.judging.normaliser import words_of
from pipeline.judging.truth import TrueCall
from pipeline.judging.word_error import align
from pipeline.records import TranscriptChunk

_Timed = tuple[str, float | None, float | None]
"""A normalised word with its start and its end, where they are known."""


def word_times(
    truth: TrueCall, chunks: Sequence[TranscriptChunk], channels: Sequence[int], one_channel: bool, language: str | None
) -> tuple[float, int]:
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
        for spoken, got in alignment.hits.items():
            for true_s, heard_s in zip(expected[spoken][1:], heard[got][1:], strict=True):
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
        (word, start_s if index == 0 else None, end_s if index == last else None) for index, word in enumerate(words)
    ]
