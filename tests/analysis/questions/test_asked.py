"""Questions as people type them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.questions.asked import LONGEST, MOST_WORDS, QuestionUnusable, read_question


@pytest.mark.parametrize(
    ("question", "language", "content"),
    [
        ("Which customers mention bitcoin?", "en", ("bitcoin",)),
        ("Why do customers leave us?", "en", ("leave",)),
        ("Wer möchte seinen Vertrag kündigen?", "de", ("vertrag", "kündigen")),
        ("Qui conteste sa facture ?", "fr", ("conteste", "facture")),
        ("¿Quién perdió su tarjeta?", "es", ("perdió", "tarjeta")),
        ("bitcoin", "en", ("bitcoin",)),
        ("what did they say", "en", ("what", "did", "they", "say")),
        ("card -fraud OR refund", "en", ("card", "fraud", "refund")),
        ("شحن متأخر", "en", ("شحن", "متأخر")),
    ],
)
def test_language_and_the_words_that_matter(question: str, language: str, content: tuple[str, ...]) -> None:
    asked = read_question(question)
    assert (asked.language, asked.content) == (language, content)


@pytest.mark.parametrize("question", ["", "   ", "\x00\x00", "?!…", "\u202e\u202d", "\ud800", "[noise] <unk>"])
def test_a_question_without_a_word_is_refused(question: str) -> None:
    with pytest.raises(QuestionUnusable, match="ask something"):
        read_question(question)


@given(st.text(st.one_of(st.characters(), st.sampled_from("\x00\ud800\u202e\n or-\"'")), max_size=300))
@example("word " * 5000)
@example("x" * 100_000)
def test_any_question_is_one_short_line(question: str) -> None:
    try:
        asked = read_question(question)
    except QuestionUnusable:
        return
    assert len(asked.text) <= LONGEST
    assert "\x00" not in asked.text
    assert "\n" not in asked.text
    asked.text.encode()
    assert len(asked.content) <= MOST_WORDS
