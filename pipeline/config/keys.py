"""The keys of the configuration: each leaf with its value, its field and where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.config.base import FOR_TESTS
from pipeline.config.yaml_reader import KeyPath, parse_yaml


@dataclass(frozen=True, slots=True)
class Key:
    """A setting: what stands behind the last dot is no area."""

    path: KeyPath
    field: FieldInfo
    value: Any

    @property
    def name(self) -> str:
        return ".".join(self.path)


def keys_of(area: BaseModel, at: KeyPath = (), *, for_tests: bool = True) -> Iterator[Key]:
    """Every key of an area in the order of its fields; those for tests only where asked for."""
    for name, field in type(area).model_fields.items():
        if FOR_TESTS in field.metadata and not for_tests:
            continue
        value = getattr(area, name)
        if isinstance(value, BaseModel):
            yield from keys_of(value, (*at, name), for_tests=for_tests)
        else:
            yield Key((*at, name), field, value)


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
    if isinstance(value, BaseModel):
        dumped = value.model_dump(mode="json")  # a text where a setting has a short form
        is_short = not isinstance(dumped, dict)
        return dumped if is_short else {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return value.as_posix()
    return value
