"""What is wrong with a reply is told by its shape, without a word of it."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.asking import object_schema
from analysis.llm.provider import Reply
from analysis.llm.validation import plain, read_reply

SCHEMA = {
    **object_schema({
        "label": {"type": "string", "enum": ["1", "2"]},
        "why": {"type": "string", "minLength": 2, "maxLength": 5},
        "terms": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
    }),
}  # fmt: skip
GOOD: dict[str, Any] = {"label": "1", "why": "abc", "terms": ["x"]}


def fault(text: str, finish: Any = "stop", schema: Any = SCHEMA) -> str | None:
    data, why = read_reply(Reply(key="k", text=text, finish=finish), schema)
    assert (data is None) is (why is not None)
    return why


@pytest.mark.parametrize(
    ("text", "finish", "said"),
    [
        ("{}", "refused", "the model declined to answer"),
        (" \n", "stop", "the answer is empty"),
        ("[1]", "stop", "the answer is a JSON list, not an object"),
        ("3", "stop", "the answer is a JSON int, not an object"),
        ('{"a": NaN}', "stop", "not JSON: NaN is not JSON"),
        ('{"a": ', "stop", "not JSON: Expecting value: line 1 column 7 (char 6)"),
        ('{"a": ', "length", "not JSON (cut by max_tokens): Expecting value: line 1 column 7 (char 6)"),
    ],
)
def test_what_is_no_object_is_told(text: str, finish: str, said: str) -> None:
    assert fault(text, finish) == said


@pytest.mark.parametrize("spelled", [r"\u0000", r"\ud800"])
def test_what_no_database_stores_is_refused(spelled: str) -> None:
    text = '{"label": "1", "why": "abc", "terms": ["' + spelled + '"]}'
    assert fault(text) == (
        "the answer holds NUL characters or half of a surrogate pair, which no database stores as text"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"label": 1}, None),
        ({"label": "secret"}, "label: is none of the 2 values allowed"),
        ({"why": 3}, "why: is of type integer, not string"),
        ({"why": None}, "why: is of type null, not string"),
        ({"why": True}, "why: is of type boolean, not string"),
        ({"why": 1.5}, "why: is of type number, not string"),
        ({"why": {}}, "why: is of type object, not string"),
        ({"terms": "secret"}, "terms: is of type string, not array"),
        ({"why": "a"}, "why: has 1 characters; minLength is 2"),
        ({"why": "secret"}, "why: has 6 characters; maxLength is 5"),
        ({"terms": []}, "terms: has 0 items; minItems is 1"),
        ({"terms": ["x", "y", "z"]}, "terms: has 3 items; maxItems is 2"),
        ({"terms": ["x", 2]}, "terms.1: is of type integer, not string"),
        ({"secret": 1, "more": 2}, "the object: holds 2 fields nobody asked for"),
    ],
)
def test_each_fault_is_told_without_the_value(changes: dict[str, Any], said: str | None) -> None:
    import json

    told = fault(json.dumps(GOOD | changes))
    assert told == said
    assert "secret" not in (told or "")


def test_missing_fields_are_named_and_five_faults_are_enough() -> None:
    assert fault('{"label": "1"}') == "the object: lacks why, terms; the object: lacks why, terms"
    many = object_schema({f"f{number}": {"type": "string"} for number in range(7)})
    told = fault('{"f0": 0, "f1": 1, "f2": 2, "f3": 3, "f4": 4, "f5": 5, "f6": 6}', schema=many)
    assert told == "; ".join(f"f{number}: is of type integer, not string" for number in range(5))


def test_a_rule_of_another_kind_and_a_made_up_name_are_told_by_their_kind() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "multipleOf": 2}, "one": {"const": 4}},
        "additionalProperties": {"type": "string"},
    }
    assert fault('{"n": 3, "secret": 4, "one": 5}', schema=schema) == (
        "n: breaks the rule multipleOf; one: is none of the 1 values allowed; "
        "(another name): is of type integer, not string"
    )


def test_mappings_and_sequences_of_any_kind_become_plain() -> None:
    from types import MappingProxyType

    assert plain(MappingProxyType({1: (2, MappingProxyType({"a": b"x"}))})) == {"1": [2, {"a": b"x"}]}
