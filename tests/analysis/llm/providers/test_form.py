"""The form shown to services that take no schema, and replies as models write them without one."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.asking import object_schema, strings_schema
from analysis.llm.provider import LLMRequest, Reply
from analysis.llm.providers.form import form_in_words
from analysis.llm.validation import read_reply

TEXT = {"type": "string", "maxLength": 100}
NUMBER = object_schema({"why": TEXT, "number": {"type": "string", "enum": ["1", "2", "0"]}})


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        (object_schema({"reason": TEXT, "done": TEXT}), ['{"reason": "...", "done": "..."}']),
        (NUMBER, ['{"why": "...", "number": "..."}', '"number" is one of "1", "2", "0".']),
        (
            object_schema({"terms": strings_schema(3, 40)}),
            ['{"terms": ["..."]}', '"terms" has at most 3, or none: [].'],
        ),
        (
            object_schema(
                {
                    "answers": {"type": "boolean"},
                    "count": {"type": "integer", "minimum": 1},
                    "either": {"anyOf": [{"type": "null"}, TEXT]},
                    "unknown": {"type": ["null", "string"]},
                    "who": {"type": "array", "items": object_schema({"side": {"enum": ["agent", "client"]}})},
                }
            ),
            [
                '{"answers": true, "count": 1, "either": "...", "unknown": "...", "who": [{"side": "..."}]}',
                '"side" is one of "agent", "client".',
            ],
        ),
    ],
)
def test_the_form_names_every_field_and_no_word_of_a_schema(schema: dict[str, Any], shown: list[str]) -> None:
    request = LLMRequest(key="1", purpose="test", system="Do it.", user="", schema=schema, max_tokens=10)
    told = form_in_words(request)
    assert told.startswith("Do it.\n\n")
    assert told.splitlines()[3:] == shown
    assert not [word for word in ("properties", "maxLength", "required", "schema") if word in told]


GOOD = '{"why": "a card", "number": "2"}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Here is the answer:\n{GOOD}\nI hope that helps.",
        f"Sure! ```{GOOD}``` Anything else?",
        '{"why": "a card", "number": 2}',
    ],
)
def test_words_around_the_answer_and_a_bare_number_are_no_fault(text: str) -> None:
    assert read_reply(Reply(key="1", text=text), NUMBER) == ({"why": "a card", "number": "2"}, None)


@pytest.mark.parametrize(
    "text",
    [
        f"{GOOD}\n{GOOD}",
        f"Either {GOOD} or {GOOD}",
        "Here is {nothing",
        "no object at all",
        '{"why": "a card", "number": 7}',
        '{"why": "a card", "number": true}',
        '{"why": "a card", "number": 2.0}',
    ],
)
def test_two_answers_or_another_value_are_none(text: str) -> None:
    assert read_reply(Reply(key="1", text=text), NUMBER)[0] is None
