"""ISO 639 codes from what servers call a language: a code or an English name."""

from __future__ import annotations

import unicodedata
from functools import cache

_MORE_LANGUAGES = {
    "bengali": "bn",
    "castilian": "es",
    "flemish": "nl",
    "haitian": "ht",
    "iw": "he",
    "jw": "jv",
    "letzeburgesch": "lb",
    "mandarin": "zh",
    "moldavian": "ro",
    "moldovan": "ro",
    "myanmar": "my",
    "nynorsk": "nn",
    "panjabi": "pa",
    "pushto": "ps",
    "sinhalese": "si",
    "valencian": "ca",
}
"""Whisper's names and codes where Babel has others."""
_NO_LANGUAGE = frozenset({"und", "mul", "zxx"})


def language_code(name: str) -> str | None:
    """ISO 639 code of a language's code (`pt`, `pt-BR`) or English name, in any case; None for anything else."""
    plain = _plain(name)
    codes = _language_codes()
    return codes.get(plain) or codes.get(plain.replace("_", "-").split("-")[0])


@cache
def _language_codes() -> dict[str, str]:
    """From codes and plain English names to codes, by Babel."""
    from babel import Locale  # type: ignore[import-untyped,unused-ignore]

    names = {code: name for code, name in Locale("en").languages.items() if "_" not in code}
    named = {_plain(name): code for code, name in names.items() if code not in _NO_LANGUAGE}
    return {**named, **{code: code for code in named.values()}, **_MORE_LANGUAGES}


def _plain(name: str) -> str:
    """Lower case, no accents: Babel writes Māori, Whisper does not."""
    letters = unicodedata.normalize("NFD", name.strip().lower())
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")
