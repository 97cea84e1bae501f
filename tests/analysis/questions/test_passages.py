"""Calls cut into passages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.questions.passages import MOST_CHARS, cut
from analysis.text import words
from tests.analysis.questions.stored import CANCELS, talk


def test_passages_overlap_by_a_turn() -> None:
    assert [one.text for one in cut(talk(*CANCELS))] == [
        "hello I want to cancel my contract may I ask why the price is too high",
        "the price is too high I will end it for you thank you",
    ]


def test_lines_of_one_side_that_follow_one_another_are_one_turn() -> None:
    (one,) = cut(talk("c: my name", "c: is Ada", "a: hello Ada"))
    assert one.text == "my name is Ada hello Ada"


def test_marks_and_what_is_in_doubt_are_not_encoded() -> None:
    first, second = talk("c: [noise] hello <unk>", "a: thank you for watching")
    (one,) = cut([first, replace(second, flags=("loop",))])
    assert one.text == "hello"
    assert cut([replace(first, text="[noise]")]) == []
    assert cut([]) == []


LINES = st.lists(
    st.builds(lambda who, text: f"{who}: {text or 'hm'}", st.sampled_from("ca"), st.text("ab ", max_size=700)),
    max_size=30,
)


@given(LINES)
def test_every_line_is_in_a_passage_and_long_ones_are_cut_between_turns(lines: list[str]) -> None:
    chunks = talk(*lines)
    found = cut(chunks)
    covered = {chunk for one in found for chunk in one.chunks}
    assert covered == {chunk for chunk in chunks if words(chunk.text)}
    for one in found:
        assert len(one.text) <= MOST_CHARS or len(one.chunks) == 1
        assert one.start_s <= one.until_s


@pytest.mark.parametrize(
    ("lengths", "taken"),
    [
        ((239, 239, 5), (2, 2)),  # a blank after each turn: 480 characters
        ((239, 240, 5), (1, 2)),
        ((100, 100, 100, 100), (3, 2)),
        ((100, 100, 300), (2, 2)),
        ((480, 480), (1, 1)),
    ],
)
def test_a_passage_holds_the_turns_that_fit_into_its_length(lengths: tuple[int, ...], taken: tuple[int, ...]) -> None:
    lines = [f"{'ca'[place % 2]}: {'x' * length}" for place, length in enumerate(lengths)]
    assert tuple(len(one.chunks) for one in cut(talk(*lines))) == taken


def test_the_lines_of_a_side_are_one_turn_up_to_the_length_of_a_passage() -> None:
    first = "x" * 400
    assert [len(one.chunks) for one in cut(talk(f"c: {first}", f"c: {'y' * 78}"))] == [2]  # with blanks 480
    assert [len(one.chunks) for one in cut(talk(f"c: {first}", f"c: {'y' * 79}"))] == [1, 1]
