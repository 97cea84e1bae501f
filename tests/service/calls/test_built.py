"""What the API answers of a call, with all that can be known of one and with nothing, whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from db.queries.reading import ShownStep
from service.calls.built import call_answer, listed_answer
from tests.pages.samples import listed_call, shown_call
from tests.pages.test_as_before import AT, CALL, RULES
from tests.pinned import assert_pinned

STEP = ShownStep(step="topic", state="done", reason=None, provider="chat", model="m", cost_usd=0.5, updated_at=AT)
FULL = replace(
    CALL, source_modified_at=AT, audio_sha256="a" * 64, llm_provider="chat", mood_turned_line={"channel": 1, "chunk": 3}
)
FAILED = shown_call(error_type="AudioUndecodable", error_message="noise", error_stage="prepare", error_transient=False)


@pytest.mark.parametrize("words", [True, False])
def test_a_call_of_which_all_is_known(words: bool) -> None:
    answer = call_answer(FULL, [STEP], RULES, words=words)
    assert_pinned(f"call_{'with' if words else 'without'}_words.json", answer.model_dump_json(indent=1))


def test_a_call_of_which_nothing_is_known_and_one_that_failed() -> None:
    for name, call in (("nothing", shown_call()), ("failed", FAILED)):
        assert_pinned(f"call_{name}.json", call_answer(call, [], [], words=True).model_dump_json(indent=1))


def test_a_call_of_a_list() -> None:
    listed = listed_call(summary="A refund.", missing_reasons={"topic": "no glossary"})
    for words in (True, False):
        answer = listed_answer(listed, words=words)
        assert (answer.summary, answer.missing) == ("A refund." if words else None, {"topic": "no glossary"})
        assert answer.attention == listed.rules
