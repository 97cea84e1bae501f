"""E-mail addresses, written or spoken: `j.doe@example.com`, `j dot doe at example dot com`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.redaction.spans import PersonalSpan, word_set

_WRITTEN = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9_](?:[\w.+'-]{0,62}[\w+-])?\s?@\s?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}(?![\w-])"
)
_AT = r"(?:at|arobase|arobas|klammeraffe|ät|arroba|@)"
_DOT = r"(?:\s*(?:dot|point|punkt|punto)\s*|\s?\.(?! ))"
_TLD = (
    r"(?:com|org|net|edu|gov|info|biz|io|eu|de|fr|es|it|nl|be|ch|at|ca|us|me|tv|uk|ie|pl|pt|"
    rf"co{_DOT}(?:uk|nz|za|jp)|com{_DOT}(?:au|br|mx)|org{_DOT}uk)"
)
_LABEL = r"(?:[a-z0-9-]+(?:\s+[a-z0-9-]+){0,2}?|[a-z0-9](?:\s+[a-z0-9]){1,20})"
_DOMAIN = re.compile(
    rf"(?<![\w])(?P<at>{_AT})\s+(?P<domain>{_LABEL}(?:{_DOT}{_LABEL}){{0,3}}?{_DOT}{_TLD})(?![\w-])"
    rf"|(?<=[a-z0-9])\s*(?P<sign>@)\s*(?P<domain2>{_LABEL}(?:{_DOT}{_LABEL}){{0,3}}?{_DOT}{_TLD})(?![\w-])",
    re.IGNORECASE,
)
_FREE_MAIL = re.compile(
    r"^(?:g\s?mail|yahoo|hot\s?mail|outlook|icloud|aol|gmx|web|proton(?:\s?mail)?|live|msn|orange|free|t-online|wanadoo)\b",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"e-?\s?mail|\bmail\b|\baddress\b|\badresse\b|\bcorreo\b|\bcourriel\b"
    r"|\bwrite to\b|\bsend (?:it|that) to\b",
    re.IGNORECASE,
)
_JOINT = word_set(
    """dot point punkt punto underscore dash hyphen minus tiret bindestrich unterstrich guion plus double triple period
    zero one two three four five six seven eight nine"""
)
# Words before which no address begins.
_BOUNDARY = word_set(
    """is it's its my the a an email e-mail mail address to at on that this and or so yes yeah okay ok um uh be was me
    us you your his her their our as for with from of in i we he she they use have send write contact reach us it est
    c'est mon mein meine ist lautet mi es just please under by adresse correo courriel à zu an sur mail's email's
    would it'll that's here's look shop bought order ordered go went buy check work works meet"""
)
_PART = re.compile(r"[\w'+-]+|[.]")


def find_addresses(text: str) -> Iterator[PersonalSpan]:
    for match in _WRITTEN.finditer(text):
        yield PersonalSpan(match.start(), match.end(), "EMAIL", 0)
    for match in _DOMAIN.finditer(text):
        start, parts = _local_part(text, match.start("at") if match.group("at") else match.start("sign"))
        if not parts:
            continue
        domain = match.group("domain") or match.group("domain2")
        spelt = len(parts) > 2 or any(
            part in _JOINT or part == "." or len(part) == 1 or not part.isalpha() for part in parts
        )
        cued = _CUE.search(text[max(0, start - 60) : start])
        if spelt or cued or _FREE_MAIL.search(domain) or match.group("sign"):
            yield PersonalSpan(start, match.end(), "EMAIL", 0)


def _local_part(text: str, end: int) -> tuple[int, list[str]]:
    """Where the name before `at` begins, and its parts: letters, digits, words of `_JOINT`, at most three others."""
    begin = max(0, end - 160)
    found = list(_PART.finditer(text, begin, end))
    start, plain = end, 0
    parts: list[str] = []
    previous = end
    for part in reversed(found):
        word = part.group(0).casefold()
        between = text[part.end() : previous]
        if between.strip() or "\n" in between:
            break
        if word == "." and between:
            break
        joint = word in _JOINT or len(word) == 1 or word.isdigit() or word == "."
        if not joint:
            if word in _BOUNDARY and not (parts and parts[0] in ("dot", ".", "underscore", "point", "punkt", "punto")):
                break
            if plain >= 3:
                break
            plain += 1
        elif word in ("a", "i") and not (parts and len(parts[0]) == 1):
            break
        start, previous = part.start(), part.start()
        parts.insert(0, word)
    while parts and parts[0] in (".", "dot", "point"):
        parts.pop(0)
    return start, parts
