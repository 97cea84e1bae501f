"""Misspelt words of questions."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analysis.questions.spelling import respelt

SAID = {"broken": 0.1, "lamp": 0.1, "varga": 0.1, "fibre": 0.1}


def said(words: Sequence[str]) -> dict[str, float]:
    return {word: SAID.get(word, 0.0) for word in words}


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("brokn lamp", "broken lamp"),  # said in calls, though "broke" is more frequent
        ("which custmers recieve paymnet", "which customers receive payment"),
        ("who threatend us", "who threatened us"),
        ("who is varga", "who is varga"),  # a name that calls say
        ("who is Vargo", "who is Vargo"),  # written as a name
        ("slow wifi", "slow wifi"),  # too short to tell from wife
        ("mould in the bathroom", "mold in the bathroom"),  # not would: nobody slips on the first letter
        ("fiber", "fiber"),
        ("wer ist kaput", "wer ist kaput"),
        ("zzzzzzz qqqqqq", "zzzzzzz qqqqqq"),
    ],
)
def test_what_no_call_says_and_no_dictionary_knows_is_put_right(question: str, meant: str) -> None:
    assert respelt(question, "en", said)[0] == meant


def test_what_was_put_right_is_told() -> None:
    assert respelt("Brokn, brokn lamp?", "en", said) == ("broken, broken lamp?", {"brokn": "broken"})


def test_a_language_without_dictionary_is_left_alone() -> None:
    assert respelt("brokn lamp", "ja", said) == ("brokn lamp", {})
