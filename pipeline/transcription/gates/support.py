"""Terms of the vocabulary that the speech supports.

Given a vocabulary, a recogniser hears its words where they are said, and writes them where they are not. So a text with
such a term is decoded once more without vocabulary. What both say stays. Where they differ, the text without vocabulary
stands, unless the other has a term there that sounds like what was heard (letters stand in for sounds: Ratcliff and
Metzener 1988, `difflib`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from pipeline.records import Word
from pipeline.transcription.engine import SegmentResult

_LEAST_LIKENESS = 0.6
"""Of 0..1: "Harper Valley" heard as "Howard Valley" 0.75, "Visa" for "this" 0.5, "pay my bill" for "package" 0.25."""
UNSUPPORTED = "vocabulary_unsupported"
"""Flag of a text from which a term was taken."""


def has_term(text: str, terms: Sequence[tuple[str, ...]]) -> bool:
    """Whether a term of the vocabulary stands in the text. Terms as `plain_words` gives them."""
    return bool(_places(_plain(text.split()), terms))


def supported(given: SegmentResult, bare: SegmentResult, terms: Sequence[tuple[str, ...]]) -> SegmentResult:
    """The text decoded without vocabulary, with those terms of the other that it supports.

    Args:
        given: decoded with vocabulary.
        bare: decoded without.
        terms: the vocabulary, as `plain_words` gives it.
    """
    if bare.error is not None:
        return replace(given, flags=_with(given.flags, UNSUPPORTED))
    theirs, ours = given.text.split(), bare.text.split()
    words = _placed(given, theirs), _placed(bare, ours)
    places = _places(_plain(theirs), terms)
    text: list[str] = []
    placed: list[Word] = []
    dropped = False
    for kind, a, b, c, d in SequenceMatcher(None, _plain(theirs), _plain(ours), autojunk=False).get_opcodes():
        near = [] if kind == "equal" else [(i, j) for i, j in places if i < b and a < j]
        before = max((a - i for i, _ in near), default=0)
        after = max((j - b for _, j in near), default=0)
        term, heard = (
            theirs[a - max(before, 0) : b + max(after, 0)],
            ours[max(c - max(before, 0), 0) : d + max(after, 0)],
        )
        take = bool(near) and c < d and _alike(term, heard) >= _LEAST_LIKENESS
        dropped |= bool(near) and not take
        text += theirs[a:b] if take else ours[c:d]
        if words[0] is not None and words[1] is not None:
            placed += words[0][a:b] if take else words[1][c:d]
    if bare.words is not None and (words[0] is None or words[1] is None):
        return replace(bare, flags=_with(bare.flags, UNSUPPORTED))  # no words to exchange: an unspaced script
    return replace(
        bare,
        text=" ".join(text),
        words=None if bare.words is None else tuple(placed),
        flags=_with(bare.flags, UNSUPPORTED) if dropped else bare.flags,
    )


def _places(said: Sequence[str], terms: Sequence[tuple[str, ...]]) -> list[tuple[int, int]]:
    """Where the terms stand: first word, and the one after the last."""
    return [
        (i, i + len(term)) for term in terms if term for i in range(len(said)) if tuple(said[i : i + len(term)]) == term
    ]


def _placed(result: SegmentResult, tokens: Sequence[str]) -> Sequence[Word] | None:
    """A word for each token; None where they are not the same."""
    words = result.words
    return words if words is not None and [word.text for word in words] == list(tokens) else None


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    return SequenceMatcher(None, "".join(_plain(one)), "".join(_plain(other)), autojunk=False).ratio()


def _plain(tokens: Sequence[str]) -> list[str]:
    return ["".join(letter for letter in token.casefold() if letter.isalnum()) for token in tokens]


def _with(flags: tuple[str, ...], flag: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*flags, flag)))
