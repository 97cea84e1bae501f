"""Postal addresses by their form: a number and a street, a postcode, a state and its code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from analysis.redaction.spans import PersonalSpan, word_set

_RANK = 6
_NUMBER_WORD = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|and)"
)
_SURE_STREET = r"(?:street|road|avenue|boulevard|crescent|terrace|drive|lane|gardens|parkway|highway|mews)"
_NO_STREET = r"(?:and|or|to|at|of|a|the|in|by|from|way|miles?|minutes?|hours?|days?|yards?|is|are|for|on|your|my|our)\b"
_OTHER_STREET = (
    r"(?:St|Rd|Ave|Blvd|Dr|Ln|Cres|Pl|Sq|Hwy|Pkwy|Court|Ct|Place|Square|Way|Grove|Park|Rise|Row|Walk|Hill|View|Green"
    r"|Circle|Trail|Turnpike|Alley|Loop|Path|Quay|Wharf|Broadway|Mount|Vale|Meadows?|Fields?|Heights|Ridge|Hollow"
    r"|Street|Road|Avenue|Boulevard|Crescent|Terrace|Drive|Lane|Close|Gardens|Parkway|Highway|Mews|[A-Z][a-z]+(?:way|gate|croft))"
)
_UNIT = (
    r"(?:(?:flat|apartment|apt\.?|unit|suite|house|room|number|no\.?) (?:\d{1,5}[A-Za-z]?|[A-Za-z]|"
    + _NUMBER_WORD
    + r"(?: [a-z])?)\b)"
)
_STATES = (
    r"(?:alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|georgia|hawaii|idaho|illinois"
    r"|indiana|iowa|kansas|kentucky|louisiana|maine|maryland|massachusetts|michigan|minnesota|mississippi|missouri"
    r"|montana|nebraska|nevada|new hampshire|new jersey|new mexico|new york|north carolina|north dakota|ohio|oklahoma"
    r"|oregon|pennsylvania|rhode island|south carolina|south dakota|tennessee|texas|utah|vermont|virginia|washington"
    r"|west virginia|wisconsin|wyoming)"
)
_TOWN = r"(?:[A-ZÀ-Þ][\w'’.-]{1,24}(?: (?:on|upon|under|le|la|sur|am|an der|in)(?= [A-ZÀ-Þ]))?(?: [A-ZÀ-Þ][\w'’.-]{1,24}){0,3})"
_POSTCODE = r"(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})"
_ZIP = r"(?:\d{5}(?:-\d{4})?)"
_REST = rf"(?:,? ?(?:{_POSTCODE}|{_ZIP}|(?:[A-Z]{{2}}|(?i:{_STATES}))(?:,? {_ZIP})?|(?i:{_UNIT})|{_TOWN}))"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # 27 Birchwood Avenue, Leeds; Flat 3, 118 Harrow Road
        rf"(?<![\w.£$€])(?:(?i:{_UNIT}),? )?\d{{1,5}}[A-Za-z]?,? (?:[A-Z][\w'’.-]{{1,20}} ){{1,4}}?{_OTHER_STREET}(?![\w])\.?{_REST}{{0,4}}",
        rf"(?<![\w.£$€])(?:(?i:{_UNIT}),? )?\d{{1,5}}[A-Za-z]? [A-Z][a-z]+(?:way|gate|croft|side|field)(?![\w]){_REST}{{0,4}}",
        # four twelve north oak street apartment six b
        rf"(?<![\w])(?i:(?:{_NUMBER_WORD}[ -]|\d{{1,5}} ){{1,7}}(?:(?!{_NO_STREET})[a-z][a-z'’]{{1,19}} ){{1,3}}?{_SURE_STREET}(?![\w])(?:,? {_UNIT}){{0,2}}){_REST}{{0,4}}",
        # a British postcode
        rf"(?<![\w]){_POSTCODE}(?![\w])",
        # Austin, Texas 78704
        rf"(?<![\w])(?:{_TOWN},? )?(?:(?i:{_STATES})|[A-Z]{{2}}),? {_ZIP}(?![\w])",
        r"(?<![\w])(?i:p\.? ?o\.? box) (?:\d{1,6}|(?i:" + _NUMBER_WORD + r")(?: (?i:" + _NUMBER_WORD + r")){0,5})",
        # 12 rue des Lilas à Nantes
        r"(?<![\w])(?i:\d{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|place|allée|chemin|impasse|quai|route|cours|square|passage) (?:(?:de la|des|du|de|de l'|d'|l'|le|la|les) ?){0,2})[\w'’-]{2,24}(?: [A-ZÀ-Þ][\w'’-]{1,24}){0,3}(?:,? (?:à )?(?:\d{5} )?[A-ZÀ-Þ][\w'’-]{1,24})?",
        # Lindenstraße 48, 50674 Köln
        r"(?<![\w])(?:[A-ZÄÖÜ][\w-]{1,24} )?(?:[A-ZÄÖÜ][\w-]{2,28})?(?i:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|chaussee) \d{1,4} ?[a-z]?(?![\w])(?:,? \d{5} [A-ZÄÖÜ][\w-]{1,24})?",
        r"(?<![\w])\d{5} [A-ZÄÖÜ][a-zäöüß]{2,20}(?![\w])",
        # calle Mayor 5
        r"(?<![\w])(?i:calle|avenida|plaza|paseo|carrera)(?: (?:de|del|la|las|los))* [A-ZÁÉÍÓÚ][\w-]{2,24}(?: [A-ZÁÉÍÓÚ][\w-]{2,24}){0,2},? (?:número )?\d{1,4}",
    )
)  # fmt: skip
STATE_NAMES = frozenset(_STATES[3:-1].split("|"))
STREET_WORDS = word_set(
    """street road avenue boulevard crescent terrace drive lane close gardens parkway highway mews court place square grove
    park cottage house flat apartment suite farm manor lodge hill rue allée chemin impasse quai straße strasse weg platz
    gasse calle avenida plaza"""
)


@lru_cache(maxsize=1)
def country_names() -> frozenset[str]:
    """Names of countries, lower case: where somebody is from is no address."""
    from faker.providers.address.en_US import Provider

    return frozenset(str(name).casefold() for name in Provider.countries) | word_set(
        "us usa uk england britain america eu"
    )


def find_streets(text: str) -> Iterator[PersonalSpan]:
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield PersonalSpan(match.start(), match.end(), "ADDRESS", _RANK)
