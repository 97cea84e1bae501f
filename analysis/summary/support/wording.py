"""The table of wordings: which words of a statement and of a call mean the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    gerunds: dict[str, str]
    """`sending` -> `sent`, `providing` -> `provide`: of irregular verbs and those of speech, a form known as a verb."""
    past: frozenset[str]
    """Irregular forms that tell of something past, as written."""
    infinitives: frozenset[str]
    """Of irregular verbs, as written."""
    states: frozenset[str]
    arranges: frozenset[str]
    """Stems of verbs that set something up for later."""
    together: frozenset[str]
    """Stems of what a client is said to do by having it done: `booked a table`."""
    gets: frozenset[int]
    """Groups of the verbs of getting something."""
    brings: frozenset[int]
    """Groups of what others do that one gets it."""
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
    for number, group in enumerate((*table["same"], *table["irregular"])):
        for word in group:
            same.setdefault(stem(word), set()).add(number)

    def groups(verbs: list[str]) -> frozenset[int]:
        return frozenset().union(*(same.get(stem(verb), frozenset()) for verb in verbs))

    return Wording(
        language=language,
        roles={word: Role(role) for role, names in table["roles"].items() for word in names},
        same={word: frozenset(numbers) for word, numbers in same.items()},
        speech={verb: kind for kind, verbs in table["speech"].items() for verb in verbs},
        sounds={kind: frozenset(heard) for kind, heard in table["sounds"].items()},
        opposites=tuple(
            (frozenset(map(stem, left)), frozenset(map(stem, right))) for left, right in table["opposites"]
        ),
        gerunds=_gerunds(table),
        past=frozenset(form for forms in table["irregular"] for form in forms[1:]),
        infinitives=frozenset(forms[0] for forms in table["irregular"]),
        states=frozenset(map(stem, table["states"])),
        arranges=frozenset(map(stem, table["arranges"])),
        together=frozenset(map(stem, table["together"])),
        gets=groups(table["gets"]),
        brings=groups(table["brings"]),
        negations=frozenset(table["negations"]),
        lacks=frozenset(table["lacks"]),
    )


def _gerunds(table: dict[str, Any]) -> dict[str, str]:
    forms = {verb: verb for verbs in table["speech"].values() for verb in verbs}
    forms |= {verbs[0]: verbs[1] for verbs in table["irregular"]}
    return {f"{verb.removesuffix('e')}ing": past for verb, past in forms.items() if " " not in verb}


def exchanged(statement: str, names: Mapping[str, Role]) -> str:
    """The statement with the two sides exchanged."""

    def swap(match: re.Match[str]) -> str:
        word = match.group(0).casefold()
        if word in ("client", "customer", "caller"):
            return "agent"
        if word in ("agent", "representative"):
            return "client"
        return "the agent" if names.get(word) is Role.CLIENT else "the client"

    known = "|".join(["client", "customer", "caller", "agent", "representative", *map(re.escape, names)])
    return re.sub(rf"\b(?:{known})\b", swap, statement, flags=re.IGNORECASE)
