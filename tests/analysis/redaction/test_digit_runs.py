"""Digits said or written in one go: what they come to, how they were grouped, where they stand."""

from __future__ import annotations

import pytest

from analysis.redaction.digit_runs import digit_runs, groups_of, is_compound_number


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("call 020 7946 0958 now", "en", [("02079460958", ("020", "7946", "0958"), "020 7946 0958")]),
        ("4111-1111 (22)", "en", [("4111111122", ("4111", "1111", "22"), "4111-1111 (22")]),
        ("four one double one", "en", [("4111", ("4", "1", "1", "1"), "four one double one")]),
        ("triple five nought oh", "en", [("55500", ("5", "5", "5", "00"), "triple five nought oh")]),
        ("four uh five um six", "en", [("456", ("4", "5", "6"), "four uh five um six")]),
        ("one two", "en", []),
        ("12", "en", []),
        ("123", "en", [("123", ("123",), "123")]),
        ("$ 123", "en", []),
        ("$123456789", "en", []),
        ("$1234567890", "en", [("1234567890", ("1234567890",), "1234567890")]),
        ("123 dollars", "en", []),
        ("123 dollar bills", "en", []),
        ("123 dolls", "en", [("123", ("123",), "123")]),
        ("one two three percent", "en", []),
        ("1 2 3 apples 4 5 6", "en", [("123", ("1", "2", "3"), "1 2 3"), ("456", ("4", "5", "6"), "4 5 6")]),
        ("1 2 3... 4 5 6", "en", [("123456", ("1", "2", "3", "4", "5", "6"), "1 2 3... 4 5 6")]),
        ("1 2 3.... 4 5 6", "en", [("123", ("1", "2", "3"), "1 2 3"), ("456", ("4", "5", "6"), "4 5 6")]),
        ("null vier zwei zwo", "de", [("0422", ("04", "2", "2"), "null vier zwei zwo")]),
        ("zweiundvierzig dreizehn", "de", [("4213", ("42", "13"), "zweiundvierzig dreizehn")]),
        ("zéro six douze", "fr", [("0612", ("06", "12"), "zéro six douze")]),
        ("cero seis cuarenta y dos", "es", [("0642", ("06", "42"), "cero seis cuarenta y dos")]),
        ("four five six", "fr", []),
        ("four five six", "", []),
        ("4 5 6 7", "", [("4567", ("4", "5", "6", "7"), "4 5 6 7")]),
    ],
)
def test_runs_are_found_with_their_groups_and_places(
    text: str, language: str, found: list[tuple[str, tuple[str, ...], str]]
) -> None:
    runs = digit_runs(text, [language] if language else [])
    assert [(run.digits, run.groups, text[run.start : run.end]) for run in runs] == found


@pytest.mark.parametrize(
    ("lines", "digits", "pieces"),
    [
        (["client: four one", "agent: okay", "client: two three"], "4123", ["four one", "two three"]),
        (["client: four one", "agent: yes go on", "client: two three", "agent: thanks"], "4123",
         ["four one", "two three"]),
        (["client: four one five", "agent: four one five?", "client: two three"], "41541523",
         ["four one five", "four one five", "two three"]),
        (["client: four one five", "agent: I see", "client: two three six"], "415", ["four one five"]),
        (["#1 client: four one", "#2 speaker 2: mhm", "#3 client: two"], "412", ["four one", "two"]),
    ],
)  # fmt: skip
def test_a_number_goes_on_behind_what_the_other_side_says_to_it(
    lines: list[str], digits: str, pieces: list[str]
) -> None:
    text = "\n".join(lines)
    run = digit_runs(text, ["en"])[0]
    assert run.digits == digits
    assert [text[start:end] for start, end in run.pieces] == pieces


def test_runs_of_two_languages_may_overlap_and_equal_ones_are_one() -> None:
    text = "1 2 3 quatre"
    runs = digit_runs(text, ["en", "fr", "de"])
    assert [run.digits for run in runs] == ["1234", "123"]


def test_long_stretches_are_taken_in_pieces() -> None:
    runs = digit_runs("one " * 450, ["en"])
    assert [len(run.digits) for run in runs] == [200, 200, 50]


def test_fillers_are_bridged_up_to_a_dozen() -> None:
    assert [run.digits for run in digit_runs(f"one two three {'uh ' * 12}four five six", ["en"])] == ["123456"]
    assert [run.digits for run in digit_runs(f"one two three {'uh ' * 13}four five six", ["en"])] == ["123", "456"]


@pytest.mark.parametrize(
    ("words", "language", "groups"),
    [
        (["four", "double", "five", "20"], "en", ["4", "5", "5", "20"]),
        (["double", "7", "triple", "12"], "en", ["7", "7", "12"]),
        (["double", "doppel", "3"], "de", ["3", "3"]),
        (["twenty", "one", "7"], "en", ["21", "7"]),
        ([], "en", []),
    ],
)
def test_groups_are_kept_as_they_were_said(words: list[str], language: str, groups: list[str]) -> None:
    assert groups_of(words, language) == groups


@pytest.mark.parametrize(
    ("word", "language", "is_one"),
    [
        ("zweiundvierzig", "de", True),
        ("neunzehnhundertfünfundsiebzig", "de", True),
        ("siebzehn", "de", True),
        ("zwei", "de", False),
        ("zweiund", "de", False),
        ("haus", "de", False),
        ("zweiundvierzig", "en", False),
    ],
)
def test_german_numbers_in_one_word(word: str, language: str, is_one: bool) -> None:
    assert is_compound_number(word, language) is is_one
