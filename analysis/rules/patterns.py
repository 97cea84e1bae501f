"""Phrases of a rule file, and where a side says them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache

from analysis.text import stems, words

GAP_WORDS = 3
"""Other words that `...` may stand for."""
JOINS_S = 3.0
"""A phrase may go on after a pause up to this long."""
_GAPS = ("...", "…")
_NEGATED = {"won't": ("will", "not"), "can't": ("can", "not"), "cannot": ("can", "not"), "shan't": ("shall", "not")}
_SHORT = {"'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would"}
_IS = frozenset({"that's", "it's", "what's", "there's", "here's", "he's", "she's", "who's", "where's", "how's"})

_WHOLE = frozenset({"aujourd'hui", "quelqu'un"})
"""French words with an apostrophe."""

EXACT = "="
"""Before a word: this form alone."""

Element = frozenset[str] | None
"""Stems, or forms behind EXACT, any of which may stand there; None for up to GAP_WORDS other words."""


def parse_phrase(phrase: str) -> tuple[tuple[str, ...] | None, ...]:
    """A phrase as it is written: alternatives for each place, None for a gap.

    Raises ValueError for a phrase without words, one that begins or ends with a gap, and `a/b` of more than one word.
    """
    places: list[tuple[str, ...] | None] = []
    for piece in phrase.split():
        if piece in _GAPS:
            places.append(None)
            continue
        options = piece.split("/")
        if len(options) == 1 and not piece.startswith(EXACT):
            places.extend((word,) for word in words(piece))
        elif all(len(words(option)) == 1 for option in options):
            places.append(tuple(f"{EXACT * option.startswith(EXACT)}{words(option)[0]}" for option in options))
        else:
            raise ValueError(f"{phrase!r}: in {piece!r} each side of / must be one word")
    if not any(places):
        raise ValueError(f"{phrase!r} holds no word")
    if places[0] is None or places[-1] is None:
        raise ValueError(f"{phrase!r}: `...` stands between words; take it away from the beginning and the end")
    return tuple(places)


@lru_cache(maxsize=20_000)
def compiled(phrase: str, language: str | None) -> tuple[tuple[Element, ...], ...]:
    """The phrase by the stems of a language: one sequence for each way in which short forms (`I'm`) spell it out."""
    variants: list[tuple[Element, ...]] = [()]
    for place in parse_phrase(phrase):
        if place is None:
            variants = [(*before, None) for before in variants]
            continue
        by_length: dict[int, list[tuple[str, ...]]] = {}
        for option in place:
            exact = option.startswith(EXACT)
            spelled = (option,) if exact else tuple(stems(spelled_out(option, language), language))
            by_length.setdefault(len(spelled), []).append(spelled)
        ways = [
            tuple(frozenset(alternatives) for alternatives in zip(*same, strict=True)) for same in by_length.values()
        ]
        variants = [(*before, *way) for before in variants for way in ways]
    return tuple(variants)


def spelled_out(word: str, language: str | None) -> tuple[str, ...]:
    """English short forms in full, so that `I'm` and `I am` are the same; French ones as the words they are of: `j'ai`
    is `j` and `ai`."""
    if language == "fr" and "'" in word and word not in _WHOLE:
        return tuple(filter(None, word.split("'")))
    if language not in (None, "en") or ("'" not in word and word != "cannot"):
        return (word,)
    if word in _NEGATED:
        return _NEGATED[word]
    if word.endswith("n't"):
        return (word.removesuffix("n't"), "not")
    if word in _IS:
        return (word.removesuffix("'s"), "is")
    for short, full in _SHORT.items():
        if word.endswith(short) and len(word) > len(short):
            return (word.removesuffix(short), full)
    return (word,)


class Stream:
    """What one side says, word by word, and where the talk breaks."""

    def __init__(self, said: Sequence[tuple[str, str]], breaks: Sequence[int]) -> None:
        """`said`: stem and word of each place. `breaks`: places before which a phrase cannot go on."""
        self._said = [(stem, f"{EXACT}{word}") for stem, word in said]
        self._breaks = sorted(breaks)
        self._places: dict[str, list[int]] = {}
        for index, forms in enumerate(self._said):
            for form in forms:
                self._places.setdefault(form, []).append(index)

    def find(self, phrase: str, language: str | None) -> list[tuple[int, int]]:
        """Where the phrase is said, in order: first place and the one after its last, without overlaps."""
        found = sorted({hit for elements in compiled(phrase, language) for hit in self._hits(elements)})
        apart: list[tuple[int, int]] = []
        for start, end in found:
            if not apart or start >= apart[-1][1]:
                apart.append((start, end))
        return apart

    def _hits(self, elements: tuple[Element, ...]) -> Iterator[tuple[int, int]]:
        first = elements[0]
        assert first is not None
        for start in sorted(index for stem in first for index in self._places.get(stem, ())):
            end = self._match(elements, 1, start + 1, self._end_of_talk(start))
            if end is not None:
                yield start, end

    def _end_of_talk(self, index: int) -> int:
        after = bisect_right(self._breaks, index)
        return self._breaks[after] if after < len(self._breaks) else len(self._said)

    def _match(self, elements: tuple[Element, ...], number: int, index: int, limit: int) -> int | None:
        """Place after the last word, where elements from `number` on stand at `place`."""
        if number == len(elements):
            return index
        element = elements[number]
        if element is not None:
            fits = index < limit and not element.isdisjoint(self._said[index])
            return self._match(elements, number + 1, index + 1, limit) if fits else None
        for skipped in range(GAP_WORDS + 1):
            end = self._match(elements, number + 1, index + skipped, limit)
            if end is not None:
                return end
        return None
