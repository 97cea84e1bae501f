"""The form of an answer, shown in a prompt to services that cannot be given a schema.

A JSON Schema says the same, but small models copy it out instead of answering: they follow what looks like the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from analysis.llm.provider import LLMRequest
from analysis.llm.validation import plain

_BLANK = "..."
_MOST_SHOWN = 40
"""Values of one field that are listed."""


def form_in_words(request: LLMRequest) -> str:
    """The system prompt with the form of the answer below it."""
    schema = plain(request.schema)
    shown = json.dumps(_shown(schema), ensure_ascii=False)
    rules = "".join(f"\n{rule}" for rule in _rules(schema))
    return f"{request.system}\n\nAnswer with one JSON object of this form, filled in, and nothing else:\n{shown}{rules}"


def _shown(schema: Mapping[str, Any]) -> Any:
    """A value of that kind, with blanks for what is to be written."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _BLANK if all(isinstance(value, str) for value in schema["enum"]) else schema["enum"][0]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _shown(
                next((alternative for alternative in schema[several] if alternative.get("type") != "null"), {})
            )
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else next((named for named in kinds if named != "null"), "null")
    match kind:
        case "object":
            return {name: _shown(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [_shown(schema.get("items", {}))]
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "null":
            return None
        case _:
            return _BLANK


def _rules(schema: Mapping[str, Any], name: str = "") -> Iterator[str]:
    """What the form does not show: which values are allowed, how many there may be."""
    if "enum" in schema and name:
        values = ", ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"][:_MOST_SHOWN])
        yield f'"{name}" is one of {values}.'
    if "maxItems" in schema and name:
        yield f'"{name}" has at most {schema["maxItems"]}, or none: [].'
    for inner, part in schema.get("properties", {}).items():
        yield from _rules(part, inner)
    if isinstance(schema.get("items"), Mapping):
        yield from _rules(schema["items"])
