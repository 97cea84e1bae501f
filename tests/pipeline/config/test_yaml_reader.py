"""YAML by the 1.2 core schema, with lines, and with a limit on every way to a huge tree."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import yaml_reader
from pipeline.config.yaml_reader import YamlFault, parse_yaml, read_yaml_file
from pipeline.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("06:30", "06:30"),
        ("2026-09-14", "2026-09-14"),
        ("1_000", "1_000"),
        ("1e-48", 1e-48),
        ("6.5", 6.5),
        (".5", 0.5),
        ("3.", 3.0),
        ("-12", -12),
        ("+12", 12),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("-.inf", -math.inf),
        ("~", None),
        ("null", None),
        ("", None),
        ("'7'", "7"),
        ('"true"', "true"),
        ("|\n  7\n", "7\n"),
        ("! 7", "7"),
        ("!!str 007", "007"),
        ("!!int 7", 7),
        ("!!float 7", 7),
        ("=", "="),
        ("<<", "<<"),
        ("[a, {b: 1}, ]", ["a", {"b": 1}]),
        ("1: x\ntrue: y\nno: z", {"1": "x", "true": "y", "no": "z"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("9" * 1000, int("9" * 1000)),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    read = parse_yaml(text).value
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(("text", "value"), [("0800", "0800"), ("1.0", "1.0"), ("true", "true"), ("~", None)])
def test_as_text_leaves_a_value_as_it_is_written(text: str, value: object) -> None:
    assert parse_yaml(text, as_text=True).value == value


def test_every_key_and_item_knows_its_line() -> None:
    read = parse_yaml("# head\na:\n  - b: 1\n    c: 2\n  -\n    d\ne: {f: 3,\n  g: 4}\n")
    assert read.lines == {
        ("a",): 2,
        ("a", "0"): 3,
        ("a", "0", "b"): 3,
        ("a", "0", "c"): 4,
        ("a", "1"): 6,
        ("e",): 7,
        ("e", "f"): 7,
        ("e", "g"): 8,
    }


def test_a_value_given_twice_by_an_alias_is_changed_once() -> None:
    read = parse_yaml("a: &x {k: 1}\nb: *x\n").value
    read["b"]["k"] = 2
    assert read["a"] == {"k": 1}


def _laughs(levels: int) -> str:
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: 2\na: 3", 3, "'a' appears twice (first in line 1)"),
        ("a: {b: 1,\n b: 2}", 2, "'b' appears twice"),
        ("[" * 60 + "]" * 60, 1, "nested deeper than 50 levels"),
        ("\n".join(f"{'  ' * n}k:" for n in range(60)), 51, "nested deeper than 50 levels"),
        ("- " * 100_000, 1, "nested deeper than 50 levels"),
        ("a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60)), 50, "deeper than 50"),
        (_laughs(9), 6, "aliases stand for more than 100,000 nodes"),
        ("a: &x [*x]", 1, "alias *x has no finished anchor"),
        ("a: *nobody", 1, "alias *nobody has no finished anchor"),
        ("a: &x 1\nb: &x [*x]", 2, "alias *x has no finished anchor"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]", 2, "tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("a: !secret x", 1, "the tag !secret is not known"),
        ("a: !!set {x}", 1, "the tag tag:yaml.org,2002:set is not known"),
        ("a: !!int seven", 1, "'seven' is no int"),
        ("a: !!int true", 1, "'true' is no int"),
        ("? [a, b]\n: 1", 1, "a list or mapping stands where a key is expected"),
        ("a: &x k\n*x : 1", 2, "an alias stands where a key is expected"),
        ("a: " + "9" * 5000, 1, "a number of 5,000 digits"),
        ("a: 1\n---\nb: 2", 2, "a second document"),
        ("a: [\n", 1, ""),
        ("a: \0", None, ""),
        ("a: \ud800", None, ""),
    ],
)
def test_what_is_not_read_is_told_with_its_line(text: str, line: int | None, part: str) -> None:
    with pytest.raises(YamlFault) as caught:
        parse_yaml(text)
    assert part in str(caught.value)
    assert caught.value.line == line


def test_the_pure_parser_gives_the_same_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [1, '1', !!str 1, no]\nb: *x\nc:\n  d: |\n    e\n"
    expected = parse_yaml(text)
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert parse_yaml(text) == expected


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"a: [", "file.yaml:1: not valid YAML"),
        (None, "no such file"),
        (b"a" * 101, "101 bytes; at most 100 are read"),
    ],
)
def test_a_file_is_named_with_what_is_wrong_with_it(
    tmp_path: Path, content: bytes | None, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_reader, "MAX_BYTES", 100)
    path = tmp_path / "file.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"file\.yaml") as caught:
        read_yaml_file(path)
    assert part in str(caught.value)


def test_a_folder_and_a_byte_order_mark(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_yaml_file(tmp_path)
    path = tmp_path / "marked.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml_file(path).value == {"a": 1}


_plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="ascii")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=15,
)


@given(_plain)
def test_what_json_writes_is_read_back(value: object) -> None:
    import json

    assert parse_yaml(json.dumps(value)).value == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(YamlFault):
        parse_yaml(text)
