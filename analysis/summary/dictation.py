"""What a client dictates because the matter needs it: where to send or come, which order, what the meter shows.

Said in pieces and over turns ("five five two", "Main Street", …), with the agent's "okay" in between, it is one answer.
What only proves who calls (name, date of birth, account, "for security") is no part of the matter. Redaction of
stored text (`redaction.redact_stored`) comes before any summary, so what it takes is not told here either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from analysis.summary.reading.readings import Reading
from analysis.summary.reading.wording import Act
from analysis.text import words

_THING = (
    r"order|booking|reservation|ticket|tracking|parcel|flight|train|claim|case|meter|serial|model|part|item|article"
    r"|repair|job|invoice|fault|incident|confirmation|error"
)
_OF_THE_MATTER = re.compile(
    r"(?<!mail )\baddress\b|\bpost ?code\b|\bzip(?: code)?\b"
    r"|\bwhere (?:shall|should|do|would|can|could|may|is|are)\b.{0,30}\b(?:send|deliver|ship|come|post|pick|bring|go)"
    rf"|\b(?:{_THING})(?: \w+)? (?:numbers?|reading|code|reference|id)\b|\b(?:the|your) reading\b"
    rf"|\b(?:number|reference) (?:of|on|for) (?:the|your) (?:\w+ )?(?:{_THING})\b",
    re.IGNORECASE,
)
_PROVES_WHO = re.compile(
    r"\b(?:security|verif\w+|identi\w+|data protection|first line|on (?:file|record)|registered|still (?:at|live)"
    r"|e-?mail|card|account|name|born|birth)\b",
    re.IGNORECASE,
)
_SAY_AGAIN = re.compile(
    r"\b(?:repeat|again|say that|did you say|spell|was that|is that (?:right|correct)|so that's|let me (?:read|repeat)"
    r"|got everything)\b",
    re.IGNORECASE,
)
_NO = re.compile(r"(?:no|nope|not)\b", re.IGNORECASE)
_INTERJECTION = 2
"""Words: "mm-hm", "got that"."""
_LONGEST = 40
"""Words. Who says more tells a story."""


def asks_for_matter(question: str) -> bool:
    """Whether it asks for such a thing, and not only to have it said again."""
    return _OF_THE_MATTER.search(question) is not None and not (
        _PROVES_WHO.search(question) or _SAY_AGAIN.search(question)
    )


def dictated(question: Reading, readings: Sequence[Reading], said: Sequence[Reading] = ()) -> Reading | None:
    """The client's whole answer as one sentence, from its first piece to its last; None where there is none.

    It goes on over what the agent says in between until the agent asks for something else, has it said again or
    does something. What the client then corrects belongs to it; what is `said` elsewhere does not.
    """
    pieces: list[Reading] = []
    said_again = False
    for reading in readings[question.place + 1 :]:
        own = reading.sentence.channel != question.sentence.channel
        if not own:
            again = _SAY_AGAIN.search(reading.text) is not None
            more = reading.sentence.asks and asks_for_matter(reading.text)
            brief = len(words(reading.text)) <= _INTERJECTION and not reading.sentence.asks
            if pieces and not (reading.polite or again or more or brief or _echoes(reading, pieces)):
                break
            said_again = said_again or (again and bool(pieces))
        elif reading.sentence.asks or (said_again and not (_NO.match(reading.text) or Act.CORRECTION in reading.acts)):
            break
        elif reading not in said and (not reading.polite or reading.told_words):
            pieces.append(reading)
    if not pieces or sum(len(words(piece.text)) for piece in pieces) > _LONGEST:
        return None
    first, last = pieces[0], pieces[-1]
    text = " ".join(piece.text for piece in pieces)
    return replace(
        first,
        sentence=replace(first.sentence, text=text, end_s=last.sentence.end_s),
        stems=frozenset().union(*(piece.stems for piece in pieces)),
    )


def _echoes(reading: Reading, pieces: Sequence[Reading]) -> bool:
    """The agent says what was just dictated."""
    return reading.told_words <= pieces[-1].told_words
