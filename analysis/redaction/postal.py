"""Postal addresses by their form: a number and a street, a postcode, a state and its code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from analysis.redaction.questions import PHRASES
from analysis.redaction.spans import PersonalSpan, word_set

_RANK = 6
_NUMBER_WORD = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|and)"
)
_SURE_STREET = r"(?:street|road|avenue|boulevard|crescent|terrace|drive|lane|gardens|parkway|highway|mews)"
_NO_STREET = (
    r"(?:and|or|to|at|of|a|the|in|by|from|way|hard|[kmgt]b|gig|square|cubic|test|miles?|minutes?|hours?|days?|yards?|is"
    r"|are|for|on|your|my|our)\b"
)
_OTHER_STREET = (
    r"(?:St|Rd|Ave|Blvd|Dr|Ln|Cres|Pl|Sq|Hwy|Pkwy|Ct|Cir|Ter|Trl|Turnpike|Broadway|Meadows?|Fields?"
    r"|Street|Road|Avenue|Boulevard|Crescent|Terrace|Drive|Lane|Gardens|Parkway|Highway|Mews|Court|Place|Square|Way"
    r"|Grove|Park|Rise|Row|Walk|Hill|View|Green|Circle|Trail|Alley|Loop|Path|Quay|Wharf|Mount|Vale|Heights|Ridge|Hollow"
    r"|Close|Bank|Brae|Brow|Wynd|Yard|Bend|Bluff|Chase|Copse|Corner|Cottages?|Cove|Creek|Crossing|Dene|Dell|Drove"
    r"|Esplanade|Fold|Garth|Glade|Glen|Gate|Heath|Knoll|Landing|Lea|Leas|Mead|Mill|Nook|Orchard|Paddock|Parade|Passage"
    r"|Pastures|Pike|Point|Promenade|Quadrant|Reach|Run|Side|Spinney|Spur|Trace|Villas?|Vista|Wood|Woods"
    r"|[A-Z][a-z]+(?:way|gate|croft))"
)
_STATES = (
    r"(?:alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|georgia|hawaii|idaho|illinois"
    r"|indiana|iowa|kansas|kentucky|louisiana|maine|maryland|massachusetts|michigan|minnesota|mississippi|missouri"
    r"|montana|nebraska|nevada|new hampshire|new jersey|new mexico|new york|north carolina|north dakota|ohio|oklahoma"
    r"|oregon|pennsylvania|rhode island|south carolina|south dakota|tennessee|texas|utah|vermont|virginia|washington"
    r"|west virginia|wisconsin|wyoming)"
)
_CODES = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]"
    r"|W[AIVY])"
)
"""Of states of the USA, as the post office writes them."""
_PARTS = {
    "<REST>": r"(?:,? ?(?:<POSTCODE>|<ZIP>|(?:<CODE>|(?i:<STATE>))(?:,? <ZIP>)?|(?i:<UNIT>)|<TOWN>))",
    "<UNIT>": r"(?:(?:flat|apartment|apt\.?|unit|suite|house|room|number|no\.?)"
    r" (?:\d{1,5}[A-Za-z]?|[A-Za-z]|<NUMBER>(?: [a-z])?)\b)",
    "<TOWN>": r"(?:[A-ZÀ-Þ][\w'’.-]{1,24}(?: (?:on|upon|under|le|la|sur|am|an der|in)(?= [A-ZÀ-Þ]))?"
    r"(?: [A-ZÀ-Þ][\w'’.-]{1,24}){0,3})",
    "<POSTCODE>": r"(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})",
    "<ZIP>": r"(?:\d{5}(?:-\d{4})?)",
    "<STATE>": _STATES,
    "<CODE>": _CODES,
    "<SURE>": _SURE_STREET,
    "<STREET>": _OTHER_STREET,
    "<NOT>": _NO_STREET,
    "<NUMBER>": _NUMBER_WORD,
}
"""Each before those it is made of."""
STATE_NAMES = frozenset(_STATES[3:-1].split("|"))
STREET_WORDS = word_set(
    """street road avenue boulevard crescent terrace drive lane close gardens parkway highway mews court place square
    grove park cottage house flat apartment suite farm manor lodge hill rue allée chemin impasse quai straße strasse weg
    platz gasse calle avenida plaza"""
)
LOOSE_STREET_WORDS = word_set(
    """row rise walk way view green circle trail alley loop path quay wharf vale meadow meadows field fields heights
    ridge hollow bank brae brow wynd yard bend bluff chase copse corner cottages cove creek crossing cross dene dell
    drove esplanade fold garth gate glade glen heath knoll landing lea mead mill barn nook orchard orchards paddock
    parade passage pike point promenade reach run side spinney spur trace villa villas vista wood woods main block
    sector phase tower floor estate colony nagar village bakery chapel rectory vicarage granary stables hall croft
    apartments"""
)
"""Words of streets and houses that are everyday words, too: they count beside a number or a name."""


@lru_cache(maxsize=1)
def country_names() -> frozenset[str]:
    """Names of countries, lower case: where somebody is from is no address."""
    from faker.providers.address.en_US import Provider

    return frozenset(str(name).casefold() for name in Provider.countries) | word_set(
        "us usa uk england britain america eu"
    )


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], ...]:
    lines = (PHRASES / "streets.txt").read_text(encoding="utf-8")
    for part, pattern in _PARTS.items():
        lines = lines.replace(part, pattern)
    return tuple(re.compile(line) for line in lines.splitlines() if line and not line.startswith("#"))


def find_streets(text: str) -> Iterator[PersonalSpan]:
    """Addresses by their form alone, in any turn."""
    for pattern in _patterns():
        for match in pattern.finditer(text):
            yield PersonalSpan(match.start(), match.end(), "ADDRESS", _RANK)
