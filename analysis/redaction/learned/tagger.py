"""Words and dictated stretches that are personal data by what is said around them, as far as it was learned.

The rules know forms and phrasings; nobody can list all of those. Here a word's vector, which the sentence encoder makes
of it among the words around it, tells whether it is part of personal data, harmless or nothing. A dictated stretch is
decided as one. Only English is known, and only with the encoder that the weights were fitted on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, groupby

import numpy as np

from analysis.encoder.vectors import SentenceEncoder
from analysis.redaction.learned.features import LANGUAGE, Described, described
from analysis.redaction.learned.stretches import Stretch, stretches_of
from analysis.redaction.learned.weights import Scores, Weights
from analysis.redaction.name_lists import ORGANISATIONS
from analysis.redaction.other_numbers import Others
from analysis.redaction.questions import Phrase
from analysis.redaction.spans import PersonalSpan
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn
from analysis.text import stop_words

DICTATED_FROM, OF_OTHERS_FROM = 0.6, 0.8
"""Probability from which a dictated stretch is taken; one of an order or a price."""
WORDS_FROM = 0.5
"""Another word."""
DICTATED_BESIDE, WORDS_BESIDE = 0.15, 0.08
"""Beside what is taken: a whole value goes together."""
HARMLESS_BELOW, REFERENCE_FROM = 0.15, 0.9
"""Below the first a dictated stretch that a rule took stays; from the second on that of an order that is not wanted."""
_MOST_HARMLESS = 12
"""Size from which a stretch, as long as a card's number, stays taken."""
_RANK, _PROVEN = 9, 1
"""Of what is learned; of what your own patterns and the form of an IBAN, an id or an address of e-mail prove."""
_MARKS = " \t,'’-."
_KEPT_STRETCHES = 2048
"""A prompt for a topic and one for a summary hold the same call."""
_LEAST_STOP_WORDS = 0.08
"""Share of the words of a talk in English; in one of nothing but numbers there are fewer."""
_REFERENCE = "REFERENCE"
SETTING_OF = {
    "CARD": "card", "CODE": "code", "PHONE": "phone", "EMAIL": "email", "IBAN": "iban", "ID": "national_id",
    "ACCOUNT": "account_number", "BIRTH": "date_of_birth", "NAME": "name", "ADDRESS": "postal_address",
    _REFERENCE: "reference",
}  # fmt: skip
"""Placeholder -> of `redaction.kinds`."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A dictated stretch or a word of a turn."""

    start: int
    end: int
    name: str
    taken: bool
    beside: bool
    """It is taken where it stands beside one that is."""
    harmless: bool = False
    """A dictated stretch that is surely no personal data."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned says of a talk."""

    personal: tuple[PersonalSpan, ...]
    """In order."""
    harmless: tuple[tuple[int, int], ...]
    """First character and the one behind the last of dictated stretches that harm nobody, in order."""

    def allows(self, span: PersonalSpan) -> bool:
        """Whether what a rule found may be: it is not within a harmless stretch, or its form proves it."""
        index = bisect_right(self.harmless, (span.start, span.end)) - 1
        within = any(start <= span.start and span.end <= end for start, end in self.harmless[max(0, index) : index + 2])
        return span.rank <= _PROVEN or not within


NOTHING_LEARNED = Learned((), ())


class Tagger:
    """Thread-safe, as its encoder is."""

    def __init__(self, encoder: SentenceEncoder, weights: Weights) -> None:
        """Raises ValueError for weights that were fitted on another encoder."""
        if encoder.space != weights.space:
            raise ValueError(f"the weights are for the encoder {weights.space}, not for {encoder.space}")
        self._encoder, self._weights = encoder, weights
        self._of_stretch = lru_cache(maxsize=_KEPT_STRETCHES)(self._read)

    def read(self, talk: Talk, kinds: Collection[str], others: Others) -> Learned:
        """Raises ModelUnavailable when the encoder cannot be loaded."""
        if not is_english(talk):
            return NOTHING_LEARNED
        scores = {
            start: row
            for stretch in stretches_of(talk)
            for start, row in zip(stretch.starts, self._of_stretch(stretch), strict=True)
            if start >= 0
        }
        found: list[PersonalSpan] = []
        harmless: list[tuple[int, int]] = []
        for number, (turn, phrases) in enumerate(zip(talk.turns, talk.phrases(LANGUAGE), strict=True)):
            words = [word for word in described(talk, others, number) if word.word.start in scores]
            asking = _inside(turn, phrases)  # the words of a question are no answer
            parts = list(self._parts(words, scores, others, kinds)) if words else []
            harmless += [(part.start, part.end) for part in parts if part.harmless]
            found += _grown(talk.text, [part for part in parts if part.start not in asking])
        return Learned(tuple(found), tuple(harmless))

    def _parts(
        self, words: Sequence[Described], scores: Mapping[int, Scores], others: Others, kinds: Collection[str]
    ) -> Iterator[_Part]:
        """Each dictated stretch, and each word by itself, of a turn."""
        groups = [list(group) for _, group in groupby(words, key=lambda word: word.run or word.word)]
        firsts = [0, *accumulate(len(group) for group in groups[:-1])]
        read = np.stack([scores[word.word.start] for word in words])
        found = self._weights.shares([word.features for word in words], read, firsts)
        of_organisations = {id(word) for word in _of_organisations(words)}
        for group, shares in zip(groups, found, strict=True):
            part = _part(group[0], dict(zip(self._weights.classes, shares.tolist(), strict=True)), others, kinds)
            yield replace(part, taken=False, beside=False) if id(group[0]) in of_organisations else part

    def _read(self, stretch: Stretch) -> list[Scores]:
        """Of the pieces that are read."""
        vectors = self._encoder.encode_words(stretch.pieces)
        return list(self._weights.of_vectors(vectors[stretch.first : stretch.first + len(stretch.starts)]))


def _part(described: Described, found: Mapping[str, float], others: Others, kinds: Collection[str]) -> _Part:
    """`found`: how likely it is of each class."""
    run, word = described.run, described.word
    of_kind = {name: share for name, share in found.items() if name in SETTING_OF}
    name, share = max(of_kind, key=lambda name: of_kind[name]), sum(of_kind.values())
    wanted = SETTING_OF[name] in kinds
    if run is None:
        return _Part(word.start, word.end, name, wanted and share >= WORDS_FROM, wanted and share >= WORDS_BESIDE)
    of_other = others.covering(run.start) is not None and name != _REFERENCE
    taken = wanted and share >= (OF_OTHERS_FROM if of_other else DICTATED_FROM)
    beside = taken or (wanted and share >= DICTATED_BESIDE and not of_other)
    left = share < HARMLESS_BELOW or (not wanted and found.get(_REFERENCE, 0.0) >= REFERENCE_FROM)
    return _Part(run.start, run.end, name, taken, beside, left and len(run.said) < _MOST_HARMLESS)


def _of_organisations(words: Sequence[Described]) -> Iterator[Described]:
    """`harper valley` in "harper valley national bank", but nothing of "twenty-six orchard bank"."""
    for index, word in enumerate(words):
        before, after = words[max(index - 2, 0) : index + 1], words[index + 1 : index + 3]
        if any(near.word.text in ORGANISATIONS for near in after) and all(near.run is None for near in before):
            yield word


def _inside(turn: Turn, phrases: Sequence[Phrase]) -> frozenset[int]:
    """Where the words of the phrases begin; no two phrases overlap."""
    places = (range(turn.word_from(phrase.start), turn.word_from(phrase.end)) for phrase in phrases)
    return frozenset(turn.words[index].start for of_phrase in places for index in of_phrase)


def _grown(text: str, parts: Sequence[_Part]) -> Iterator[PersonalSpan]:
    """Parts that are taken, and those beside them that are likely enough, with nothing but marks between."""
    group: list[_Part] = []
    for part in [*parts, None]:
        near = part is not None and part.beside and (not group or not text[group[-1].end : part.start].strip(_MARKS))
        if not near:
            name = next((member.name for member in group if member.taken), None)
            if name is not None:
                yield PersonalSpan(group[0].start, group[-1].end, name, _RANK)
            group = []
        if part is not None and part.beside:
            group.append(part)


def is_english(talk: Talk) -> bool:
    """By the words that every talk is full of, where no phrase of another language is found more often."""
    words = [word.text for turn in talk.turns for word in turn.words]
    if talk.main_language != LANGUAGE or not words:
        return False
    counts = {code: sum(word in stop_words(code) for word in words) for code in ("en", "fr", "de", "es")}
    return counts[LANGUAGE] == max(counts.values()) and counts[LANGUAGE] >= _LEAST_STOP_WORDS * len(words)
