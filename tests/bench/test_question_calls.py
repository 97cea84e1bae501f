"""The questions of the benchmark name calls that there are, and the halves share none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.materials.question_calls import FURTHER, HALVES, TYPED, Question, corpus, line_questions, questions
from bench.questions import OVER, recall


def test_there_are_thirty_of_each_half_and_no_question_twice() -> None:
    asked = [one.ask for half in HALVES for one in questions(half)]
    assert len(asked) == 60
    others = [one.ask for name in (*FURTHER, *TYPED, "threshold") for one in questions(name)]
    assert len({*asked, *others}) == 60 + len(others)


@pytest.mark.parametrize("half", [*HALVES, *FURTHER, *TYPED, "threshold"])
def test_only_absent_questions_have_no_calls(half: str) -> None:
    assert all((one.kind == "absent") == (not one.calls) for one in questions(half))


def test_calls_of_the_project_are_there(reference_data: Path) -> None:
    names = {over: made(reference_data).keys() for over, made in OVER.items()}
    for name in (*HALVES, *FURTHER, *TYPED, "threshold"):
        for one in questions(name):
            assert one.calls <= names[one.over], one.ask


@pytest.mark.parametrize("half", HALVES)
def test_lines_that_answer_are_lines_of_their_calls(half: str, reference_data: Path) -> None:
    calls = corpus(reference_data)
    for one in line_questions(half):
        for call, lines in one.lines.items():
            said = " ".join(chunk.text for chunk in calls[call].transcript.chunks)
            assert all(line in said for line in lines), (one.ask, call)


def test_recall_counts_at_most_five_calls() -> None:
    six = Question("?", "several", frozenset("abcdef"))
    assert recall(list("abcdef"), six) == 1.0
    assert recall(list("xyzuva"), six) == 0.0
    assert recall(["a"], Question("?", "words", frozenset({"a", "b"}))) == 0.5
