"""What a phrase asks for or announces: `your date of birth`, `the three digits on the back`, `order number`.

The phrases are regular expressions in `phrases/<language>.txt`, one a line under the kind they ask for. `[card
mention]` holds phrases that only mention the kind: a number after them must look like one of it. Where several phrases
begin at the same place, but for `and` and `the`, the earlier line counts. Apostrophes may be missing. `<NO>` stands for
`number`, `id`, `reference` and the like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, auto
from functools import lru_cache
from pathlib import Path

PHRASES = Path(__file__).parent / "phrases"
_NUMBER = r"(?:[ -]?(?:numbers?|no\.?|nos|ids?|#|code|reference|ref|digits)(?!\w))"


class Asked(StrEnum):
    """What is asked for."""

    CARD = auto()
    EXPIRY = auto()
    CVV = auto()
    PIN = auto()
    CODE = auto()
    """`And the code?`: the card's where a card is dictated."""
    ONE_TIME_CODE = auto()
    PASSWORD = auto()
    BIRTH = auto()
    SOCIAL = auto()
    IDENTITY = auto()
    ACCOUNT = auto()
    SORT_CODE = auto()
    IBAN = auto()
    PHONE = auto()
    EMAIL = auto()
    NAME = auto()
    STREET = auto()
    POSTCODE = auto()
    MORE = auto()
    """The next part of whatever is being dictated."""
    SPELLING = auto()
    OTHER_NUMBER = auto()
    """Of a model, a flight, a room: a number that is not personal."""
    REFERENCE = auto()
    """Of an order, a booking, a claim: personal where `redaction.kinds` has `reference`."""
    HARMLESS = auto()
    """A price, a day, an amount."""
    UNNAMED = auto()
    """Something no phrase names."""
    NUMBER = auto()
    """`What's the number?`: of what was talked of; `Phrase` is resolved by `Talk`."""


NOT_OF_A_PERSON = (Asked.OTHER_NUMBER, Asked.REFERENCE)
"""What asks for a number of a thing."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Where it stands in the text, and what it asks for."""

    start: int
    end: int
    asked: Asked
    mention: bool = False
    """It only mentions the kind."""


def phrases_in(text: str, start: int, end: int, language: str) -> Iterator[Phrase]:
    """The phrases of a turn (text with plain apostrophes), in order."""
    pattern, sections = _table(language)
    for match in pattern.finditer(text, start, end):
        asked, mention = sections[match.lastgroup or ""]
        yield Phrase(match.start(), match.end(), asked, mention)


@lru_cache(maxsize=8)
def _table(language: str) -> tuple[re.Pattern[str], dict[str, tuple[Asked, bool]]]:
    """One expression with a group per section, and what each group means."""
    sections: dict[str, tuple[Asked, bool]] = {}
    groups = []
    for index, (heading, lines) in enumerate(sections_of(f"{language}.txt")):
        kind, _, mention = heading.partition(" ")
        sections[f"section_{index}"] = Asked(kind), bool(mention)
        groups.append(f"(?P<section_{index}>{'|'.join(lines)})".replace("<NO>", _NUMBER).replace("'", "'?"))
    return re.compile(rf"(?<![\w'])(?:(?:and|the) ){{0,2}}(?:{'|'.join(groups)})(?!\w)", re.IGNORECASE), sections


def sections_of(name: str) -> list[tuple[str, list[str]]]:
    """Heading and lines of each section of a file of phrases, in order."""
    sections: list[tuple[str, list[str]]] = []
    for line in (PHRASES / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            sections.append((line.strip("[]"), []))
        elif line and not line.startswith("#"):
            sections[-1][1].append(line)
    return sections
