"""Parts of e-mail addresses in the turns after one was said: read back, put right, or the name after the domain.

`t kowalczyk at shaw dot ca` - `p kowalczyk` - `no, t`; `It's at rogers.com, and before that?` - `deb.pelletier.`
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterator, Sequence

from rapidfuzz.distance import Levenshtein

from analysis.redaction.around import OWN_WORDS, asks_something
from analysis.redaction.name_lists import everyday_words
from analysis.redaction.spans import PersonalSpan, word_set
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn, Word

_RANK = 8
_TURNS_LEFT = 3
_LEAST_WORD = 4
_MOST_WORDS = 6
_MOST_HEARD = 12
_SIGNS = word_set("at dot point underscore hyphen dash double plus")
_ASKS_FOR_NAME = re.compile(
    r"\b(?:before|in front|ahead of|first (?:bit|part|half|piece)|start|beginning|left|user ?name)\b", re.IGNORECASE
)
_ONLY_DOMAIN = re.compile(r"\W*(?:at\b|@)?\W*[\w-]+(?:(?:\.|\W+dot\W+)[\w-]+){1,3}\W*", re.IGNORECASE)


def find_email_turns(talk: Talk, found: Sequence[PersonalSpan]) -> Iterator[PersonalSpan]:
    """`found`: without overlaps, in order. Linear in the length of the talk."""
    text, starts = talk.text, [span.start for span in found]
    heard: deque[str] = deque(maxlen=_MOST_HEARD)
    left, waiting, asked = 0, False, False
    for turn in talk.turns:
        inside = [
            span
            for span in found[bisect_left(starts, turn.start) : bisect_left(starts, turn.end)]
            if span.name == "EMAIL"
        ]
        for span in inside:
            heard.extend(_words_of(turn, span))
            waiting = _ONLY_DOMAIN.fullmatch(text, span.start, span.end) is not None
        if inside:
            left = _TURNS_LEFT
            asked = _ASKS_FOR_NAME.search(text, inside[-1].end, turn.end) is not None
        elif left > 0:
            left -= 1
            part = _read_back(turn, heard)
            if part is None and waiting and asked and not asks_something(text, turn):
                part, waiting = _name(turn), False
            if part is not None:
                yield PersonalSpan(turn.words[part[0]].start, turn.words[part[1]].end, "EMAIL", _RANK)
            asked = asked or _ASKS_FOR_NAME.search(text, turn.start, turn.end) is not None


def _words_of(turn: Turn, span: PersonalSpan) -> set[str]:
    """The words that tell an address from another one."""
    words = turn.words[turn.word_from(span.start) : turn.word_from(span.end)]
    return {word.text for word in words if len(word.text) >= _LEAST_WORD and word.text not in everyday_words()}


def _read_back(turn: Turn, heard: Collection[str]) -> tuple[int, int] | None:
    """First and last word of what a short turn repeats of an address, with the letters and numbers beside it."""
    content = _content(turn)
    if not content or len(content) > _MOST_WORDS:
        return None
    known = [index for index in content if _is_known(turn.words[index], heard)]
    return (content[0], content[-1]) if known and 2 * len(known) >= _full_words(turn, content) else None


def _full_words(turn: Turn, content: Sequence[int]) -> int:
    return sum(len(turn.words[index].text) >= _LEAST_WORD for index in content)


def _is_known(word: Word, heard: Collection[str]) -> bool:
    if word.text in heard:
        return True
    if len(word.text) < _LEAST_WORD or word.text in everyday_words():
        return False
    return any(
        other[0] == word.text[0] and Levenshtein.distance(word.text, other, score_cutoff=1) <= 1 for other in heard
    )


def _name(turn: Turn) -> tuple[int, int] | None:
    """What a short reply gives as the part before the sign."""
    content = _content(turn)
    return (content[0], content[-1]) if content and len(content) <= _MOST_WORDS else None


def _content(turn: Turn) -> list[int]:
    return [
        index
        for index, word in enumerate(turn.words)
        if len(word.text) == 1 or word.text not in OWN_WORDS or word.text in _SIGNS
    ]
