"""Terms of the vocabulary that the speech supports.

Given a vocabulary, a recogniser hears its words where they are said, writes them where they are not, and takes over how
they are written. So a text is decoded without. Only where some of its words sound like a term that is not there it is
decoded once more, with the vocabulary, and the term takes the place of these words if both agree. All other words stay
those decoded without. Letters stand in for sounds: how few must be changed, of those of the longer spelling
(Levenshtein 1966, `rapidfuzz`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from rapidfuzz.distance import Levenshtein

from pipeline.records import Word
from pipeline.transcription.engine import SegmentResult

LEAST_LIKENESS = 0.55
"""Of 0..1: "Harper Valley" heard as "Howard Valley" 0.58, "IBAN" for "bank" 0.5, "Visa" for "is" 0.5."""
_MOST_WORDS_MORE = 2
"""A term may be heard as this many words more than it has: "Earshot" as "your shirt", "IBAN" as "i ban"."""
UNSUPPORTED = "vocabulary_unsupported"
"""Flag of a text for which a term was heard that does not sound like the text."""

Term = tuple[str, ...]
"""Plain words: lower case, letters and digits only."""
Span = tuple[int, int]
"""The first word of a stretch, and the one after its last."""


def sounds_like_a_term(text: str, terms: Sequence[Term]) -> bool:
    """Whether words of the text are close to a term, and are no term already."""
    said = _plain(text.split())
    taken = {index for first, last in _places(said, terms) for index in range(first, last)}
    return any(
        taken.isdisjoint(range(*stretch)) and _likeness(term, said[slice(*stretch)]) >= LEAST_LIKENESS
        for term in terms
        for stretch in _stretches(term, (0, len(said)))
    )


def supported(given: SegmentResult, bare: SegmentResult, terms: Sequence[Term]) -> SegmentResult:
    """The text decoded without vocabulary, with those terms of the other in place of what sounds like them there.

    Args:
        given: decoded with vocabulary.
        bare: decoded without.
        terms: the vocabulary, as `plain_words` gives it.
    """
    if given.error is not None:
        return bare
    theirs, ours = given.text.split(), bare.text.split()
    if bare.words is not None and [word.text for word in bare.words] != ours:
        return bare  # no words to exchange: a script without spaces
    exchanges, dropped = _exchanges(_plain(theirs), _plain(ours), terms)
    text, words = list(ours), list(bare.words or ())
    for (first, last), (begin, end) in reversed(exchanges):
        text[begin:end] = theirs[first:last]
        if bare.words is not None:
            words[begin:end] = _spread(theirs[first:last], bare.words[begin:end])
    return replace(
        bare,
        text=" ".join(text) if exchanges else bare.text,
        words=None if bare.words is None else tuple(words),
        flags=tuple(dict.fromkeys((*bare.flags, UNSUPPORTED))) if dropped else bare.flags,
    )


def _exchanges(
    theirs: Sequence[str], ours: Sequence[str], terms: Sequence[Term]
) -> tuple[list[tuple[Span, Span]], bool]:
    """Each term of `theirs` with the words of `ours` that it replaces, in order; whether a term replaces none."""
    blocks = SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes()
    exchanges: list[tuple[Span, Span]] = []
    dropped = False
    end = 0
    for first, last in sorted(_places(theirs, terms), key=lambda span: (span[0], -span[1])):
        if exchanges and first < exchanges[-1][0][1]:
            continue  # a part of a longer term
        term = tuple(theirs[first:last])
        around = _opposite((first, last), blocks)
        if any(tuple(ours[i : i + len(term)]) == term for i in range(*around)):
            continue
        heard = [
            (_likeness(term, ours[slice(*stretch)]), stretch)
            for stretch in _stretches(term, (max(around[0], end), around[1]))
        ]
        close = [likely for likely in heard if likely[0] >= LEAST_LIKENESS]
        if not close:
            dropped = True
            continue
        stretch = max(close, key=lambda likely: likely[0])[1]
        exchanges.append(((first, last), stretch))
        end = stretch[1]
    return exchanges, dropped


def _opposite(span: Span, blocks: Sequence[tuple[str, int, int, int, int]]) -> Span:
    """The words of the other text that stand against these."""
    met = [block for block in blocks if block[2] > span[0] and block[1] < span[1]]
    (first_kind, a, _, begin, _), (last_kind, _, b, _, end) = met[0], met[-1]
    if first_kind == "equal":
        begin += span[0] - a
    if last_kind == "equal":
        end -= b - span[1]
    return begin, end


def _stretches(term: Term, within: Span) -> Iterator[Span]:
    """Runs of words that can be the term."""
    for size in range(1, len(term) + _MOST_WORDS_MORE + 1):
        for first in range(within[0], within[1] - size + 1):
            yield first, first + size


def _likeness(ours: Sequence[str], theirs: Sequence[str]) -> float:
    return Levenshtein.normalized_similarity("".join(ours), "".join(theirs))


def _spread(tokens: Sequence[str], heard: Sequence[Word]) -> list[Word]:
    """The tokens over the time of the words that they replace, by their letters; as sure as the least sure of these."""
    start_s, end_s = heard[0].start_s, heard[-1].end_s
    known = [word.confidence for word in heard if word.confidence is not None]
    letters = sum(map(len, tokens))
    words: list[Word] = []
    done = 0
    for token in tokens:
        begin_s = start_s + (end_s - start_s) * done / letters
        done += len(token)
        finish_s = start_s + (end_s - start_s) * done / letters
        words.append(Word(text=token, start_s=begin_s, end_s=finish_s, confidence=min(known, default=None)))
    return words


def _places(said: Sequence[str], terms: Sequence[Term]) -> list[Span]:
    """Where the terms stand."""
    return [
        (i, i + len(term)) for term in terms if term for i in range(len(said)) if tuple(said[i : i + len(term)]) == term
    ]


def _plain(tokens: Sequence[str]) -> list[str]:
    return ["".join(letter for letter in token.casefold() if letter.isalnum()) for token in tokens]
