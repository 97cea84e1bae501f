"""Where a clause begins in a stretch without any punctuation, by the phrases that begin one."""

from __future__ import annotations

import re

_LOOK_BACK = 60
"""Characters: what binds a phrase to what is before it is near to it."""
_LONG_WITHOUT_MARKS = 6
"""Words."""
# In a stretch without punctuation a sentence begins with one of these, unless a word of `_BINDS` stands before it.
_CLAUSE = re.compile(
    r"\b(?:(?:and |but |so |okay |alright |um |uh ){0,3}(?:my name is|this is|how (?:can|may) (?:i|we) (?:help|assist)"
    r"|what can i do for you|is there anything|anything else|thank you|thanks"
    r"|have a (?:great|good|nice|wonderful|lovely)|(?:can|could|would|will) you|(?:can|could|may) i"
    r"|i (?:would|need|want|wanted|think|have|was|will|can|could|just|lost|forgot|tried|called|sent|am)|i'd|i'm|i've"
    r"|i'll|let me|we will|we'll|we've|you will|you'll|you should|it should|it will|it'll|(?:good ?)?bye"
    r"|is that (?:right|correct|okay)|what is|what's|which|and what|and the"
    r"|your \w+ (?:balance|card|payment|appointment))"
    r"|(?:um|uh) (?:they|it|we|you|your|there|the)(?:'\w+)?)\b",
    re.IGNORECASE,
)
_ASKED = re.compile(r"\b(?:which|what|how (?:much|many|long|soon|often)|when|where)(?: \w+){0,2}$", re.IGNORECASE)
_BINDS = re.compile(
    r"\b(?:if|that|what|when|where|how|why|which|who|because|and|or|to|do|does|should|would|did|can|could|than|as|not|but"
    r"|think|know|said|the|a|an|so|until|since|while|after|before|for|of|with|say|sure|see|okay|alright|thing|all|well"
    r"|in|on|at|from|please|else|um|uh)$",
    re.IGNORECASE,
)
# "happy to help you with that" "and what is your address": the "that" binds nothing.
_AND_ASKS = re.compile(r"and (?:what|which)\b", re.IGNORECASE)
_WITH_THAT = re.compile(r"\b(?:with|do|for|about|of) that$", re.IGNORECASE)


def cut_by_phrases(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A stretch without punctuation cut where a new sentence begins by its words."""
    stretch = text[start:end]
    if len(stretch.split()) <= _LONG_WITHOUT_MARKS:
        return [(start, end)]
    cuts = [start]
    for found in _CLAUSE.finditer(text, start, end):
        before = text[max(cuts[-1], found.start() - _LOOK_BACK) : found.start()].strip()
        bound = _BINDS.search(before) and not (_AND_ASKS.match(found.group()) and _WITH_THAT.search(before))
        if before and not bound and not _ASKED.search(before):
            cuts.append(found.start())
    return [(begin, finish) for begin, finish in zip(cuts, [*cuts[1:], end], strict=True) if text[begin:finish].strip()]
