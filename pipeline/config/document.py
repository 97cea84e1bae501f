"""docs/configuration.md: every setting with its default, its values and its description."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from pipeline.config.base import FOR_TESTS
from pipeline.config.descriptions import described_settings
from pipeline.config.influence import Result, marked_settings
from pipeline.config.keys import yaml_text
from pipeline.config.root import Settings
from pipeline.config.yaml_reader import KeyPath

_TEST_CHOICES = frozenset({"scripted"})
_HEAD = """\
# Configuration

Every setting with its default. A configuration file holds the keys that differ; [config.yaml](../config.yaml) holds
those people change. `${NAME}` and `${NAME:-default}` are read from the environment and from `.env` beside the file.
`--set a.b=c` overrides a key for one run. "redoes" names the results of stored calls that the next run makes again
when a key in use has changed.

`python run.py config show [KEY]` shows the current value and where it comes from, `python run.py config diff` what
differs from the defaults; `python run.py init` writes a short file. `transcription.scripted` is for tests and left out
here.

This file is made by `make schema` from the models in `pipeline/config`.
"""
_REDOES: Mapping[Result, str] = {
    Result.TRANSCRIPT: "transcripts",
    Result.SPEAKERS: "transcripts of diarised calls",
    Result.IDENTITY: "what another model or file makes",
    Result.TEXT: "sentiment of words",
    Result.ACOUSTIC: "sentiment of voices",
    Result.FUSION: "fused sentiment",
    Result.TOPIC: "topics",
    Result.SUMMARY: "summaries",
}
MACHINE_DEPENDENT: Mapping[KeyPath, str] = {("run", "decode_workers"): "the cores, at most 4"}
"""Keys whose default depends on the machine, and the text that describes it."""


def document_text() -> str:
    """The whole of docs/configuration.md."""
    schema = described_settings().model_json_schema()
    settings = Settings()
    lines = [_HEAD.rstrip()]
    for name in Settings.model_fields:
        lines.extend(_area(getattr(settings, name), (name,), schema["properties"][name], schema["$defs"]))
    return "\n".join(lines) + "\n"


def takes(path: KeyPath) -> str:
    """The values a key takes, in words. Raises KeyError for a path that is not a key."""
    node: Any = described_settings().model_json_schema()
    definitions = node["$defs"]
    for name in path:
        node = _resolved(node, definitions)["properties"][name]
    return _takes(node, definitions)


def redoes(path: KeyPath) -> str:
    """What the next run makes again when a key is changed; empty for nothing."""
    results = _results()[".".join(path)]
    return ", ".join(text for result, text in _REDOES.items() if result in results)


@functools.cache
def _results() -> Mapping[str, frozenset[Result]]:
    return {
        setting.path: setting.influence.results if setting.influence else frozenset()
        for setting in marked_settings(Settings)
    }


def _area(area: BaseModel, area_path: KeyPath, node: Any, definitions: Any) -> Iterator[str]:
    properties = _resolved(node, definitions)["properties"]
    fields = {name: field for name, field in type(area).model_fields.items() if FOR_TESTS not in field.metadata}
    areas = {name for name in fields if isinstance(getattr(area, name), BaseModel)}
    yield from (
        "",
        f"{'#' * (1 + len(area_path))} {'.'.join(area_path)}",
        "",
        _cell(node.get("description") or type(area).__doc__),
    )
    if len(fields) > len(areas):
        yield from ("", "| key | default | takes | redoes | meaning |", "|---|---|---|---|---|")
    for name, field in fields.items():
        if name not in areas:
            path = (*area_path, name)
            default = MACHINE_DEPENDENT.get(path) or _code(getattr(area, name))
            cells = (_takes(properties[name], definitions), redoes(path), field.description)
            yield f"| `{name}` | {default} | {' | '.join(_cell(text) for text in cells)} |"
    for name in fields:
        if name in areas:
            yield from _area(getattr(area, name), (*area_path, name), properties[name], definitions)


def _resolved(node: Any, definitions: Any) -> Any:
    return definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def _code(value: Any) -> str:
    return f"`{_cell(yaml_text(value))}`"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _takes(node: Any, definitions: Any) -> str:
    """In words what the JSON schema says of a key's values."""
    node = _resolved(node, definitions)
    if "anyOf" in node:
        whole, *rest = node["anyOf"]
        if rest == [whole.get("items")]:
            return f"one or a {_takes(whole, definitions)}"
        return " or ".join(dict.fromkeys(_takes(inner, definitions) for inner in node["anyOf"]))
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return ", ".join(str(choice) for choice in node["enum"] if choice not in _TEST_CHOICES)
    kind = node.get("type", "any value")
    if kind == "array":
        return _list(node, definitions)
    if kind in {"number", "integer"}:
        return f"{'number' if kind == 'number' else 'whole number'}{_range(node)}"
    if kind == "object":
        inner = node.get("additionalProperties")
        return f"keys with {_takes(inner, definitions)}" if isinstance(inner, dict) else "keys"
    return {"boolean": "true, false", "string": "text"}.get(kind, str(kind))


def _list(node: Any, definitions: Any) -> str:
    items = node.get("items") or {}
    resolved = _resolved(items, definitions)
    if "properties" in resolved:
        return f"list of {', '.join(resolved['properties'])}"
    return f"list of {_takes(items, definitions)}"


def _range(node: Any) -> str:
    ends = (
        ("from", node.get("minimum")),
        ("over", node.get("exclusiveMinimum")),
        ("to", node.get("maximum")),
        ("under", node.get("exclusiveMaximum")),
    )
    return "".join(f" {word} {end:g}" for word, end in ends if end is not None)
