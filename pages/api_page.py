"""The page that describes the API, made of its OpenAPI document: no script from elsewhere is needed to read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pages.rendering import page
from pages.site import Site

_AT = "#/components/schemas/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter, or a field of a record."""

    name: str
    place: str
    """Of a parameter: query, path or header, and whether it is required."""
    kind: Markup
    text: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What one method of one address does."""

    anchor: str
    method: str
    path: str
    text: Markup
    fields: tuple[Field, ...]
    bodies: tuple[str, ...]
    """Media types of what is sent."""
    answers: tuple[tuple[str, Markup, Markup], ...]
    """Status, description, and what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record of an answer."""

    name: str
    text: Markup
    fields: tuple[Field, ...]


def api_page(document: Mapping[str, Any], problems: Sequence[tuple[str, int, str, str]]) -> str:
    """The page. `problems`: name, status, title and meaning of each kind."""
    operations = [
        (operation["tags"][0] if operation.get("tags") else "", _operation(method, path, operation))
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    groups = [
        (tag["name"], _prose(tag["description"]), [operation for of, operation in operations if of == tag["name"]])
        for tag in document["tags"]
    ]
    return page(
        "api",
        title=document["info"]["title"],
        version=document["info"]["version"],
        text=_prose(document["info"]["description"]),
        groups=[group for group in groups if group[2]],
        problems=[(name, status, title, _prose(meaning)) for name, status, title, meaning in problems],
        records=[_record(name, schema) for name, schema in sorted(document["components"]["schemas"].items())],
        site=Site(),
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Operation:
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        text=_prose(operation.get("description", "")),
        fields=tuple(
            Field(
                name=parameter["name"],
                place=parameter["in"] + (", required" if parameter.get("required") else ""),
                kind=_kind(parameter["schema"]),
                text=_prose(parameter.get("description", "")),
            )
            for parameter in operation.get("parameters", ())
        ),
        bodies=tuple(operation.get("requestBody", {}).get("content", ())),
        answers=tuple(
            (status, _prose(answer["description"]), Markup(", ").join(_contents(answer.get("content", {}))))
            for status, answer in operation["responses"].items()
        ),
    )


def _contents(content: Mapping[str, Any]) -> Iterator[Markup]:
    for media, what in content.items():
        schema = what.get("schema", {})
        yield _kind(schema) if "$ref" in schema else Markup.escape(media)


def _record(name: str, schema: Mapping[str, Any]) -> Record:
    return Record(
        name=name,
        text=_prose(schema.get("description", "") or (", ".join(map(str, schema.get("enum", ()))))),
        fields=tuple(
            Field(
                name=field,
                place="",
                kind=_kind(described),
                text=_prose(described.get("description", "")),
            )
            for field, described in schema.get("properties", {}).items()
        ),
    )


def _kind(schema: Mapping[str, Any]) -> Markup:
    """The type in words, records as links."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_AT)
        return Markup('<a href="#record-{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(" or ").join(_kind(alternative) for alternative in schema["anyOf"])
    if "enum" in schema:
        return Markup(" | ").join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return Markup("list of ") + _kind(schema.get("items", {}))
    return Markup.escape(schema.get("format") or schema.get("type") or "any")


def _prose(text: str) -> Markup:
    """Paragraphs, and code between backticks."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]
    marked = (re.sub(r"`([^`]+)`", r"<code>\1</code>", str(Markup.escape(paragraph))) for paragraph in paragraphs)
    return Markup("").join(Markup(f"<p>{paragraph}</p>") for paragraph in marked)  # noqa: S704 - escaped above
