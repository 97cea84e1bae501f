"""What differs between two configurations, and what changing from one to the other makes stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config.influence import Result, marked_settings
from pipeline.config.keys import yaml_text
from pipeline.config.root import Settings
from pipeline.masking import masked

_AGAIN = frozenset({Result.TRANSCRIPT, Result.SPEAKERS, Result.IDENTITY})
_NOT_OURS = ("input.path",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A setting that differs. Values as YAML would show them, secrets masked."""

    key: str
    before: str
    after: str
    results: frozenset[Result]
    """What it changes; empty for speed, limits and the like."""

    @property
    def transcribes_again(self) -> bool:
        return not self.results.isdisjoint(_AGAIN)


def changes(before: Settings, after: Settings) -> list[Change]:
    """In the order of the configuration."""
    own, theirs = dict(_flat(before.model_dump(mode="json"))), dict(_flat(after.model_dump(mode="json")))
    marks = {setting.path: setting.influence for setting in marked_settings(Settings)}
    return [
        Change(
            key=key,
            before=masked(yaml_text(own.get(key))),
            after=masked(yaml_text(theirs.get(key))),
            results=frozenset() if (mark := _mark(key, marks)) is None else mark.results,
        )
        for key in dict.fromkeys((*own, *theirs))
        if own.get(key) != theirs.get(key) and key not in _NOT_OURS
    ]


def _mark(key: str, marks: Mapping[str, Any]) -> Any:
    """Of the setting, or of the one whose value holds the key."""
    while key:
        if key in marks:
            return marks[key]
        key = key.rpartition(".")[0]
    return None


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}", inner
