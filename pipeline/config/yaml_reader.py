"""YAML to plain values with the line of every key: the one reader of configuration, glossaries and phrases.

PyYAML parses. What a plain scalar means follows YAML 1.2's core schema: `no` is a word, `06:30` is text, `1e-48` is a
number. The tree is built from PyYAML's events without recursion, and every way to a huge tree has a limit, because
these files come from people and mails.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigurationError

MAX_BYTES = 5_000_000
MAX_DEPTH = 50
MAX_ALIASED_NODES = 100_000
"""Nodes that all aliases of a document together may stand for."""
_MAX_DIGITS = 1000
_STANDARD = "tag:yaml.org,2002:"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "null": type(None),
}

KeyPath = tuple[str, ...]
"""Keys from the top; the items of a list are counted from 0."""


class YamlFault(ValueError):
    """What is wrong with a text, and its line (from 1) where one is known."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A document's value (dict, list, str, int, float, bool or None), and where each key and item stands."""

    value: Any
    lines: Mapping[KeyPath, int]
    """Line (from 1) of each key and list item that is written out; values that an alias stands for have no line of
    their own."""


def read_yaml_file(path: Path, *, as_text: bool = False) -> YamlDocument:
    """The file's only document.

    Args:
        as_text: leave numbers and booleans as they are written; an empty value is still None.

    Raises:
        ConfigurationError: not readable, over MAX_BYTES, not UTF-8, not YAML, or beyond this reader's limits.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigurationError(f"{path}: {size:,} bytes; at most {MAX_BYTES:,} are read")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        return parse_yaml(text, as_text=as_text)
    except YamlFault as fault:
        where = f"{path}:{fault.line}" if fault.line else f"{path}"
        raise ConfigurationError(f"{where}: not valid YAML: {fault}") from None


def parse_yaml(text: str, *, as_text: bool = False) -> YamlDocument:
    """The text's only document; see `read_yaml_file`. Raises YamlFault."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(as_text)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        # libyaml puts what is missing at the end a line behind the last one.
        line = min(error.problem_mark.line + 1, len(text.splitlines())) if error.problem_mark else None
        raise YamlFault(error.problem or str(error), line) from None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise YamlFault(" ".join(str(error).split())) from None
    return YamlDocument(builder.root, builder.lines)


@dataclass(slots=True)
class _Tree:
    """A finished value, or a list or mapping whose end has not come."""

    value: Any
    path: KeyPath = ()
    anchor: str | None = None
    nodes: int = 1
    depth: int = 1
    """Levels in it, itself included."""
    key: str | None = None
    """Of a mapping: the key that waits for its value."""


@dataclass(slots=True)
class _Builder:
    as_text: bool
    root: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    open: list[_Tree] = field(default_factory=list)
    anchors: dict[str, _Tree] = field(default_factory=dict)
    documents: int = 0
    aliased_nodes: int = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise YamlFault("a second document begins here; one is read", line)
            case yaml.ScalarEvent() if self._wants_key():
                self._begin_value(event.value, line)
            case yaml.ScalarEvent():
                self._count_item(line)
                self._close(_Tree(self._scalar(event, line), anchor=event.anchor), line)
            case yaml.AliasEvent():
                self._refuse_as_key("an alias", line)
                self._count_item(line)
                self._close(self._aliased(event.anchor, line), line)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin_collection(event, line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(self.open.pop(), line)

    def _wants_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1].value, dict) and self.open[-1].key is None

    def _refuse_as_key(self, what: str, line: int) -> None:
        if self._wants_key():
            raise YamlFault(f"{what} stands where a key is expected; a key is a word", line)

    def _path(self) -> KeyPath:
        if not self.open:
            return ()
        parent = self.open[-1]
        return (*parent.path, str(len(parent.value)) if isinstance(parent.value, list) else parent.key or "")

    def _begin_value(self, key: str, line: int) -> None:
        parent = self.open[-1]
        if key in parent.value:
            first = self.lines[(*parent.path, key)]
            raise YamlFault(f"the key {key!r} appears twice (first in line {first})", line)
        parent.key = key
        self.lines[self._path()] = line

    def _count_item(self, line: int) -> None:
        if self.open and isinstance(self.open[-1].value, list):
            self.lines[self._path()] = line

    def _begin_collection(self, event: Any, line: int) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        self._refuse_as_key("a list or mapping", line)
        if event.tag not in {None, "!", f"{_STANDARD}{'map' if mapping else 'seq'}"}:
            raise YamlFault(f"the tag {_short(event.tag)} is not known; take it out", line)
        if len(self.open) >= MAX_DEPTH:
            raise YamlFault(f"nested deeper than {MAX_DEPTH} levels", line)
        self._count_item(line)
        self.anchors.pop(event.anchor, None)
        self.open.append(_Tree({} if mapping else [], self._path(), event.anchor))

    def _close(self, tree: _Tree, line: int) -> None:
        if tree.anchor is not None:
            self.anchors[tree.anchor] = tree
        if not self.open:
            self.root = tree.value
            return
        parent = self.open[-1]
        if isinstance(parent.value, list):
            parent.value.append(tree.value)
        else:
            parent.value[parent.key] = tree.value
            parent.key = None
        parent.nodes += tree.nodes
        parent.depth = max(parent.depth, 1 + tree.depth)
        if len(self.open) + tree.depth > MAX_DEPTH + 1:
            raise YamlFault(f"nested deeper than {MAX_DEPTH} levels", line)

    def _aliased(self, name: str, line: int) -> _Tree:
        tree = self.anchors.get(name)
        if tree is None:
            raise YamlFault(f"the alias *{_short(name)} has no finished anchor &{_short(name)} before it", line)
        self.aliased_nodes += tree.nodes
        if self.aliased_nodes > MAX_ALIASED_NODES:
            raise YamlFault(f"its aliases stand for more than {MAX_ALIASED_NODES:,} nodes", line)
        return _Tree(copy.deepcopy(tree.value), nodes=tree.nodes, depth=tree.depth)

    def _scalar(self, event: Any, line: int) -> Any:
        tag = (event.tag or "").removeprefix(_STANDARD)
        if tag and tag != "!" and tag not in _KINDS:
            raise YamlFault(f"the tag {_short(event.tag)} is not known; take it out", line)
        if tag in {"!", "str"} or (not tag and not event.implicit[0]):
            return event.value
        value = _meaning(event.value, line)
        if tag and (not isinstance(value, _KINDS[tag]) or (isinstance(value, bool) and tag != "bool")):
            raise YamlFault(f"{_short(event.value)!r} is no {tag}, although its tag says so", line)
        return event.value if self.as_text and value is not None else value


def _meaning(text: str, line: int) -> Any:
    """A plain scalar by the core schema."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    for pattern, convert in _NUMBERS:
        if pattern.fullmatch(text):
            if len(text) > _MAX_DIGITS:
                raise YamlFault(f"a number of {len(text):,} digits; quote it if it is a text", line)
            return convert(text)
    return text


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"
