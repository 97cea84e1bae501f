"""Names of people: after an introduction or a title, and known given names where the text has capitals.

Known names are those of the Faker library (some 11,000 given names and 13,000 surnames of 35 regions). A name that is
also an everyday word (`Will`, `Grace`, `Price`) counts only where something else says that it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from analysis.redaction.name_lists import (
    COMPANIES,
    NO_NAMES,
    PLACES,
    everyday_words,
    is_given_name,
    is_known_name,
    is_plainly_given,
)
from analysis.redaction.postal import country_names
from analysis.redaction.questions import sections_of
from analysis.redaction.spans import PersonalSpan, word_set
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn, Word
from analysis.text import stop_words

_RANK = 7
_MOST_WORDS = 5
_MOST_TITLES = 2
_LEAST_HEARD = 5
"""Letters of a name that is known again when it is spelled in another way."""
_MOST_MISHEARD = 2
"""Letters in which it may differ."""
_PARTICLES = word_set("de la del della di da dos do van von der den ter al el bin ibn ben mac mc st san le du o")
_TITLES = word_set(
    "mr mrs ms miss mister missus mx dr doctor prof professor herr frau monsieur madame señor señora sir"
)
_BEFORE_PLACES = word_set("san santa los las el saint st new mount port fort lake")
_SURE_TITLES = word_set("mr mrs ms mister missus herr frau monsieur madame señor señora")
_DEPARTMENTS = word_set("support service services team department care desk sales helpline helpdesk reception")
_SAYS_NAME = word_set("calling speaking here from again à")
_FROM_WHERE = word_set("calling speaking here from in with at and again on")
_SAID_TO = word_set(
    """okay ok right alright thanks you cheers hi hello hey hiya morning afternoon evening sorry bye goodbye welcome
    lovely perfect great brilliant dear bonjour merci hallo danke hola gracias"""
)
"""Said just before the name of who is spoken to; `yes` and `no` come before answers."""
_SAYS_IT_IS_ME = word_set("speaking here")
_LEAST_ADDRESSED, _BEFORE_ADDRESSED = 3, 4
_ONLY_SPACE = re.compile(r"[ \t]*[-–]?[ \t]*|'|’")


def name_at(text: str, turn: Turn, word_index: int, sure: bool) -> tuple[int, int] | None:
    """First and last word of the name that begins at word `word_index`; None where there is none.

    Args:
        sure: something says that a name comes here. Then any word will do that is no everyday word (and, where the text
            has capitals, is written with one); otherwise a known given name must stand there.
    """
    words, begin = turn.words, word_index
    while word_index < min(begin + _MOST_TITLES, len(words)) and words[word_index].text in _TITLES:
        word_index += 1
        sure = True
    last = -1
    for index in range(word_index, min(word_index + _MOST_WORDS, len(words))):
        if index > word_index and not _close(text, words[index - 1], words[index]):
            break
        if words[index].text in _PARTICLES and index + 1 < len(words) and words[index].text not in ("o", "do"):
            if index == word_index and not words[index].capital:
                break
            continue
        if not _can_be_name(turn, words[index], first=index == word_index, sure=sure):
            break
        last = index
    return (begin, last) if last >= 0 else None


def _close(text: str, word: Word, following: Word) -> bool:
    between = text[word.end : following.start]
    return _ONLY_SPACE.fullmatch(between) is not None or (len(word.text) <= 2 and between in (". ", "."))


def _can_be_name(turn: Turn, word: Word, *, first: bool, sure: bool) -> bool:
    if word.is_number or word.text in NO_NAMES:
        return False
    if turn.has_capitals:
        if not word.capital:
            return False
        everyday = word.text in everyday_words()
        return not everyday or (sure and word.text not in stop_words("en")) or (not first)
    if len(word.text) == 1:
        return False
    return word.text not in everyday_words() and (sure or not first or is_given_name(word))


def find_names(talk: Talk) -> Iterator[PersonalSpan]:
    """Names by introductions, titles and capitals, and every further mention of what was found."""
    found: list[PersonalSpan] = []
    parts: set[str] = set()
    for turn in talk.turns:
        for first, last in _in_turn(talk.text, turn):
            found.append(PersonalSpan(turn.words[first].start, turn.words[last].end, "NAME", _RANK))
            parts |= {word.text for word in turn.words[first : last + 1]}
    yield from found
    yield from mentions(talk.lines, parts)


def mentions(turns: Sequence[Turn], parts: set[str]) -> Iterator[PersonalSpan]:
    """Every word that was part of a name elsewhere, or is one as it was heard another time, unless it is everyday."""
    again = {part for part in parts if len(part) > 2 and part not in everyday_words() and part not in _PARTICLES}
    heard: dict[str, str] = {}
    for part in sorted(again):
        heard.setdefault(_sound(part), part)
    for turn in turns:
        for word in turn.words:
            if (word.capital or not turn.has_capitals) and (word.text in again or _sounds_known(word.text, heard)):
                yield PersonalSpan(word.start, word.end, "NAME", _RANK)


def _sound(name: str) -> str:
    """Its first letter and consonants: `Kaminsky`, `Kaminska`."""
    return name[:1] + "".join(letter for letter in name[1:] if letter not in "aeiouyh'")


def _sounds_known(word: str, heard: Mapping[str, str]) -> bool:
    known = heard.get(_sound(word)) if len(word) >= _LEAST_HEARD else None
    if known is None or len(known) < _LEAST_HEARD or word in everyday_words():
        return False
    return Levenshtein.distance(word, known, score_cutoff=_MOST_MISHEARD) <= _MOST_MISHEARD


@lru_cache(maxsize=1)
def _introductions() -> dict[str, re.Pattern[str]]:
    return {
        heading: re.compile(rf"(?<![\w'])(?:{'|'.join(lines)})(?![\w'])", re.IGNORECASE)
        for heading, lines in sections_of("introductions.txt")
    }


def _in_turn(text: str, turn: Turn) -> Iterator[tuple[int, int]]:
    starts = {word.start: word_index for word_index, word in enumerate(turn.words)}
    for heading, pattern in _introductions().items():
        sure = heading == "sure" or (heading in ("kin", "alone") and turn.has_capitals)
        for match in pattern.finditer(text, turn.start, turn.end):
            after = _after(text, turn, starts, match.end(), sure=sure)
            yield from (name for name in after if heading != "alone" or _stands_alone(text, turn, *name))
    yield from _addressed(text, turn)
    for word_index, word in enumerate(turn.words):
        if word.text in _TITLES and word_index + 1 < len(turn.words):
            following = turn.words[word_index + 1]
            capitals = word.capital and following.capital
            titled = word.text in _SURE_TITLES and following.text not in stop_words("en") | NO_NAMES
            if capitals if turn.has_capitals else titled or is_known_name(following):
                name = name_at(text, turn, word_index, sure=True)
                if name is not None or titled:
                    yield name or (word_index, word_index + 1)
        elif not turn.has_capitals and (is_plainly_given(word) or _is_before_speaking(turn, word_index)):
            name = name_at(text, turn, word_index, sure=False)
            if name is not None and not _is_company(turn, name[1]):
                yield _without_followers(turn, *name)
        elif turn.has_capitals and word.capital and is_given_name(word) and not _is_place(turn, word_index):
            name = name_at(text, turn, word_index, sure=False)
            if name is not None and not _is_company(turn, name[1]):
                yield name


def _addressed(text: str, turn: Turn) -> Iterator[tuple[int, int]]:
    """Who is spoken to: `Right, Aoife, is there …`, `Okay Delroy.`, `that's all done for you, Delroy.`

    Only in text with capitals: there nothing else that is no everyday word stands alone between such marks.
    """
    if not turn.has_capitals:
        return
    words = turn.words
    for word_index in range(len(words) - 1):
        says_so = words[word_index].capital and words[word_index + 1].text in _SAYS_IT_IS_ME
        if says_so and words[word_index].text not in everyday_words():
            yield word_index, word_index  # Priyanka speaking, Victoria here
    for word_index in range(1, len(words)):
        word, before = words[word_index], words[word_index - 1]
        after = words[word_index + 1].start if word_index + 1 < len(words) else turn.end
        if (
            not word.capital
            or len(word.text) < _LEAST_ADDRESSED
            or word.text in everyday_words()
            or _is_no_person(word)
        ):
            continue
        joined, closing = text[before.end : word.start].strip(), text[word.end : after].strip()
        ends = closing[:1] in (".", "!", "?") or (not closing and word_index + 1 == len(words))
        greeted = before.text in _SAID_TO and joined in ("", ",") and (ends or closing[:1] in (",", "-", "–", "—"))
        if greeted or (
            joined == "," and ends and _says_much(words[max(0, word_index - _BEFORE_ADDRESSED) : word_index])
        ):
            yield word_index, word_index


def _says_much(words: Sequence[Word]) -> bool:
    """What stands before a name at the end is a sentence to somebody, no list of names or places."""
    return len(words) == _BEFORE_ADDRESSED and not any(word.capital or word.is_number for word in words[1:])


def _is_before_speaking(turn: Turn, word_index: int) -> bool:
    """`Karim speaking`."""
    after = turn.words[word_index + 1].text if word_index + 1 < len(turn.words) else ""
    return after == "speaking" and is_known_name(turn.words[word_index])


def _without_followers(turn: Turn, first: int, last: int) -> tuple[int, int]:
    """In text without capitals only known names follow a given one: `david johnson`, but `david parcel`."""
    while last > first and not (is_known_name(turn.words[last]) or turn.words[last].text in _PARTICLES):
        last -= 1
    return first, last


def _after(text: str, turn: Turn, starts: dict[int, int], end: int, *, sure: bool) -> Iterator[tuple[int, int]]:
    word_index = next((starts[index] for index in range(end, min(end + 4, turn.end)) if index in starts), None)
    if word_index is None:
        return
    name = name_at(text, turn, word_index, sure=sure)
    if name is None or _is_company(turn, name[1]):
        return
    if not sure and not _is_likely(turn, *name):
        return
    yield name


def _is_likely(turn: Turn, first: int, last: int) -> bool:
    """After a phrase that many other words follow, too: `this is`, `with`."""
    words = turn.words
    if is_given_name(words[first]) or (words[first - 1].text == "under" and is_known_name(words[first])):
        return True
    after = words[last + 1].text if last + 1 < len(words) else ""
    return last - first < 3 and after in _SAYS_NAME and words[first].capital


def _stands_alone(text: str, turn: Turn, first: int, last: int) -> bool:
    """After `this is`: nothing follows, or what tells from where: `this is Anil.`, `I'm Bex in sales`."""
    words = turn.words
    if last - first > 1 or any(_is_no_person(word) for word in words[first : last + 1]):
        return False
    if last + 1 == len(words) or text[words[last].end : words[last + 1].start].strip():
        return True
    return words[last + 1].text in _FROM_WHERE


def _is_no_person(word: Word) -> bool:
    return word.written.isupper() or word.text in PLACES | COMPANIES or word.text in country_names()


def _is_place(turn: Turn, word_index: int) -> bool:
    """`San Francisco`, `Mount Isa`."""
    return word_index > 0 and turn.words[word_index - 1].text in _BEFORE_PLACES and turn.words[word_index - 1].capital


def _is_company(turn: Turn, last: int) -> bool:
    """`Harper Valley National Bank`, `tech support`."""
    after = turn.words[last + 1].text if last + 1 < len(turn.words) else ""
    if not turn.has_capitals and after in _DEPARTMENTS:
        return True
    return any(word.text in COMPANIES for word in turn.words[last + 1 : last + 4])
