"""The sentences of a call as a summary reads them: what each does, how much small talk it is, what it is near to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.encoder.vectors import Vectors
from analysis.summary.reading.sentences import Sentence
from analysis.summary.reading.substance import Substance
from analysis.summary.reading.wording import Act, acts_of
from analysis.text import content_stems, words
from pipeline.records import Role

SMALL_TALK = 0.3
"""Of `Substance.small_talk`: above it a sentence that does nothing by its wording says nothing."""
POLITE = frozenset({Act.GREETING, Act.CLOSING, Act.FILLER})
_ADDRESSES = POLITE | {Act.PURPOSE, Act.REQUEST, Act.PROMISE, Act.OFFER, Act.DECISION}
_YOU_AND_I = frozenset(
    word
    for line in (
        "i i'm i've i'd i'll me my mine we we're we've we'd we'll us our ours",
        "you you're you've you'd you'll your yours",
    )
    for word in line.split()
)
_LEAST_ADDRESSED = 0.1
"""Share of sentences that address somebody, below which nobody is spoken to. Calls of docs/summaries.md have at least
0.2, read prose mostly none."""
_TELLING = frozenset(set(Act) - POLITE - {Act.CONDITION, Act.CORRECTION, Act.FURTHER, Act.REQUEST, Act.INSTRUCTION})
_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen",
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred",
)
_DIGIT_WORDS = frozenset(
    word for line in (*_NUMBERS, "oh zero double triple dash point slash") for word in line.split()
)
_MOMENTS = (
    "thousand monday tuesday wednesday thursday friday saturday sunday today tomorrow tonight morning afternoon",
    "evening noon january february march april june july august september october november december first second third",
    "fourth fifth sixth seventh eighth ninth tenth eleventh twelfth",
)
_FIGURES = frozenset(word for line in (*_NUMBERS, *_MOMENTS) for word in line.split())
_MOMENT_WORDS = frozenset(word for line in (*_MOMENTS, "past o'clock am pm a.m p.m") for word in line.split())
_NTH = re.compile(r"\d|\w+(?:teenth|tieth)$")
_MEASURES = (
    "dollars dollar pounds pound euros euro cents percent days day weeks months years hours minutes am pm a.m p.m",
    "o'clock",
)
_IS_SOMEBODY = re.compile(
    r"(?:[Ii]t['’]s|[Tt]his is|I['’]m)(?: (?:Mr|Mrs|Ms|Dr)\.?)?(?: [A-Z][\w'’-]+){1,3}\W*"
    r"|(?:[A-Z][\w'’-]+ ){1,2}(?:here )?(?:from|at|with|of) (?:the )?[A-Z][\w'’-]+(?: (?:and )?[A-Z][\w'’-]+){0,3}\W*"
)
_UNITS = frozenset(word for line in _MEASURES for word in line.split())


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Reading:
    """A sentence and what is told of it."""

    place: int
    sentence: Sentence
    acts: frozenset[Act]
    small_talk: float
    vector: Vectors
    stems: frozenset[str]

    @property
    def text(self) -> str:
        return self.sentence.text

    @property
    def polite(self) -> bool:
        """Greeting, closing, filler: nothing for a summary."""
        if self.acts & _TELLING:
            return False
        if self.acts & POLITE:
            return True
        says_nothing = not self.stems and not self.figures
        return (self.small_talk > SMALL_TALK and not self.acts) or says_nothing

    @property
    def figures(self) -> bool:
        """Whether a number, a day or a time is said."""
        return bool(self.figures_said)

    @property
    def names_moment(self) -> bool:
        """Whether a day or a time of day is said."""
        return not _MOMENT_WORDS.isdisjoint(words(self.text))

    @property
    def figures_said(self) -> frozenset[str]:
        return frozenset(word for word in words(self.text) if word in _FIGURES or _NTH.search(word))

    @property
    def told_words(self) -> set[str]:
        """What it says, numbers too. As it is said: the stem of "checking account" is that of "check"."""
        return {
            word for word in words(self.text) if word in _DIGIT_WORDS or word.isdigit() or content_stems(word, "en")
        }

    @property
    def identifies(self) -> bool:
        """Digits and letters dictated, or a name."""
        said = words(self.text)
        spelled = sum(word in _DIGIT_WORDS or word.isdigit() or len(word) == 1 for word in said)
        named = said[:3] == ["my", "name", "is"] or _IS_SOMEBODY.fullmatch(self.text) is not None
        return (2 * spelled > len(said) and not _UNITS & set(said)) or named

    def by(self, role: Role) -> bool:
        return self.sentence.role in (role, Role.UNKNOWN)

    def near(self, others: Sequence[Reading]) -> float:
        return max((float(self.vector @ other.vector) for other in others), default=0.0)


def read(sentences: Sequence[Sentence], substance: Substance | None) -> list[Reading]:
    """English sentences, read. Without `substance` only by their wording: no part but promises is to be made of it."""
    vectors: Vectors = np.zeros((len(sentences), 1), dtype=np.float32)
    small = np.zeros(len(sentences))
    if substance is not None and sentences:
        vectors = substance.vectors([sentence.text for sentence in sentences])
        small = substance.small_talk(vectors)
    return [
        Reading(
            place=index,
            sentence=sentence,
            acts=acts_of(sentence.text),
            small_talk=float(small[index]),
            vector=vectors[index],
            stems=frozenset(content_stems(sentence.text, "en")),
        )
        for index, sentence in enumerate(sentences)
    ]


def answer_to(reading: Reading, readings: Sequence[Reading]) -> list[Reading]:
    """What the other side says in the next turn."""
    turn = reading.sentence.turn + 1
    return [after for after in readings[reading.place + 1 :] if after.sentence.turn == turn]


def question_before(reading: Reading, readings: Sequence[Reading]) -> Reading | None:
    """The question of the other side in the turn before, where this is the first telling sentence after it."""
    for index in range(reading.place - 1, -1, -1):
        before = readings[index]
        if before.polite and not before.sentence.asks:
            continue
        if before.sentence.turn != reading.sentence.turn - 1:
            return None
        if before.sentence.asks and not before.acts & POLITE:
            return before
    return None


def both_speak(readings: Sequence[Reading]) -> bool:
    return len({reading.sentence.channel for reading in readings}) > 1


def is_conversation(readings: Sequence[Reading]) -> bool:
    """Whether somebody is spoken to: greeted, asked, or told of "you" and "me". Read prose is none.

    Where one side alone is heard, "you" and "me" do not suffice: something has to be wanted, asked or told as wrong.
    """
    spoken_to = [reading for reading in readings if reading.acts & _ADDRESSES or reading.sentence.asks]
    if not both_speak(readings):
        return bool(spoken_to) or any(Act.PROBLEM in reading.acts for reading in readings)
    of_us = [reading for reading in readings if reading not in spoken_to and _speaks_of_us(reading.text)]
    return len(spoken_to) + len(of_us) >= _LEAST_ADDRESSED * max(1, len(readings))


def _speaks_of_us(text: str) -> bool:
    return not _YOU_AND_I.isdisjoint(words(text))
