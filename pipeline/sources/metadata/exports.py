"""The content of a sidecar as records of named values: a table, JSON or XML, recognised by its first character.

No transcript in a sidecar is kept: lists of objects inside a record only fill our own fields, and long texts are left
out.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.sources.metadata.fields import Pairs, fields_of

MAX_BYTES = 256 * 2**20
_MAX_TREE_BYTES = 64 * 2**20
"""JSON and XML take a multiple of their size in memory."""
_LONGEST_TEXT = 500
_DELIMITERS = ",;\t|"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class BadSidecar(ValueError):
    """The content cannot be understood; the message says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row or object."""

    place: str
    """`row 7`, `record 2`."""
    pairs: Pairs
    also: Pairs = ()
    """Values from lists of objects within it, for fields that nothing else fills."""
    fault: str | None = None
    """Why it cannot be used."""


def read_export(
    content: bytes, columns: Mapping[str, str], encoding: str | None, delimiter: str | None
) -> Iterator[Record]:
    """All records of a sidecar. Raises BadSidecar."""
    if _first_character(content) in (b"<", b"{", b"["):
        found = list(_records(_tree(content, encoding), (), columns))
        if not found:
            raise BadSidecar("no record in it names a recording or a call; see input.sidecar.columns")
        for number, (pairs, also) in enumerate(found, start=1):
            yield Record(f"record {number}", pairs, also)
    else:
        yield from _of_table(_decoded(content, encoding), columns, delimiter)


def read_record(content: bytes, columns: Mapping[str, str], encoding: str | None, recording: str) -> Record:
    """What the sidecar of one recording says: the record that names it, else the first, else all of it.

    Raises BadSidecar.
    """
    tree = _tree(content, encoding)
    found = [Record("record", pairs, also) for pairs, also in _records(tree, (), columns)]
    for record in found:
        if any(name.endswith(recording) for name in fields_of(record.pairs, columns).file_names):
            return record
    return found[0] if found else Record("record", list(_scalars(tree)) if isinstance(tree, dict) else ())


def _tree(content: bytes, encoding: str | None) -> Any:
    return _xml(content) if _first_character(content) == b"<" else _json(_decoded(content, encoding))


def _first_character(content: bytes) -> bytes:
    return content[:400].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]


def _decoded(content: bytes, encoding: str | None) -> str:
    marked = next((name for mark, name in _BOMS if content.startswith(mark)), None)
    guessed = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be" if content[:1] == b"\0" else "utf-8"
    used = marked or encoding or guessed
    try:
        return content.decode(used).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise BadSidecar(f"not {used} text (byte {error.start}); set input.sidecar.encoding") from None


# A table


def _of_table(text: str, columns: Mapping[str, str], delimiter: str | None) -> Iterator[Record]:
    csv.field_size_limit(MAX_BYTES)
    skipped = 0
    first, _, rest = text.partition("\n")
    if first.strip().strip('"').lower().startswith("sep="):
        mark = first.strip("\r\n").strip('"')[4:5]
        text, skipped = rest, 1
        delimiter = delimiter or mark or "\t"
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text, columns))
    titles = [title.strip() for title in next(lines, [])]
    if not any(fields_of([(title, "x") for title in titles], columns).file_names) and not _has_key(titles, columns):
        wanted = columns["file_name"]
        raise BadSidecar(
            f"has no column {wanted!r}; its columns are: {', '.join(titles)[:500]}; see input.sidecar.columns"
        )
    for number, row in enumerate(lines, start=skipped + 2):
        if len(row) == len(titles):
            yield Record(f"row {number}", list(zip(titles, row, strict=True)))
        elif row:
            fault = f"{len(row)} cells under {len(titles)} titles; the row is not used"
            yield Record(f"row {number}", (), fault=fault)


def _has_key(titles: Sequence[str], columns: Mapping[str, str]) -> bool:
    return bool(fields_of([(title, "x") for title in titles], columns).keys)


def _delimiter(text: str, columns: Mapping[str, str]) -> str:
    """The delimiter that splits the titles so that a file name is among them; else the one that splits most."""
    head = text[: 1 << 16]

    def worth(mark: str) -> tuple[bool, int]:
        titles = next(csv.reader(io.StringIO(head, newline=""), delimiter=mark), [])
        fields = fields_of([(title, "x") for title in titles], columns)
        return bool(fields.file_names), len(titles)

    return max(_DELIMITERS, key=worth)


# A tree


def _json(text: str) -> Any:
    if len(text) > _MAX_TREE_BYTES:
        raise BadSidecar(f"JSON over {_MAX_TREE_BYTES // 2**20} MB is not read")
    try:
        # Numbers stay text: `00112` and 1e999 are somebody's extension.
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise BadSidecar("JSON nested too deeply") from None
    except ValueError as error:
        lines = text.splitlines()
        try:
            return [
                json.loads(line, parse_int=str, parse_float=str, parse_constant=str) for line in lines if line.strip()
            ]
        except (ValueError, RecursionError):
            raise BadSidecar(f"not JSON: {error}") from None


def _xml(content: bytes) -> Any:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    if len(content) > _MAX_TREE_BYTES:
        raise BadSidecar(f"XML over {_MAX_TREE_BYTES // 2**20} MB is not read")
    try:
        root = fromstring(content, forbid_dtd=True)
        return {_local(root.tag): _of_element(root)}
    except DefusedXmlException:
        raise BadSidecar("XML with a document type of its own is not read") from None
    except RecursionError:
        raise BadSidecar("XML nested too deeply") from None
    except (ParseError, ValueError, LookupError) as error:
        raise BadSidecar(f"not XML: {error}") from None


def _of_element(element: Any) -> Any:
    """An element as JSON would have it; `<attribute key="agentid">7</attribute>` is `agentid: 7`."""
    attributes = {_local(name): value for name, value in element.attrib.items()}
    text = (element.text or "").strip()
    children = list(element)
    if not children and not attributes:
        return text
    found: dict[str, Any] = dict(attributes)
    if text and not children:
        found["value"] = text
    counts = Counter(_local(child.tag) for child in children)
    for child in children:
        name, content = _local(child.tag), _of_element(child)
        label = content.get("key") or content.get("name") if isinstance(content, dict) else None
        if (
            isinstance(label, str)
            and isinstance(content.get("value"), str)
            and set(content) <= {"key", "name", "value"}
        ):
            found.setdefault(label, content["value"])
        elif counts[name] > 1:
            found.setdefault(name, []).append(content)
        elif isinstance(content, dict) and set(content) > {"value"} and isinstance(content["value"], str):
            found[name] = content["value"]  # a leaf's attributes (a time zone, a type) say less than its text
        else:
            found[name] = content
    return found


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _records(
    node: Any, outer: tuple[tuple[str, str], ...], columns: Mapping[str, str]
) -> Iterator[tuple[Pairs, Pairs]]:
    """A node that names a recording or a call is a record; where the objects of a list name recordings, each is one."""
    if isinstance(node, list):
        for item in node:
            yield from _records(item, outer, columns)
        return
    if not isinstance(node, dict):
        return
    own = (*_scalars(node), *outer)
    fields = fields_of(own, columns)
    lists = [value for value in _inner(node) if isinstance(value, list)]
    named = [value for value in lists if any(_names_recording(item, columns) for item in value)]
    if named and not fields.file_names:
        yield from _records(named[0], own, columns)
    elif fields.file_names or fields.keys:
        yield own, [pair for value in lists for item in value for pair in _everything(item)]
    else:
        for value in lists:
            yield from _records(value, own, columns)


def _names_recording(node: Any, columns: Mapping[str, str]) -> bool:
    return isinstance(node, dict) and bool(fields_of(list(_scalars(node)), columns).file_names)


def _inner(node: dict[str, Any]) -> Iterator[Any]:
    for value in node.values():
        yield value
        if isinstance(value, dict):
            yield from _inner(value)


def _everything(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        yield from _scalars(node)
        for value in _inner(node):
            if isinstance(value, list):
                for item in value:
                    yield from _everything(item)


def _scalars(node: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Names and values outside of lists of objects."""
    for name, value in node.items():
        path = f"{above}{name}"
        parts = value if isinstance(value, list) else [value]
        if isinstance(value, dict):
            yield from _scalars(value, f"{path}.")
        elif all(isinstance(part, str | bool) for part in parts):
            text = ", ".join(str(part).lower() if isinstance(part, bool) else part for part in parts)
            if text and len(text) <= _LONGEST_TEXT:
                yield path, text
