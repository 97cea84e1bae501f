"""Where a number belongs to an order, a parcel, a price: after such a phrase, until something personal is asked for."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from analysis.redaction.questions import NOT_OF_A_PERSON, Asked
from analysis.redaction.talk import Talk


@dataclass(frozen=True, slots=True)
class Other:
    """A stretch of the text."""

    start: int
    end: int
    asked: Asked
    """`HARMLESS` for an amount or a day."""

    @property
    def number(self) -> bool:
        """A number of its own kind was asked for (`order number`), as long as a card's."""
        return self.asked in NOT_OF_A_PERSON


@dataclass(frozen=True, slots=True)
class Others:
    stretches: tuple[Other, ...]
    """In order, without overlaps."""
    starts: tuple[int, ...]

    def covering(self, position: int) -> Other | None:
        index = bisect_right(self.starts, position) - 1
        return self.stretches[index] if index >= 0 and position < self.stretches[index].end else None


def find_others(talk: Talk) -> Others:
    """From a phrase to the end of the next turn, or to the next phrase that asks for something else."""
    found: list[Other] = []
    turns = talk.turns
    for language in talk.languages:
        phrases = [
            (phrase, number)
            for number, of_turn in enumerate(talk.phrases(language))
            for phrase in of_turn
            if phrase.asked is not Asked.MORE
        ]
        for index, (phrase, number) in enumerate(phrases):
            if phrase.asked is Asked.HARMLESS or phrase.asked in NOT_OF_A_PERSON:
                end = turns[min(number + 1, len(turns) - 1)].end
                if index + 1 < len(phrases):
                    end = min(end, phrases[index + 1][0].start)
                found.append(Other(phrase.end, end, phrase.asked))
    stretches: list[Other] = []
    for other in sorted(found, key=lambda item: (item.start, item.end)):
        if not stretches or other.start >= stretches[-1].end:
            stretches.append(other)
    return Others(tuple(stretches), tuple(other.start for other in stretches))
