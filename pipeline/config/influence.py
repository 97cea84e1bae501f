"""Which results a setting changes, declared by an annotation at the setting.

    beam_size: Annotated[int, Field(ge=1), TRANSCRIPT] = 5
    cpu_threads: Annotated[int, NOTHING] = 0

A mark on a section applies to every setting in it without its own mark. Recipes and fingerprints are derived from
these marks (`counted`), so that a stored result is redone when a setting that shaped it has changed, and only then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo


class Result(StrEnum):
    """What a setting can change."""

    TRANSCRIPT = "transcript"
    """Words, times, flags and channels of a transcript."""
    SPEAKERS = "speakers"
    """The same, for calls whose speakers were separated (diarised)."""
    IDENTITY = "identity"
    """Which recogniser, weights or files: compared by their identity or content, not by the written value."""
    VOCABULARY = "vocabulary"
    """The vocabulary given to recognisers: part of a transcript's key, but no reason to transcribe again."""
    REPLY = "reply"
    """What a language model answers. In no fingerprint: answers were paid for (`--reprocess analysis` asks again)."""
    METADATA = "metadata"
    """Metadata of a call known before it is transcribed, which later steps read. In no recipe."""
    TEXT = "text"
    ACOUSTIC = "acoustic"
    FUSION = "fusion"
    TOPIC = "topic"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Influence:
    """A mark: the results, and when it holds."""

    results: frozenset[Result]
    switch: str | None = None
    """Setting beside this one (`a.b` goes into a section) that says whether this one is in use."""
    holds_for: tuple[object, ...] | None = None
    """Values of the switch for which it is; None for the name of the marked setting itself."""
    only_changed: bool = False
    """Counts only with another value than its default."""

    def when(self, switch: str, *values: object) -> Influence:
        """Holds only where `switch` has one of these values: a setting that is not in use changes nothing."""
        return replace(self, switch=switch, holds_for=values)

    def when_chosen_by(self, switch: str) -> Influence:
        """Holds only where `switch` names the marked setting, or a list of preferences names it first."""
        return replace(self, switch=switch, holds_for=None)

    def unless_default(self) -> Influence:
        """Counts only with another value than its default: a new setting whose default alone is no reason to redo
        what is stored. The default may then not be changed any more."""
        return replace(self, only_changed=True)


def on(*results: Result) -> Influence:
    return Influence(frozenset(results))


NOTHING = on()
"""Speed, place, amount at a time, fallbacks: the results are the same."""
TRANSCRIPT = on(Result.TRANSCRIPT)
SPEAKERS = on(Result.SPEAKERS)
IDENTITY = on(Result.IDENTITY)
VOCABULARY = on(Result.VOCABULARY)
REPLY = on(Result.REPLY)
METADATA = on(Result.METADATA)
TEXT = on(Result.TEXT)
ACOUSTIC = on(Result.ACOUSTIC)
FUSION = on(Result.FUSION)
MOOD = on(Result.TEXT, Result.ACOUSTIC, Result.FUSION)
TOPIC = on(Result.TOPIC)
SUMMARY = on(Result.SUMMARY)


@dataclass(frozen=True, slots=True)
class MarkedSetting:
    """One setting that is not a section."""

    path: str
    info: FieldInfo
    influence: Influence | None
    """Its own mark, or that of the nearest section around it that has one; None where neither has one."""


def mark_of(info: FieldInfo) -> Influence | None:
    return next((mark for mark in info.metadata if isinstance(mark, Influence)), None)


def counted(
    area: BaseModel,
    result: Result,
    *,
    chosen: Mapping[str, str] | None = None,
    inherited: Influence | None = None,
) -> dict[str, Any]:
    """The settings that shape `result`, in their sections, as JSON values.

    Args:
        chosen: by the name of a switch, what serves instead of the first of its preferences
            (`{"detectors": "energy"}` for a call in which the second detector had to).
        inherited: the mark of the section `area`, where it has one.
    """
    values: dict[str, Any] = {}
    dump = area.model_dump(mode="json")
    for name, info in type(area).model_fields.items():
        mark = mark_of(info)
        if mark is not None and not _in_use(area, name, mark, chosen or {}):
            continue
        mark, value = mark or inherited, getattr(area, name)
        if isinstance(value, BaseModel):
            if part := counted(value, result, chosen=chosen, inherited=mark):
                values[name] = part
        elif mark is not None and result in mark.results:
            values[name] = dump[name]
    return values


def over(first: Mapping[str, Any], today: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `first`, with those of `today` in their place and added to them, section by section."""
    made = deepcopy(dict(first))
    for key, value in today.items():
        inner = made.get(key)
        made[key] = over(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return made


def _in_use(area: BaseModel, name: str, mark: Influence, chosen: Mapping[str, str]) -> bool:
    if mark.only_changed and getattr(area, name) == type(area).model_fields[name].get_default(
        call_default_factory=True
    ):
        return False
    if mark.switch is None:
        return True
    value: Any = area
    for part in mark.switch.split("."):
        value = getattr(value, part)
    if isinstance(value, tuple):
        value = value[0] if value else None
    value = chosen.get(mark.switch, value)
    return value == name if mark.holds_for is None else value in mark.holds_for


def marked_settings(
    area: type[BaseModel], inherited: Influence | None = None, path: tuple[str, ...] = ()
) -> Iterator[MarkedSetting]:
    """Every setting of an area and the sections in it, with its mark."""
    for name, info in area.model_fields.items():
        mark, kind = mark_of(info) or inherited, info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from marked_settings(kind, mark, (*path, name))
        else:
            yield MarkedSetting(".".join((*path, name)), info, mark)
