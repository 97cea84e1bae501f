"""Addresses over turns: once a place is asked for or told, what else is said of it belongs to it.

`Postcode?` - `BS6 7PL.` - `House number?` - `31.` - `Is that Amberley Rise?`.

What is said about a place is short: a sentence of names, numbers and words of streets, with hardly anything around it.
The talk of a place ends where something else is asked for, or after some turns without a part of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from analysis.redaction.around import OWN_WORDS, repairs
from analysis.redaction.name_lists import NO_NAMES, everyday_words
from analysis.redaction.postal import LOOSE_STREET_WORDS, STATE_NAMES, STREET_WORDS, country_names
from analysis.redaction.questions import Asked, Phrase
from analysis.redaction.runs import Run
from analysis.redaction.spans import PersonalSpan, word_set
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn, Word
from analysis.text import stop_words

_RANK = 9
_TURNS_LEFT = 3
_MOST_CONTENT, _MOST_FLAT = 8, 4
_MOST_DIGITS = 6
_MOST_WORDS = 40
"""Of a sentence that is read: nobody says a place in a longer one."""
_ABOUT = (Asked.STREET, Asked.POSTCODE)
_ALSO = (*_ABOUT, Asked.MORE, Asked.SPELLING, Asked.NUMBER)
_AROUND = word_set(
    """in at near on from off by to of over just outside beside opposite behind around called there under down up be
    would will isn't isnt that'd with still now say put under we live living moved"""
)
_LABELS = word_set("number no")
_COPULAS = word_set("is was are were has had")
_ASKED_WORDS = word_set("postcode postcodes zip zipcode address town city county street code")
_OF_PLACES = STREET_WORDS | LOOSE_STREET_WORDS | STATE_NAMES | word_set("number upper lower old north south east west")
_END = re.compile(r"[.?!](?:\s|$)|[-–]\s|[–—]")


def find_address_turns(talk: Talk, found: Sequence[PersonalSpan]) -> Iterator[PersonalSpan]:
    """`found`: without overlaps, in order; what of it is an address tells what the talk is about."""
    starts = [span.start for span in found]
    language, left, before = talk.main_language, 0, False
    for turn, phrases, runs in zip(talk.turns, talk.phrases(language), talk.runs(language), strict=True):
        other = next((phrase.start for phrase in phrases if not _of_place(phrase)), turn.end)
        inside = found[bisect_left(starts, turn.start) : bisect_left(starts, turn.end)]
        told = any(span.name == "ADDRESS" for span in inside)
        if left > 0:
            for sentence in _sentences(talk.text, turn, other):
                place = _place(turn, sentence, runs, found, starts, after=before or repairs(turn))
                if place is not None:
                    told = True
                    yield PersonalSpan(place[0].start, place[1].end, "ADDRESS", _RANK)
        before = told or any(phrase.asked in _ABOUT or (left > 0 and _of_place(phrase)) for phrase in phrases)
        left = _TURNS_LEFT if before else left - 1
        if _moved_on(phrases):
            left = 0


def _moved_on(phrases: Sequence[Phrase]) -> bool:
    """Something else was asked for last."""
    return bool(phrases) and not _of_place(phrases[-1])


def _of_place(phrase: Phrase) -> bool:
    """`And the number?` may mean the house's, as long as no more than a telephone's is mentioned."""
    return phrase.asked in _ALSO or (phrase.asked is Asked.PHONE and phrase.mention)


def _sentences(text: str, turn: Turn, end: int) -> Iterator[Sequence[Word]]:
    words = turn.words[: bisect_left(turn.words, end, key=lambda word: word.start)]
    if not words:
        return
    first = 0
    for index, (word, following) in enumerate(pairwise(words), 1):
        if _END.search(text, word.end, following.start):
            yield words[first:index]
            first = index
    yield words[first:]


def _place(
    turn: Turn,
    sentence: Sequence[Word],
    runs: Sequence[Run],
    found: Sequence[PersonalSpan],
    starts: Sequence[int],
    *,
    after: bool,
) -> tuple[Word, Word] | None:
    """First and last word of what a sentence says of a place; None where it says something else.

    Args:
        after: the turn follows one that asks for a place or tells one, or takes something back; only then a number
            alone belongs to it.
    """
    if len(sentence) > _MOST_WORDS:
        return None
    first = bisect_left(runs, sentence[0].start, key=lambda run: run.start)
    numbers = runs[first : bisect_left(runs, sentence[-1].end, key=lambda run: run.start)]
    content = [word for word in sentence if word.text not in OWN_WORDS | _AROUND or _run_at(numbers, word)]
    if not content or len(content) > (_MOST_CONTENT if turn.has_capitals else _MOST_FLAT):
        return None
    if any(word.text in _COPULAS for word in sentence[sentence.index(content[0]) + 1 :]):
        return None  # Marble Orchard is on there
    named = False
    for word in content:
        run = _run_at(numbers, word)
        if run is not None:
            if run.days or run.amount or run.counted or len(run.digits) > _MOST_DIGITS or run.letters > _MOST_DIGITS:
                return None
            named = named or after
        elif _is_of_place(turn, word, begins=word is sentence[0]):
            named = named or not _span_over(found, starts, word)
        elif word.text not in _OF_PLACES:
            return None
    begin = turn.word_from(content[0].start)
    labelled = begin > 0 and turn.words[begin - 1].text in _LABELS and _run_at(numbers, content[0]) is not None
    return (turn.words[begin - labelled], content[-1]) if named else None


def _is_of_place(turn: Turn, word: Word, *, begins: bool) -> bool:
    """A name, as far as a word tells by itself."""
    if word.is_number or word.text in country_names() or word.text in NO_NAMES | _ASKED_WORDS:
        return False
    plain = word.text in everyday_words() or word.text in stop_words("en") or word.text.endswith("ly")
    if turn.has_capitals:
        return word.capital and not (plain and begins) and not word.written.isupper()
    return not plain and word.text not in OWN_WORDS and "'" not in word.text


def _run_at(runs: Sequence[Run], word: Word) -> Run | None:
    return next((run for run in runs if run.start <= word.start < run.end), None)


def _span_over(found: Sequence[PersonalSpan], starts: Sequence[int], word: Word) -> bool:
    """It is known to be something else, as a person's name."""
    index = bisect_right(starts, word.start) - 1
    return index >= 0 and word.start < found[index].end and found[index].name != "ADDRESS"
