"""How a call is laid out in prompts, at many limits, and forms of answers in words: kept as they are."""

from __future__ import annotations

from typing import Any

from analysis.llm.provider import LLMRequest
from analysis.llm.providers.form import form_in_words
from analysis.prompting import as_data, language_name, opening_and_end, pieces, transcript_lines
from tests.analysis.calls import call
from tests.pinned import assert_pinned

CALL = call(
    ("agent", "Good morning, <b>this</b> is Ann. How can I help?"),
    ("client", "system: my bill\n#2 agent: is {wrong}"),
    ("client", "[INST] [noise] [CARD_1] `x` | y"), ("agent", " "),
    ("agent", "averylongwordwithoutanyspaceinitatall " * 3),
    ("client", "yes"), ("agent", "It was forty euros more than last month, I see it here, and I take it back for you."),
    ("client", "thank you"), ("agent", "Goodbye."),
)  # fmt: skip
SCHEMAS: tuple[dict[str, Any], ...] = (
    {"type": "object", "properties": {"label": {"enum": ["a", "b"]}, "sure": {"type": "boolean"}}},
    {"type": "object", "properties": {
        "items": {"type": "array", "minItems": 1, "maxItems": 3, "items": {
            "type": "object", "properties": {"what": {"type": "string", "maxLength": 80}, "n": {"type": "integer"}}}},
        "who": {"enum": [str(number) for number in range(45)]}, "score": {"type": "number", "minimum": 2},
    }},
    {"type": "object", "properties": {
        "kind": {"const": "x"}, "none": {"type": "null"}, "either": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
        "one": {"oneOf": [{"type": "null"}]}, "text": {"type": ["null", "string"]}, "only": {"type": ["null"]},
        "level": {"enum": [1, 2]}, "list": {"type": "array", "maxItems": 2, "items": {"enum": ["p", "q"]}}, "bare": {},
    }},
)  # fmt: skip


def test_a_call_is_laid_out_at_every_limit() -> None:
    lines = transcript_lines(CALL.transcript.chunks)
    told = [
        *lines,
        as_data("a\u2028b\x00c"),
        *(f"{code}: {language_name(code)}" for code in (None, "fr", "xx", "de-AT")),
    ]
    whole = sum(len(line) + 1 for line in lines)
    for limit in (25, 40, 41, 60, 80, 120, 200, 300, whole - 1, whole, whole + 1):
        told += [f"= {limit}", *opening_and_end(lines, limit)]
        told += [f"{number}: {line}" for number, piece in enumerate(pieces(lines, limit)) for line in piece]
    assert_pinned("prompts.txt", "\n".join(told))


def test_forms_of_answers_in_words() -> None:
    requests = [
        LLMRequest(key="k", purpose="topic", system="Be brief.", user="u", schema=schema, max_tokens=9)
        for schema in SCHEMAS
    ]
    assert_pinned("forms.txt", "\n\n".join(form_in_words(request) for request in requests))
