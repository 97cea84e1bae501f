"""Addresses in words, as they answer a question for one: `four twelve north oak`, `Kidderminster`, `fern hill lane`."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import islice, takewhile

from analysis.redaction.around import OWN_WORDS
from analysis.redaction.name_lists import everyday_words
from analysis.redaction.postal import LOOSE_STREET_WORDS, STATE_NAMES, STREET_WORDS, country_names
from analysis.redaction.runs import Run
from analysis.redaction.spans import word_set
from analysis.redaction.turns import Turn, Word
from analysis.text import stop_words

NO_ANSWER = word_set(
    """i can can't cannot don't didn't do does why what how when where who which because if could would should need want
    forgot forget remember know not sure think there they he she we not never nothing none reset change changed asked
    tell give help problem wrong trying cant dont didnt whats wheres hows sounds looks
    je ne pas pourquoi comment quand ich nicht kein keine warum wie wann no sé por qué cómo"""
)
AFTER_ANSWER = word_set(
    """and but so because since if when please thanks thank can could would will i i'm i've we it's that's for is are
    was have has et je mais parce que und ich aber weil y pero porque"""
)
_CONNECTS = word_set("of the on in upon under by le la de des du rue der am an st saint and")
_NUMBERED = word_set("flat apartment apt unit suite house number no room box unit floor")
_ADDRESS_WORDS = STREET_WORDS | LOOSE_STREET_WORDS | _NUMBERED | STATE_NAMES
_ARTICLES = word_set("the a an le la der die das el")
_COPULAS = word_set("is was are were has have had looks sounds ist est es")
_SENTENCE_END = re.compile(r"[.?!]\s")
_MOST_WORDS = 14


def place_in(text: str, turn: Turn, runs: Sequence[Run], begin: int, stop: int, *, sure: bool) -> list[tuple[int, int]]:
    """First and last word of the address that begins at word `begin`, before `stop`; empty where there is none.

    `sure`: it must look like an address by itself, as after `my address is`; else a name alone is one, too.
    """
    words, last = turn.words, begin - 1
    for index in range(begin, min(stop, begin + _MOST_WORDS)):
        word = words[index].text
        if word in NO_ANSWER or (word in AFTER_ANSWER and word not in _CONNECTS) or word == "and":
            break
        if index > begin and _SENTENCE_END.search(text, words[index - 1].end, words[index].start):
            break
        last = index
    said = _numbers(takewhile(lambda run: run.first <= last, islice(runs, bisect_left(runs, begin, key=_last), None)))
    dictated = [run.last for run in said]
    while last >= begin and last not in dictated and words[last].text in _CONNECTS | OWN_WORDS:
        last -= 1
    begin = _from_number(turn, said, begin)
    if last < begin or not _can_begin(turn, said, begin, last):
        return []
    only_number = bool(said) and said[0].first <= begin and said[0].last >= last and not said[0].letters
    if sure and only_number and "number" not in [word.text for word in turn.words[max(0, begin - 2) : begin]]:
        return []  # moved to ten thirty
    if _looks_like_place(turn, said, begin, last):
        return [(begin, last)]
    return [(begin, last)] if not sure and _is_place_alone(turn, begin, last, stop) else []


def _from_number(turn: Turn, said: Sequence[Run], begin: int) -> int:
    """Where `located at 401 West Street` begins."""
    if not said or said[0].first <= begin or not said[0].digits:
        return begin
    before, after = turn.words[begin : said[0].first], turn.words[said[0].last + 1 :][:4]
    plain = not any((word.capital and word is not turn.words[0]) or word.text in _ADDRESS_WORDS for word in before)
    return said[0].first if plain and any(word.text in STREET_WORDS for word in after) else begin


def _numbers(runs: Iterable[Run]) -> list[Run]:
    """Without days: `May I` is no house number."""
    return [run for run in runs if run.said]


def _last(run: Run) -> int:
    return run.last


def _can_begin(turn: Turn, said: Sequence[Run], begin: int, last: int) -> bool:
    """A number, a capital where the text has them, or a word of streets: no verb, no `10 songs`."""
    first = turn.words[begin]
    if said and said[0].first <= begin:
        article = begin > 0 and turn.words[begin - 1].text in _ARTICLES
        alone = said[0].last >= last
        street = any(word.text in _ADDRESS_WORDS for word in turn.words[said[0].last + 1 : last + 1])
        if (said[0].counted and not street) or (said[0].amount and (alone or article)):
            return False  # fourteen tanners row is a street, fourteen chairs are none
    if first.is_number or (said and said[0].first <= begin) or first.text in _ADDRESS_WORDS:
        return True
    if not turn.has_capitals:
        return first.text not in stop_words("en")
    if not first.capital or first.text.split("'")[0] == "i":
        return False
    begins_sentence = begin == 0 or first.start == turn.words[0].start
    following = turn.words[begin + 1] if begin < last else None
    if begins_sentence and following is not None and not (following.capital or following.text in _LOWER):
        return False  # Search in San Francisco, any kind of food
    return not begins_sentence or not _is_everyday(first)


_LOWER = _CONNECTS | STREET_WORDS


def _is_everyday(word: Word) -> bool:
    return word.text in everyday_words() or word.text.endswith("ly") or word.text in stop_words("en")


def _looks_like_place(turn: Turn, said: Sequence[Run], begin: int, last: int) -> bool:
    """A number, a kind of street, a state, or a word that only a name is written like."""
    words = turn.words[begin : last + 1]
    numbered = bool(said) and said[0].first <= begin
    if any(word.text in STREET_WORDS or (numbered and word.text in LOOSE_STREET_WORDS) for word in words):
        return True
    if words[0].is_number and turn.has_capitals and len(words) > 1 and not words[1].capital:
        return False  # ten songs
    if any(word.text in STATE_NAMES for word in words):
        return True
    named = turn.has_capitals and not words[0].is_number
    for index, word in enumerate(words):
        beside = index > 0 or (len(words) > 1 and words[1].capital)
        proper = turn.has_capitals and word.capital and beside and not word.written.isupper()
        if proper and word.text not in everyday_words() and word.text not in country_names():
            return True
    # A number at either end, or after `flat`: in the middle of lower-case words it counts something.
    return any(
        not run.counted
        and run.digits
        and (named or run.first <= begin or run.last >= last or turn.words[run.first - 1].text in _NUMBERED)
        for run in said
    )


def _is_place_alone(turn: Turn, begin: int, last: int, stop: int) -> bool:
    """A short reply of names: `Kidderminster.`, `forest ranch`."""
    goes_on = last + 1 < len(turn.words) and turn.words[last + 1].text in _COPULAS
    if last - begin >= 4 or stop - last > 3 or goes_on:
        return False
    content = [word for word in turn.words[begin : last + 1] if word.text not in _CONNECTS]
    if turn.has_capitals:
        return all(word.capital for word in content) and not all(_is_everyday(word) for word in content)
    return not any(word.text in stop_words("en") or word.text.endswith("ly") for word in content)
