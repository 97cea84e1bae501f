"""What must not be lost: the words of the business, and the short answers on which a call turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.judging.normaliser import words_of
from pipeline.judging.truth import TrueCall
from pipeline.judging.word_error import Alignment

SHORT_ANSWERS: Mapping[str, frozenset[str]] = {
    "en": frozenset(
        ["all", "yes", "yeah", "yep", "yup", "no", "nope", "nah", "okay", "sure", "right", "correct", "exactly"]
    ),
    "fr": frozenset(["d", "accord", "oui", "ouais", "non", "si", "okay", "voila", "exact", "exactement"]),
    "ar": frozenset(["نعم", "لا", "ايوه", "اه", "طيب", "تمام"]),
}
"""Words of which a turn that answers consists. A call turns on them, and they are easily lost."""
_MOST_ANSWER_WORDS = 3
_SHIFT = 3


def names_heard(sides: Sequence[Alignment], names: Sequence[str], language: str | None) -> tuple[int, int]:
    """How often one of the names was heard in full, and how often it was said."""
    wanted = {tuple(words) for name in names if (words := words_of(name, language))}
    heard = said = 0
    for side in sides:
        spoken = side.reference
        for name in wanted:
            for start in range(len(spoken) - len(name) + 1):
                if spoken[start : start + len(name)] == name:
                    said += 1
                    heard += all(index in side.hits for index in range(start, start + len(name)))
    return heard, said


def answers_heard(
    truth: TrueCall, sides: Sequence[Alignment], channels: Sequence[int], language: str | None
) -> tuple[int, int]:
    """Turns of short answers only that were heard word by word, and all of them. `sides`: one per channel."""
    answers = SHORT_ANSWERS.get(language or "", frozenset())
    heard = said = 0
    for channel, side in zip(channels, sides, strict=True):
        index = 0
        for turn in (turn for turn in truth.turns if turn.channel == channel):
            words = tuple(words_of(turn.text, language))
            begin = _found_near(side.reference, words, index)
            index = (index if begin is None else begin) + len(words)
            if begin is not None and 0 < len(words) <= _MOST_ANSWER_WORDS and answers.issuperset(words):
                said += 1
                heard += all(spot in side.hits for spot in range(begin, index))
    return heard, said


def _found_near(spoken: Sequence[str], words: tuple[str, ...], expected: int) -> int | None:
    """Where a turn's words begin: a number that runs over the border of two turns shifts what follows a little."""
    spots = sorted(range(max(0, expected - _SHIFT), expected + _SHIFT + 1), key=lambda spot: abs(spot - expected))
    return next((spot for spot in spots if tuple(spoken[spot : spot + len(words)]) == words), None)
