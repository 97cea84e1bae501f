"""The questions of the benchmark name calls that there are, and the halves share none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.materials.question_calls import HALVES, Question, corpus, questions
from bench.questions import recall


def test_there_are_thirty_of_each_half_and_no_question_twice() -> None:
    asked = [one.ask for half in HALVES for one in questions(half)]
    assert len(asked) == 60
    assert len({*asked, *(one.ask for one in questions("absent"))}) == 60 + len(questions("absent"))


@pytest.mark.parametrize("half", [*HALVES, "absent"])
def test_only_absent_questions_have_no_calls(half: str) -> None:
    assert all((one.kind == "absent") == (not one.calls) for one in questions(half))


def test_calls_of_the_project_are_there(reference_data: Path) -> None:
    names = corpus(reference_data).keys()
    for half in HALVES:
        for one in questions(half):
            assert one.calls <= names, one.ask


def test_recall_counts_at_most_five_calls() -> None:
    six = Question("?", "several", frozenset("abcdef"))
    assert recall(list("abcdef"), six) == 1.0
    assert recall(list("xyzuva"), six) == 0.0
    assert recall(["a"], Question("?", "words", frozenset({"a", "b"}))) == 0.5
