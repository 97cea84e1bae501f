"""Numbers of a statement that the call has of other things."""

from __future__ import annotations

import pytest

from analysis.summary.support.figures import miscounted
from analysis.summary.support.heard import utterances_of
from analysis.summary.support.wording import wording_of
from tests.analysis.calls import call

ENGLISH = wording_of("en")


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("The client was sent 3 emails.", 0.0),
        ("The client was sent 3 posts.", 0.0),  # a word for the same thing
        ("The client has 5 days.", 1.0),
        ("The client was sent 3 posts and has 5 days.", 1.0),  # also after a number that is right
        ("The client was sent 3 emails and has 5 days.", 1.0),  # or after one that is just as it was said
        ("The client has 7 users.", 0.0),  # said of nothing: another check's to tell
    ],
)
def test_a_number_of_something_else_is_miscounted(statement: str, wrong: float) -> None:
    said = call(("agent", "I sent you 3 emails."), ("client", "We have 5 users.")).transcript.chunks
    assert miscounted(statement, utterances_of(said, ENGLISH), ENGLISH) == wrong


def test_sentences_without_a_word_end_nothing() -> None:
    said = call(
        ("agent", "... Good morning. ?! I lost it."), ("client", "..."), ("client", "Which one?")
    ).transcript.chunks
    found = utterances_of(said, ENGLISH)
    assert [(utterance.number, utterance.text) for utterance in found] == [
        (0, "Good morning."),
        (1, "I lost it."),
        (2, "Which one?"),
    ]
