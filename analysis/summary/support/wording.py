"""The table of wordings: which words of a statement and of a call mean the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from analysis.text import stems, words
from pipeline.records import Role

LANGUAGES = frozenset({"en"})
"""Languages whose statements are read for who did what: there is a file `wording_<language>.yaml` for each."""


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's table. Words are stems, phrases are stems joined by spaces."""

    language: str
    roles: dict[str, Role]
    same: dict[str, frozenset[int]]
    """Word or phrase -> numbers of its groups."""
    speech: dict[str, str]
    """Verb as it is written, lower-case -> kind of speech act."""
    sounds: dict[str, frozenset[str]]
    opposites: tuple[tuple[frozenset[str], frozenset[str]], ...]
    negations: frozenset[str]
    lacks: frozenset[str]

    def stem(self, text: str) -> str:
        return " ".join(stems(words(text), self.language))


@lru_cache(maxsize=4)
def wording_of(language: str) -> Wording:
    table: dict[str, Any] = yaml.safe_load(
        (Path(__file__).parent / f"wording_{language}.yaml").read_text(encoding="utf-8")
    )

    def stem(text: str) -> str:
        return " ".join(stems(words(text), language))

    same: dict[str, set[int]] = {}
    for number, group in enumerate(table["same"]):
        for word in group:
            same.setdefault(stem(word), set()).add(number)
    return Wording(
        language=language,
        roles={word: Role(role) for role, names in table["roles"].items() for word in names},
        same={word: frozenset(numbers) for word, numbers in same.items()},
        speech={verb: kind for kind, verbs in table["speech"].items() for verb in verbs},
        sounds={kind: frozenset(heard) for kind, heard in table["sounds"].items()},
        opposites=tuple(
            (frozenset(map(stem, left)), frozenset(map(stem, right))) for left, right in table["opposites"]
        ),
        negations=frozenset(table["negations"]),
        lacks=frozenset(table["lacks"]),
    )
