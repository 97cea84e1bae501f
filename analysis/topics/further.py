"""How a client says, in English, that there is a second reason for the call."""

from __future__ import annotations

import re

_FURTHER = re.compile(
    r"\balso\b|\banother (?:thing|question|matter)\b|\bone more (?:thing|question)\b|\bone other thing\b"
    r"|(?:^|\band )second(?:ly)?[, ]"
    r"|\bon top of (?:that|it)\b|\bwhile (?:i have|i've got|i am|i'm|we're|we are) \w+\b|\bin addition\b|\bas well as\b"
    r"|\bbesides that\b"
    r"|\b(?:two|a couple of) things\b|\band then (?:there is|there's)\b"
    r"|\bthe other (?:thing|matter|question|one is)\b|\b(?:quick|one) other\b|\bother quick\b"
    r"|\bat the same time\b|\bsince (?:i have|i've got|i am|i'm|we're|we are) \w+\b|\bwhile (?:i'm|we're) at it\b"
    r"|\bbefore i (?:go|forget|hang up|ring off)\b",
    re.IGNORECASE,
)
"""A client says that there is a second reason."""
_ANYTHING_ELSE = re.compile(
    r"\banything else\b|\bsomething else\b|\bwhat else\b|\bdo anything (?:more|further)\b|\belse (?:i|we) can\b",
    re.IGNORECASE,
)
_SPLIT_FURTHER = re.compile(
    r"[,;]?\s+(?=(?:and|but)?,?\s*(?:also|on top of (?:that|it)|while (?:i have|i've got) you|in addition"
    r"|as well as)\b)"
    r"|[,;]?\s+(?=and (?:i|we)(?:'d| would| have|'ve| also| still| need| want)\b)",
    re.IGNORECASE,
)
_AND_I = re.compile(r"and (?:i|we)\b", re.IGNORECASE)
_REQUESTS = re.compile(
    r"\b(?:could|can|would|will) you\b|\bi(?:'d| would) (?:also )?(?:like|love)\b|\b(?:i|we) (?:also )?(?:need|want)\b",
    re.IGNORECASE,
)
"""After what he called for is settled, a client who asks for something may ask for something else."""


def announces_further(text: str) -> bool:
    """Whether a client's words say that there is something else: "also", "while I've got you"."""
    return _FURTHER.search(text) is not None


def begins_further(part: str) -> bool:
    """The same of a part of `parts_of`, where "and I …" begins one too."""
    return announces_further(part) or _AND_I.match(part.strip()) is not None


def parts_of(text: str) -> list[str]:
    """A client's sentence, cut where another reason may begin."""
    return [part.strip() for part in _SPLIT_FURTHER.split(text) if part and part.strip()]


def asks_what_else(text: str) -> bool:
    """Whether an agent asks for another reason."""
    return _ANYTHING_ELSE.search(text) is not None


def requests(text: str) -> bool:
    return _REQUESTS.search(text) is not None
