"""What is wrong with a file that people write, in words: where, which key, which value, and the choices."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from pipeline.config.yaml_reader import KeyPath
from pipeline.masking import excerpt

_LISTS = frozenset({"tuple_type", "list_type", "set_type", "frozen_set_type"})
Places = dict[KeyPath, str]
"""Key path to where it was said: `config.yaml:12` or `--set run.order`."""


def place_of(where: str, places: Places, path: KeyPath) -> str:
    """Where a key was said, or the nearest key around it; `where` for a key of no place."""
    for depth in range(len(path), 0, -1):
        if path[:depth] in places:
            return places[path[:depth]]
    return where


def explained(error: ValidationError, root: type[BaseModel], places: Places, where: str) -> Iterator[str]:
    """A line for each fault.

    Args:
        root: the model that the document was checked with.
        where: the document's name, for faults without a place.
    """
    for fault in error.errors():
        yield _explain_one(dict(fault), root, places, where)


def _explain_one(fault: dict[str, Any], root: type[BaseModel], places: Places, where: str) -> str:
    path = tuple(str(part) for part in fault["loc"])
    key = ".".join(path) or "the configuration"
    prefix = f"{place_of(where, places, path)}: {key}"
    if fault["type"] == "extra_forbidden":
        choices = _keys_of(root, path[:-1])
        close = difflib.get_close_matches(path[-1], choices, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return f"{prefix}: unknown key; {hint}the keys here are: {', '.join(choices)}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] in _LISTS and isinstance(fault["input"], str | int | float):
        return f"{prefix}: this is a list: [{excerpt(str(fault['input']), 200)}]"
    if fault["type"] == "value_error" and isinstance(fault["input"], dict | BaseModel):
        return f"{prefix}: {message}"
    return f"{prefix}: {message} (the value is {_shown(fault['input'])})"


def _shown(value: object) -> str:
    return excerpt(repr(value), 200)


def _keys_of(root: type[BaseModel], path: KeyPath) -> list[str]:
    """Keys the area at this place knows; empty where the place is not an area."""
    model: Any = root
    for name in path:
        found = _field(model, name)
        # A tagged union or list puts a tag or an index into the path: the area stays the same.
        if found is not None:
            model = next((kind for kind in _classes(found.annotation) if issubclass(kind, BaseModel)), None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [info.alias or name for name, info in model.model_fields.items()]


def _field(model: Any, name: str) -> Any:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None
    return next((info for field, info in model.model_fields.items() if (info.alias or field) == name), None)


def _classes(annotation: Any) -> list[type]:
    if isinstance(annotation, type):
        return [annotation]
    return [kind for inner in getattr(annotation, "__args__", ()) for kind in _classes(inner)]
