"""Moments and terms of a statement, each with what it was said of: two promises of a call are easily run together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.summary.reading.moments import moments
from analysis.summary.support.heard import Utterance
from analysis.summary.support.wording import Wording, word_set
from analysis.text import content_stems, words

_CLAUSE = re.compile(
    r",?\s+(?:and|but|so)\s+(?=(?:then )?(?:i|we|you|it|they|he|she|the|an?|my|our|your)\b)", re.IGNORECASE
)
_LEAD = word_set("by on before until within in at this next from after no later than the")
_OF = re.compile(r"['’]s\b")
"""In "the deadline's Friday" the word is the deadline."""
_SHARED = 2
"""Words with a clause that has another moment, from which the statement is about that clause."""


def misdated(text: str, utterances: Sequence[Utterance], wording: Wording) -> float:
    """1 where a moment was said, but of other things: what the statement is about has a moment of its own."""
    language = wording.language
    clauses = [clause for utterance in utterances for clause in _CLAUSE.split(utterance.text)]
    dated = [
        (set(content_stems(_OF.sub("", clause), language)), {_key(moment) for moment in moments(clause)})
        for clause in clauses
    ]
    for moment in moments(text):
        key = _key(moment)
        told = set(content_stems(text, language)) - set(content_stems(moment, language))
        own = [len(told & stems) for stems, keys in dated if key in keys]
        others = [len(told & stems) for stems, keys in dated if keys and key not in keys]
        if own and not any(own) and max(others, default=0) >= _SHARED:
            return 1.0
    return 0.0


def _key(moment: str) -> str:
    return " ".join(word for word in words(moment) if word not in _LEAD)
