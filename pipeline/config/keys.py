"""The keys of the configuration: each leaf with its value, its field and where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from pipeline.config.base import FOR_TESTS
from pipeline.config.yaml_reader import KeyPath, parse_yaml


@dataclass(frozen=True, slots=True)
class Key:
    """A setting: the part after the last dot is not an area."""

    path: KeyPath
    field: FieldInfo
    value: Any
    for_tests: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path)


def keys_of(area: BaseModel, area_path: KeyPath = (), *, for_tests: bool = False) -> Iterator[Key]:
    """Every key of an area in the order of its fields; `for_tests` is said of all below a field that is."""
    for name, field in type(area).model_fields.items():
        value, below = getattr(area, name), for_tests or FOR_TESTS in field.metadata
        if isinstance(value, BaseModel):
            yield from keys_of(value, (*area_path, name), for_tests=below)
        else:
            yield Key((*area_path, name), field, value, below)


_WORD = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)


def yaml_text(value: Any) -> str:
    """A setting's value as a YAML flow value, words without quotes."""
    value = plain(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{yaml_text(key)}: {yaml_text(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(yaml_text(inner) for inner in value)}]"
    if isinstance(value, str) and _WORD.fullmatch(value) and parse_yaml(value).value == value:
        return value
    if isinstance(value, str) and "\\" in value and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    text = json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in text)


def plain(value: Any) -> Any:
    """A setting's value as JSON and YAML write it."""
    return to_jsonable_python(value)
