"""The one form in which two texts are equal when they say the same: `docs/evaluation.md` documents it per language.

It is fixed, not a setting, so that figures of different machines and configurations can be compared. English: Whisper's
own normaliser (Radford et al. 2022, appendix C; contractions, titles, numbers, currencies, British spellings) between
steps of ours for what it leaves apart. French and Arabic: the rules of `transcription.text_rules.compared`, after
titles and times. Other languages: lower case, no punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from pipeline.transcription.text.rules import TextRules

Replacement = tuple[re.Pattern[str], str]

_NOISE = re.compile(r"\[[^\]]*\]|<[^<>]*>|\([^()]*\)|[♪♫♬]")
"""`[noise]`, `<unk>`, `(laughs)`, music signs: marks of what is heard, no words."""


def _rules(*pairs: tuple[str, str]) -> tuple[Replacement, ...]:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


_ENGLISH_BEFORE = _rules(
    (r"[’‘ʼ]", "'"),
    (r"\balright\b", "all right"),
    (r"\bcannot\b", "can not"),
    (r"\bok\b|\bo\.k\.?(?=\W|$)|\bo k\b", "okay"),
    (r"\b(?:uhm|umm|erm|er|hm)\b", " "),
    (r"(?<![a-z'])(\d*\s?)([ap])\.?\s?m\b\.?", r"\1 \2m "),
    (r"\ban? (hundred|thousand|million|billion)\b", r"one \1"),
    (r"\be-mail", "email"),
    (r"(?<=\d):00\b", " "),
    (r"(?<=\d)[-:/](?=\d)", " "),
    (r"(?<=\d),(?=\d{3}\b)", ""),
    (r"(?<=\d)\s?%", " percent"),
)
_ENGLISH_AFTER = _rules(
    (r"\bone\b", "1"),  # the library writes 1 as a word
    (r"\$\s*([\d.]+)", r"\1 dollars"),
    (r"€\s*([\d.]+)", r"\1 euros"),
    (r"£\s*([\d.]+)", r"\1 pounds"),
    (r"¢\s*(\d+)", r"\1 cents"),
    (r"(?<=\d)\.(?=\d)", " point "),
    (r"%", " percent"),
    (r"[.$€£¢]", " "),
    (r"(?<=\d)(?=\d)", " "),
)
"""Numbers end as single digits: 112, `one twelve` and `one one two` are one number, and a number of six digits is six
words, whether it was grouped or not."""
_LEADING_ZERO = re.compile(r"(?<![\d.,])0\d+(?![\d.,]\d)")
"""Digits of an account or a time, which the library would read as a number."""
_FRENCH_BEFORE = _rules(
    (r"[’‘ʼ]", "'"),
    (r"\bmme\b\.?", "madame"),
    (r"\bmlle\b\.?", "mademoiselle"),
    (r"\b(?:mr\b\.?|m\.(?=\s))", "monsieur"),
    (r"\bdr\b\.?", "docteur"),
    (r"(?<=\d)\s?(?:h|:)\s?00\b", " heures"),
    (r"(?<=\d)\s?h\s?(?=\d)|(?<=\d):(?=\d)", " heures "),
    (r"(?<=\d)\s?h\b", " heures"),
    (r"(?<=\d)\s?€", " euros"),
    (r"(?<=\d)\s?%", " pour cent"),
    (r"\bok\b", "okay"),
)
_ARABIC_BEFORE = _rules(
    (r"(?<!\w)د\.", "دكتور "),
    (r"(?<!\w)أ\.", "أستاذ "),
    (r"(?<=[\d٠-٩]):(?=[\d٠-٩])", " "),
    (r"(?<=[\d٠-٩])\s?[%٪]", " بالمئة"),
)


def without_noises(text: str) -> str:
    """Words only: what stands in brackets names a noise, `<unk>` is a word nobody understood."""
    return " ".join(_NOISE.sub(" ", text).split())


def normalised(text: str, language: str | None) -> str:
    """Words separated by single spaces, without case, punctuation, noises and hesitations.

    `language`: ISO 639-1; None or one without rules of its own: only case and punctuation go.
    """
    return " ".join(_BY_LANGUAGE.get(language or "", _other)(without_noises(text), language).split())


def words_of(text: str, language: str | None) -> list[str]:
    return normalised(text, language).split()


def _english(text: str, _language: str | None) -> str:
    lower = _replaced(text.lower(), _ENGLISH_BEFORE)
    spelled = _LEADING_ZERO.sub(lambda match: " ".join(match[0]), lower)
    return _replaced(_whisper_english()(spelled), _ENGLISH_AFTER)


def _french(text: str, language: str | None) -> str:
    return _compared(_replaced(text.lower(), _FRENCH_BEFORE), language)


def _arabic(text: str, language: str | None) -> str:
    return _compared(_replaced(text, _ARABIC_BEFORE), language)


def _other(text: str, language: str | None) -> str:
    return _compared(text, language)


_BY_LANGUAGE: Mapping[str, Callable[[str, str | None], str]] = {"en": _english, "fr": _french, "ar": _arabic}
_RULES = TextRules()


def _compared(text: str, language: str | None) -> str:
    return _RULES.compared(text, language)


def _replaced(text: str, rules: Sequence[Replacement]) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


@cache
def _whisper_english() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    normaliser: Callable[[str], str] = EnglishTextNormalizer()
    return normaliser
