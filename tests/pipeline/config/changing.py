"""For any setting another valid value, by its type and bounds."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def other_values(info: FieldInfo, value: Any) -> Iterator[Any]:
    """Values of the setting's type, within its bounds, that differ from `value`; the first that validates will do."""
    yield from _others(info.annotation, value, info.metadata)


def _others(kind: Any, value: Any, metadata: list[Any]) -> Iterator[Any]:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from _others(parts[0], value, [*metadata, *parts[1:]])
    elif origin in (Union, types.UnionType):
        for part in parts:
            if part is type(None):
                if value is not None:
                    yield None
            else:
                yield from _others(part, value, metadata)
    elif origin is Literal:
        yield from (one for one in parts if one != value)
    elif origin is tuple:
        yield from _other_tuples(parts, value)
    elif origin is dict:
        yield from (
            {**(value or {}), key: inner} for key in ("fr", "inbound", "client", "x") for inner in _samples(parts[1])
        )
        if value:
            yield {}
    elif isinstance(kind, type):
        yield from _plain(kind, value, metadata)


def _other_tuples(parts: tuple[Any, ...], value: Any) -> Iterator[Any]:
    have = tuple(value or ())
    yield from ((*have, sample) for sample in _samples(parts[0]))
    if len(have) > 1:
        yield tuple(reversed(have))
        yield have[:1]
    yield from ((sample,) for sample in _samples(parts[0]))
    if have:
        yield ()


def _plain(kind: type, value: Any, metadata: list[Any]) -> Iterator[Any]:
    if issubclass(kind, bool):
        yield not value
    elif issubclass(kind, Enum):
        yield from (one.value for one in kind if one != value)
    elif issubclass(kind, int | float):
        bounds = {
            name: getattr(one, name) for one in metadata for name in ("ge", "gt", "le", "lt") if hasattr(one, name)
        }
        low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
        start = value if value is not None else (low if low is not None else 1)
        steps = (start + 1, start - 1, start * 2, start / 2, start + 0.01, low, high)
        yield from (kind(one) for one in steps if one is not None and one != value and kind(one) != value)
    elif issubclass(kind, Path):
        yield Path("/nowhere/else")
    elif issubclass(kind, str):
        yield from ("de", "x" * 8, "a" * 40, "b" * 64, "http://127.0.0.1:1/v1", "./else", "7:30", "Europe/Paris")


def _samples(kind: Any) -> Iterator[Any]:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        yield from parts
    elif origin is Annotated:
        yield from _samples(parts[0])
    elif origin is tuple:
        yield from ((sample,) for sample in _samples(parts[0]))
    elif isinstance(kind, type) and issubclass(kind, Enum):
        yield from (one.value for one in kind)
    elif isinstance(kind, type) and issubclass(kind, bool):
        yield from (True, False)
    elif isinstance(kind, type) and issubclass(kind, int | float):
        yield kind(300)
    elif isinstance(kind, type) and issubclass(kind, str):
        yield from ("x", "fr", "a" * 64, "FR", "LATIN", "mp4", "us.ssn", "%Y")


def set_at(values: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of nested `values` with one more key."""
    name, _, rest = path.partition(".")
    return {**values, name: set_at(values.get(name) or {}, rest, value) if rest else value}


def get_at(area: BaseModel, path: str) -> Any:
    value: Any = area
    for part in path.split("."):
        value = getattr(value, part)
    return value
