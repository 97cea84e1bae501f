"""Checks a reply: finds the JSON in its text, then validates it by the request's own schema, labels included."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.llm.provider import JsonSchema, Reply

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_SHOWN_FAULTS = 5
_JSON_TYPES = {
    str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", dict: "object", list: "array",
}  # fmt: skip


def plain(value: Any) -> Any:
    """Mappings and sequences of any kind as dictionaries and lists: what pickle and JSON take."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    return value


def read_reply(reply: Reply, schema: JsonSchema) -> tuple[dict[str, Any] | None, str | None]:
    """The reply's data, or None and what is wrong with it; that goes into rows and logs, so it quotes no reply."""
    if reply.finish == "refused":
        return None, "the model declined to answer"
    if not reply.text.strip():
        return None, "the answer is empty"
    try:
        data = _found(reply.text)
    except (ValueError, RecursionError) as error:
        cut = " (cut by max_tokens)" if reply.finish == "length" else ""
        return None, f"not JSON{cut}: {error}"
    if not isinstance(data, dict):
        return None, f"the answer is a JSON {type(data).__name__}, not an object"
    if not _storable(data):
        return None, "the answer holds NUL characters or half of a surrogate pair, which no database stores as text"
    data = _quoted(data, schema)
    faults = _faults(data, schema)
    return (None, "; ".join(faults)) if faults else (data, None)


def _storable(data: dict[str, Any]) -> bool:
    """JSON can spell characters by escapes that UTF-8 text cannot hold."""
    text = json.dumps(data, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in text


def _found(text: str) -> Any:
    """The JSON of a reply; of one with words or a Markdown fence around it, as models without structured output write
    it, the one object that stands there. Raises ValueError or RecursionError."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError:
        begin = text.find("{")
        if begin < 0:
            raise
        found, end = decoder.raw_decode(text, begin)
        if "{" in text[end:]:
            raise
        return found


def _quoted(data: dict[str, Any], schema: JsonSchema) -> dict[str, Any]:
    """With a label's number as the text that was asked for: small models leave out the quotation marks."""
    fields = schema.get("properties", {})
    bare = [
        name
        for name, value in data.items()
        if type(value) is int and str(value) in fields.get(name, {}).get("enum", ())
    ]
    return data | {name: str(data[name]) for name in bare}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _faults(data: dict[str, Any], schema: JsonSchema) -> list[str]:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    faults, names = [], _property_names(plain(schema))
    for error in Draft202012Validator(plain(schema)).iter_errors(data):
        deepest = best_match([error]) or error
        where = ".".join(_known_part(part, names) for part in deepest.absolute_path) or "the object"
        faults.append(f"{where}: {_shape(deepest)}")
        if len(faults) == _SHOWN_FAULTS:
            break
    return faults


def _property_names(schema: Any) -> frozenset[str]:
    """Names of all properties in a schema, at any depth."""
    if isinstance(schema, list):
        return frozenset().union(*map(_property_names, schema))
    if not isinstance(schema, dict):
        return frozenset()
    properties = schema.get("properties")
    own = frozenset(properties) if isinstance(properties, dict) else frozenset()
    return own.union(*map(_property_names, schema.values()))


def _known_part(part: str | int, names: frozenset[str]) -> str:
    """One step of the path to a value; a name that the model made up is not repeated."""
    return str(part) if isinstance(part, int) or part in names else "(another name)"


def _shape(error: ValidationError) -> str:
    """What is wrong with a value, without the value."""
    value, wanted = error.instance, error.validator_value
    match error.validator:
        case "type":
            return f"is of type {_JSON_TYPES.get(type(value), type(value).__name__)}, not {wanted}"
        case "enum" | "const":
            return f"is none of the {len(wanted) if isinstance(wanted, list) else 1} values allowed"
        case "required":
            return f"lacks {', '.join(name for name in wanted if name not in value)}"
        case "additionalProperties":
            return f"holds {len(set(value) - set(error.schema.get('properties', {})))} fields nobody asked for"
        case "minLength" | "maxLength":
            return f"has {len(value)} characters; {error.validator} is {wanted}"
        case "minItems" | "maxItems":
            return f"has {len(value)} items; {error.validator} is {wanted}"
        case _:
            return f"breaks the rule {error.validator}"
