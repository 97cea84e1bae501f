"""Digits that are personal: card numbers, phones, national ids, account numbers, IBANs; written or spoken."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from analysis.redaction.digit_runs import LINE_MARK, DigitRun, digit_runs
from analysis.redaction.other_numbers import Others
from analysis.redaction.runs import DATE
from analysis.redaction.spans import PersonalSpan
from pipeline.config.areas.redaction import RedactionSettings
from pipeline.errors import ConfigurationError

_CUE_CHARS = 70
_MARKS = re.compile(LINE_MARK, re.IGNORECASE)
_LONGEST_ID = 21
_MOST_PREFIX = 8
"""Letters said before a number that are no part of it, at most."""
_PHONE_CUE = re.compile(
    r"\b(?:tele)?phone\b|\bmobile\b|\bcell\b|\bcall (?:me|us|her|him|back)\b|\breach\b|\bfax\b|\bwhatsapp\b|\bring me\b"
    r"|\btext me\b|\bmy number\b|\bcallback\b|\btéléphone\b|\bportable\b|\bnuméro de tél|\brappel|\btelefon|\bhandy\b"
    r"|\brückruf|\bteléfono\b|\bmóvil\b",
    re.IGNORECASE,
)
_CARD_CUE = re.compile(r"\b(?:card|visa|mastercard|amex|carte|karte|tarjeta)\b", re.IGNORECASE)
_CODE_CUE = re.compile(
    r"\b(?:cvv|cvc|cv2|security (?:code|number)|(?:three|3)[ -]digit (?:code|number)|(?:my )?pin(?: number| code)?"
    r"|code de sécurité|cryptogramme|prüfnummer|geheimzahl)\b[^\d\n]{0,25}$",
    re.IGNORECASE,
)
_ACCOUNT_CUE = re.compile(
    r"\b(?:account|acct|customer|client|policy|member(?:ship)?|contract|routing|passport|driver'?s? licen[cs]e"
    r"|licen[cs]e|insurance|tax|meter|sort code|compte|kunden|konto|vertrag\w*|cuenta|cliente|contrat|contrato|police)"
    r"(?:[ -]?(?:number|no\.?|id|#|nummer))?\b",
    re.IGNORECASE,
)
_ID_CUE = re.compile(
    r"\bsocial(?: security)?\b|\bssn\b|\bnational (?:id|insurance)\b|\bid (?:card|number)\b|\btax (?:id|number)\b"
    r"|\bsteuer\w*|\bidentifikationsnummer\b|\bsécurité sociale\b|\bdni\b|\bnie\b|\btaxpayer\b",
    re.IGNORECASE,
)
# Words that show the number right after them is not personal.
_OTHER_CUE = re.compile(
    r"\b(?:order|ticket|case|reference|invoice|tracking|confirmation|serial|model|part|item|booking|incident|version"
    r"|article|product|parcel|imei|purchase order|po|sku|flight|bestell\w*|rechnung\w*|commande|facture|pedido|factura"
    r"|zip|postal)"
    r"(?: (?:number|no\.?|id|code|#|nummer))?(?: (?:is|was|it's|ist|est|es))?[\s:#,.]*$",
    re.IGNORECASE,
)
_PLATE = re.compile(r"(?<![\w-])[A-HJ-PR-Y][A-HJ-PR-Y]\d{2} ?[A-HJ-PR-Z]{3}(?![\w-])")
"""A British number plate: nothing else is written so, and it is mostly told unasked."""
_PASSWORD = re.compile(
    r"(?<![\w@.+-])(?!0x)(?=\w*[a-z]\w*\d|\w*\d\w*[A-Z]\w*[a-z])(?=\w*\d\w*\d)[^\W_]{8,24}(?![\w@-]|\.\w)"
)
"""Letters, small ones among them, and digits in one word: `Maple77Tiger`."""
_SSN = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_YEARS = re.compile(r"(?:(?:19|20)\d\d ?)+")
_ALNUM = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9](?:[ .-]?[A-Za-z0-9]){6,40}(?![A-Za-z0-9])")


class NumberFinder:
    """Looks for the configured kinds of number."""

    def __init__(self, settings: RedactionSettings) -> None:
        self._settings = settings
        self._ids = [(name, _id_module(name)) for name in settings.national_ids]

    def find(self, text: str, others: Others) -> Iterator[PersonalSpan]:
        """`others`: where numbers belong to an order, a parcel, a price."""
        kinds = self._settings.kinds
        if "iban" in kinds:
            yield from _ibans(text)
        if "national_id" in kinds:
            yield from self._written_ids(text)
        if "code" in kinds:
            for match in _PASSWORD.finditer(text):
                if not others.covering(match.start()):
                    yield PersonalSpan(match.start(), match.end(), "CODE", 9)
        if "phone" in kinds:
            yield from self._written_phones(text, others)
        for run in digit_runs(text, self._settings.spoken_languages):
            named = self._name(text, run, others)
            if named is not None:
                name, rank = named
                for start, end in run.pieces:
                    yield PersonalSpan(start, end, name, rank)

    def recognise(self, said: str, groups: Sequence[str]) -> tuple[str, str] | None:
        """By its check digits, what dictated digits and letters are: the name of the placeholder and the setting."""
        from stdnum import iban

        if not 8 <= len(said) <= 60:
            return None
        if not said.isdigit():
            for start in range(min(_MOST_PREFIX, len(said))):
                if 15 <= len(said) - start <= 34 and said[start : start + 2].isalpha() and iban.is_valid(said[start:]):
                    return "IBAN", "iban"
                if self._checks(said[start:]):
                    return "ID", "national_id"
            return None
        return ("CARD", "card") if any(_luhn(window) for window in _windows(groups)) else None

    def _name(self, text: str, run: DigitRun, others: Others) -> tuple[str, int] | None:
        """What the run is, by its check digits, or by the words before it."""
        kinds = self._settings.kinds
        other = others.covering(run.start)
        before = text[max(0, run.start - _CUE_CHARS, 0 if other is None else other.start) : run.start]
        before = _MARKS.sub("\n", before)  # who speaks is no cue: `client: 5 5 1`
        digits = run.digits
        if "card" in kinds and not (other and other.number) and self._is_card(run, before):
            return "CARD", 2
        if "national_id" in kinds and self._is_national_id(digits, before):
            return "ID", 3
        if other is not None or _OTHER_CUE.search(before):
            return None
        if "phone" in kinds and self._is_phone(text, run, before):
            return "PHONE", 5
        if (
            "account_number" in kinds
            and not DATE.fullmatch(text, run.start, run.end)
            and len(digits) >= self._settings.min_account_digits
            and _ACCOUNT_CUE.search(before)
        ):
            return "ACCOUNT", 6
        return None

    @staticmethod
    def _is_card(run: DigitRun, before: str) -> bool:
        """13 to 19 digits that pass Luhn's check, or that follow the word; the code and PIN by their words."""
        digits = run.digits
        if 3 <= len(digits) <= 8 and _CODE_CUE.search(before):
            return True
        if not 12 <= len(digits) <= 32 or _YEARS.fullmatch(" ".join(run.groups)):
            return False
        if _CARD_CUE.search(before) and len(digits) >= 13:
            return True
        if _OTHER_CUE.search(before):
            return False
        return any(_luhn(window) for window in _windows(run.groups))

    def _is_national_id(self, digits: str, before: str) -> bool:
        cue = bool(_ID_CUE.search(before))
        if cue and 7 <= len(digits) <= 16:
            return True
        # A check digit alone is too weak for short numbers: one in ten fits.
        return len(digits) >= 13 and any(module.is_valid(digits) for _, module in self._ids)

    def _is_phone(self, text: str, run: DigitRun, before: str) -> bool:
        digits = run.digits
        written = text[run.start : run.end]
        if not 7 <= len(digits) <= 15 or DATE.fullmatch(written) or _YEARS.fullmatch(" ".join(run.groups)):
            return False
        if _PHONE_CUE.search(before):
            return True
        international = text[max(0, run.start - 6) : run.start].rstrip().endswith(("+", "plus", "Plus"))
        return len(digits) >= 9 and _is_valid_phone(digits, self._settings.phone_regions, international)

    def _written_ids(self, text: str) -> Iterator[PersonalSpan]:
        """Ids with letters, by their check characters; a US number by its dashes."""
        if any(name == "us.ssn" for name, _ in self._ids):
            for match in _SSN.finditer(text):
                yield PersonalSpan(match.start(), match.end(), "ID", 1)
        for match in _PLATE.finditer(text):
            yield PersonalSpan(match.start(), match.end(), "ID", 1)
        for match in _ALNUM.finditer(text):
            for start, end, compact in _coded(match.group(0), least_digits=6):
                if self._checks(compact):
                    yield PersonalSpan(match.start() + start, match.start() + end, "ID", 1)

    def _checks(self, compact: str) -> bool:
        """A national id with letters."""
        long_enough = 9 <= len(compact) <= _LONGEST_ID and sum(character.isdigit() for character in compact) >= 6
        return long_enough and any(module.is_valid(compact) for _, module in self._ids)

    def _written_phones(self, text: str, others: Others) -> Iterator[PersonalSpan]:
        """With the phone library's own matcher: groups, country codes and extensions as they are written."""
        import phonenumbers

        for region in self._settings.phone_regions:
            for match in phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.VALID):
                before = text[max(0, match.start - _CUE_CHARS) : match.start]
                plain = match.raw_string.isdigit()
                if (
                    "\n" in match.raw_string
                    or others.covering(match.start)
                    or _OTHER_CUE.search(before)
                    or (plain and len(match.raw_string) < 9)
                ):
                    continue
                yield PersonalSpan(match.start, match.end, "PHONE", 4)


class _NationalInsurance:
    """A British national insurance number: no check digit, but letters few other texts have (HMRC NIM39110)."""

    _FORMAT = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")

    def is_valid(self, number: str) -> bool:
        return bool(self._FORMAT.fullmatch(number.upper()))


def _id_module(name: str) -> Any:
    if name == "gb.nino":
        return _NationalInsurance()
    try:
        module = importlib.import_module(f"stdnum.{name}")
    except ImportError:
        raise ConfigurationError(
            f"redaction.national_ids: python-stdnum has no module {name}; see its list of formats"
        ) from None
    if not hasattr(module, "is_valid"):
        raise ConfigurationError(f"redaction.national_ids: stdnum.{name} checks nothing; name another module")
    return module


def _luhn(digits: str) -> bool:
    from stdnum import luhn

    return len(set(digits)) > 1 and digits[0] in "23456" and bool(luhn.is_valid(digits))


def _windows(groups: Sequence[str]) -> Iterator[str]:
    """Stretches of 13 to 19 digits that begin and end with a group."""
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > 19:
                break
            if len(digits) >= 13:
                yield digits


def _coded(text: str, least_digits: int) -> Iterator[tuple[int, int, str]]:
    """Stretches of up to twelve words with letters and so many digits: place, and the letters and digits alone."""
    words = [(match.start(), match.end(), match.group(0)) for match in re.finditer(r"[A-Za-z0-9]+", text)]
    for first in range(len(words)):
        compact, digits = "", 0
        for _, end, word in words[first : first + 12]:
            compact += word
            digits += sum(character.isdigit() for character in word)
            if len(compact) > 34:
                break
            if digits >= least_digits and not compact.isdigit():
                yield words[first][0], end, compact.upper()


@lru_cache(maxsize=4096)
def _is_valid_phone(digits: str, regions: tuple[str, ...], international: bool) -> bool:
    import phonenumbers

    tries: list[tuple[str, str | None]] = (
        [("+" + digits, None)] if international else [(digits, region) for region in regions]
    )
    if digits.startswith("00"):
        tries.append(("+" + digits[2:], None))
    for number, region in tries:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(number, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _ibans(text: str) -> Iterator[PersonalSpan]:
    """Two letters, then the digits and letters of a valid IBAN, however they are grouped."""
    from stdnum import iban

    for match in _ALNUM.finditer(text):
        for start, end, compact in _coded(match.group(0), least_digits=10):
            if len(compact) >= 15 and compact[:2].isalpha() and compact[2:4].isdigit() and iban.is_valid(compact):
                yield PersonalSpan(match.start() + start, match.start() + end, "IBAN", 0)
