"""Names of people: after an introduction or a title, and known given names where the text has capitals.

Known names are those of the Faker library (some 11,000 given names and 13,000 surnames of 35 regions). A name that is
also an everyday word (`Will`, `Grace`, `Price`) counts only where something else says that it is one.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from analysis.redaction.postal import country_names
from analysis.redaction.questions import sections_of
from analysis.redaction.spans import PersonalSpan, word_set
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn, Word
from analysis.text import stop_words

_REGIONS = word_set(
    """ar_AA cs_CZ da_DK de_AT de_CH de_DE en_GB en_IE en_IN en_NG en_NZ en_PK en_TH en_US es_ES es_MX fi_FI fr_CA
    fr_FR hr_HR hu_HU id_ID it_IT nl_NL no_NO pl_PL pt_BR pt_PT ro_RO sv_SE sw tr_TR vi_VN yo_NG zu_ZA"""
)
_RANK = 7
_MOST_WORDS = 5
_MOST_TITLES = 2
_PARTICLES = word_set("de la del della di da dos do van von der den ter al el bin ibn ben mac mc st san le du o")
_TITLES = word_set(
    "mr mrs ms miss mister missus mx dr doctor prof professor herr frau monsieur madame señor señora sir"
)
# What stands beside names in calls and is none, beyond the language's function words.
_NO_NAMES = word_set(
    """speaking calling here from about regarding with and or the on in at account bank support service services team
    customer care department insurance energy telecom mobile broadband billing sales technical desk line company
    limited ltd inc group airlines airways hotel hospital clinic school college university street road avenue lane
    drive city town county state office store shop center centre credit union national international federal reserve
    north south east west valley harper general prime direct online express first last full middle name names surname
    please sorry thanks thank hello hi hey yes yeah yep no nope okay ok sure right well just actually so um uh er
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december christmas easter english french german spanish american british european
    visa mastercard amex paypal apple google amazon microsoft android iphone samsung netflix facebook whatsapp
    internet wifi router phone card bill order number address email password contract policy mum mom dad mother father
    wife husband son daughter brother sister partner friend spelled spelt spell capital double today tomorrow yesterday
    sir madam ma'am mate love dear guys everyone everybody nobody someone anyone somebody lord god jesus christ
    windows linux chrome safari firefox outlook
    bonjour merci oui guten tag danke hola gracias buenos días good morning afternoon evening night bye goodbye
    there one moment ready available afraid happy glad able going trying looking wondering having getting waiting
    interested aware fine busy home back out off done over free new old same currently still really very not also"""
)
_PLACES = word_set(
    """paris london austin madison victoria chelsea jordan florence lincoln sydney carolina dakota savannah charlotte
    houston dallas denver santiago india china israel cuba kenya america alexa siri mercedes ford tesla chase barclays
    wells morgan stanley royal virginia georgia washington kingston hamilton melbourne brooklyn memphis orlando
    phoenix jackson cleveland berlin milan vienna asia africa europe ireland england scotland wales france germany
    spain italy poland holland israel santander lloyds halifax wells cambridge oxford lancaster york kent devon"""
)
_COMPANIES = word_set(
    """bank valley energy telecom insurance airlines airways hotel hotels group limited ltd inc national street road
    avenue lane"""
)
_BEFORE_PLACES = word_set("san santa los las el saint st new mount port fort lake")
_SAYS_NAME = word_set("calling speaking here from again à")
_FROM_WHERE = word_set("calling speaking here from in with at and again on")
_ONLY_SPACE = re.compile(r"[ \t]*[-–]?[ \t]*|'|’")


@lru_cache(maxsize=1)
def known_names() -> tuple[frozenset[str], frozenset[str]]:
    """Given names and surnames, lower case."""
    given: set[str] = set()
    family: set[str] = set()
    for region in _REGIONS:
        provider = importlib.import_module(f"faker.providers.person.{region}").Provider
        for attribute in dir(provider):
            if attribute.startswith(("first_name", "last_name")):
                names = getattr(provider, attribute)
                if not callable(names):
                    (given if attribute.startswith("first") else family).update(str(name).casefold() for name in names)
    return frozenset(given), frozenset(family)


@lru_cache(maxsize=1)
def everyday_words() -> frozenset[str]:
    """Words of everyday language, which are no names unless something says so."""
    from faker.providers.lorem.en_US import Provider

    common = {word.casefold() for word in Provider.word_list}
    return frozenset(common) | _NO_NAMES | frozenset().union(*(stop_words(code) for code in ("en", "fr", "de", "es")))


def is_given_name(word: Word) -> bool:
    """A known given name that is hardly anything else."""
    if word.written.isupper() or word.text in country_names():
        return False
    return (
        word.text in known_names()[0]
        and word.text not in everyday_words()
        and word.text not in _PLACES
        and len(word.text) > 2
    )


def is_known_name(word: Word) -> bool:
    given, family = known_names()
    return (word.text in given or word.text in family) and word.text not in everyday_words()


def name_at(text: str, turn: Turn, place: int, sure: bool) -> tuple[int, int] | None:
    """First and last word of the name that begins at word `place`; None where there is none.

    Args:
        sure: something says that a name comes here. Then any word will do that is no everyday word (and, where the text
            has capitals, is written with one); otherwise a known given name must stand there.
    """
    words, begin = turn.words, place
    while place < min(begin + _MOST_TITLES, len(words)) and words[place].text in _TITLES:
        place += 1
        sure = True
    last = -1
    for at in range(place, min(place + _MOST_WORDS, len(words))):
        if at > place and not _close(text, words[at - 1], words[at]):
            break
        if words[at].text in _PARTICLES and at + 1 < len(words) and words[at].text not in ("o", "do"):
            if at == place and not words[at].capital:
                break
            continue
        if not _can_be_name(turn, words[at], first=at == place, sure=sure):
            break
        last = at
    return (begin, last) if last >= 0 else None


def _close(text: str, one: Word, other: Word) -> bool:
    between = text[one.end : other.start]
    return _ONLY_SPACE.fullmatch(between) is not None or (len(one.text) <= 2 and between in (". ", "."))


def _can_be_name(turn: Turn, word: Word, *, first: bool, sure: bool) -> bool:
    if word.is_number or word.text in _NO_NAMES:
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
    """Every word that was part of a name elsewhere, unless it is an everyday word."""
    again = {part for part in parts if len(part) > 2 and part not in everyday_words() and part not in _PARTICLES}
    for turn in turns:
        for word in turn.words:
            if word.text in again and (word.capital or not turn.has_capitals):
                yield PersonalSpan(word.start, word.end, "NAME", _RANK)


@lru_cache(maxsize=1)
def _introductions() -> dict[str, re.Pattern[str]]:
    return {
        heading: re.compile(rf"(?<![\w'])(?:{'|'.join(lines)})(?![\w'])", re.IGNORECASE)
        for heading, lines in sections_of("introductions.txt")
    }


def _in_turn(text: str, turn: Turn) -> Iterator[tuple[int, int]]:
    starts = {word.start: place for place, word in enumerate(turn.words)}
    for heading, pattern in _introductions().items():
        sure = heading == "sure" or (heading in ("kin", "alone") and turn.has_capitals)
        for match in pattern.finditer(text, turn.start, turn.end):
            after = _after(text, turn, starts, match.end(), sure=sure)
            yield from (name for name in after if heading != "alone" or _stands_alone(text, turn, *name))
    for place, word in enumerate(turn.words):
        if word.text in _TITLES and place + 1 < len(turn.words):
            following = turn.words[place + 1]
            capitals = word.capital and following.capital
            if capitals if turn.has_capitals else is_known_name(following):
                name = name_at(text, turn, place, sure=True)
                if name is not None:
                    yield name
        elif turn.has_capitals and word.capital and is_given_name(word) and not _is_place(turn, place):
            name = name_at(text, turn, place, sure=False)
            if name is not None and not _is_company(turn, name[1]):
                yield name


def _after(text: str, turn: Turn, starts: dict[int, int], end: int, *, sure: bool) -> Iterator[tuple[int, int]]:
    place = next((starts[at] for at in range(end, min(end + 4, turn.end)) if at in starts), None)
    if place is None:
        return
    name = name_at(text, turn, place, sure=sure)
    if name is None or _is_company(turn, name[1]):
        return
    if not sure and not _is_likely(turn, *name):
        return
    yield name


def _is_likely(turn: Turn, first: int, last: int) -> bool:
    """After a phrase that many other words follow, too: `this is`, `with`."""
    words = turn.words
    if is_given_name(words[first]):
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
    return word.written.isupper() or word.text in _PLACES | _COMPANIES or word.text in country_names()


def _is_place(turn: Turn, place: int) -> bool:
    """`San Francisco`, `Mount Isa`."""
    return place > 0 and turn.words[place - 1].text in _BEFORE_PLACES and turn.words[place - 1].capital


def _is_company(turn: Turn, last: int) -> bool:
    """`Harper Valley National Bank`."""
    return any(word.text in _COMPANIES for word in turn.words[last + 1 : last + 4])
