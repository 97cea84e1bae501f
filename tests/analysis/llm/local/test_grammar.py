"""What the grammar knows of a reply without a model: where it stands, and how little it can take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analysis.llm.local.grammar import bounded, ends_in_string, repeats_itself, smallest_reply_bytes


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("", False),
        ('{"a', True),
        ('{"a"', False),
        ('{"a": "b', True),
        ('{"a": "b\\\\"', False),
        ('{"a": "b\\"', True),
        ('{"a": "b\\"c"', False),
        ('{"a": "b", "c', True),
    ],
)
def test_whether_a_reply_is_cut_inside_a_string(text: str, inside: bool) -> None:
    assert ends_in_string(text.encode()) == inside


@pytest.mark.parametrize(
    ("schema", "smallest"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, {"a": ""}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {}),
        ({"enum": ["a", "much longer"]}, "much longer"),
        ({"type": "array", "items": {"enum": ["ab"]}, "minItems": 2}, ["ab", "ab"]),
        ({"$defs": {"a": {"const": 12345}}, "$ref": "#/$defs/a"}, 12345),
    ],
)
def test_the_smallest_reply_is_never_thought_smaller_than_it_is(schema: dict[str, Any], smallest: object) -> None:
    size = len(json.dumps(smallest))
    assert size <= smallest_reply_bytes(schema) <= size + 8


def test_everything_is_bounded_and_what_is_bounded_stays() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "string", "maxLength": 3},
            "c": {"type": "string", "enum": ["x"]},
            "d": {"type": "array", "items": {"type": "integer", "exclusiveMinimum": 0}, "minItems": 9},
        },
    }
    found = bounded(schema, 50, 5)
    assert found["additionalProperties"] is False
    assert found["properties"]["a"]["maxLength"] == 50
    assert found["properties"]["b"]["maxLength"] == 3
    assert "maxLength" not in found["properties"]["c"]
    assert found["properties"]["d"]["maxItems"] == 9
    assert found["properties"]["d"]["items"] == {"type": "integer", "exclusiveMinimum": 0, "maximum": 10**12}


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ('{"a": "The card is lost. The card is lost.', True),
        ('{"a": "The card is lost. It is blocked. The card is lost.', True),
        ('{"a": "The card is lost. The card is', False),
        ('{"a": "The card is lost. It is blocked.', False),
        ('{"a": "Yes. Yes.', False),
        ('{"a": "The card is lost.", "b": "The card is lost.', False),
        ('{"a": "The card is lost. The card is lost."', False),
    ],
)
def test_a_sentence_said_again_is_seen_in_its_own_string_only(text: str, again: bool) -> None:
    assert repeats_itself(text.encode()) is again
