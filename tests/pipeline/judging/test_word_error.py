"""Alignments, counts and confusions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.judging.word_error import WordErrors, align, character_errors, confusions
from tests.word_errors import word_errors

WORDS = st.lists(st.sampled_from(["yes", "no", "card", "lost", "my"]), max_size=12)


@pytest.mark.parametrize(
    ("reference", "heard", "counts"),
    [
        ("I lost my card", "I lost my cart", (1, 0, 0)),
        ("I lost my card", "I lost card", (0, 1, 0)),
        ("I lost my card", "I have lost my card", (0, 0, 1)),
        ("", "thank you", (0, 0, 2)),
        ("<unk> yes [noise]", "yes", (0, 0, 0)),
        ("", "", (0, 0, 0)),
    ],
)
def test_word_errors(reference: str, heard: str, counts: tuple[int, int, int]) -> None:
    errors = word_errors([reference], [heard], "en")
    assert (errors.substitutions, errors.deletions, errors.insertions) == counts


def test_the_rate_is_over_all_pairs() -> None:
    errors = word_errors(["yes my card is lost", "five"], ["yes my card is lost", "six"], "en")
    assert errors.rate == pytest.approx(1 / 6)


def test_nothing_said_has_no_rate() -> None:
    assert word_errors([""], [""], "en").rate is None


def test_characters_are_counted_with_the_space_between_words() -> None:
    assert character_errors("ab cd", "ab ce") == WordErrors(substitutions=1, deletions=0, insertions=0, hits=4)
    assert character_errors("", "abc").insertions == 3


@given(WORDS, WORDS)
def test_an_alignment_holds_every_word_of_both_once_and_in_order(reference: list[str], heard: list[str]) -> None:
    found = align(reference, heard)
    assert [place for place, _ in found.pairs if place is not None] == list(range(len(reference)))
    assert [got for _, got in found.pairs if got is not None] == list(range(len(heard)))
    assert found.errors.reference_words == len(reference)
    assert found.errors.hits + found.errors.substitutions + found.errors.insertions == len(heard)


@given(WORDS)
def test_a_text_has_no_errors_against_itself(words: list[str]) -> None:
    assert align(words, words).errors.errors == 0


def test_the_most_frequent_confusions_come_first_with_an_example() -> None:
    calls = [
        ("a", align(["my", "name", "is", "david", "brown"], ["my", "name", "is", "davis", "brown"])),
        ("b", align(["david", "lost", "a", "card"], ["davis", "lost", "the", "card"])),
        ("c", align(["yes", "please"], ["please", "now"])),
    ]
    first, *rest = confusions(calls, 10)
    assert (first.expected, first.heard, first.times, first.calls) == ("david", "davis", 2, 2)
    assert (first.example_call, first.example_expected, first.example_heard) == (
        "a",
        "my name is david brown",
        "my name is davis brown",
    )
    assert {(one.expected, one.heard) for one in rest} == {("a", "the"), ("yes", "please"), ("please", "now")}
    assert len(confusions(calls, 1)) == 1
