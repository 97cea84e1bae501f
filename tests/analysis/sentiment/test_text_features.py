"""Words as a text model sees them."""

from __future__ import annotations

import pytest

from analysis.sentiment.text_features import mark_negation


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Good.", "good ."),
        ("Not good, thank you.", "not good_NOT , thank you ."),
        ("It isn't what I want but it will do", "it isn't what_NOT i_NOT want_NOT but it will do"),
        ("never seen such a bad thing before", "never seen_NOT such_NOT a_NOT bad_NOT thing before"),
        ("no, no! I won't stay", "no , no ! i won't stay_NOT"),
    ],
)
def test_words_under_a_negation_are_others_up_to_the_end_of_its_clause(text: str, marked: str) -> None:
    assert mark_negation(text) == marked
