"""Text on its way into a page."""

from __future__ import annotations

import pytest

from db.queries.listing import MARK_BEGIN, MARK_END
from pages.rendering import LONGEST_SNIPPET, marked, sentence, snippet

WORDS = "ab " * LONGEST_SNIPPET


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        ("agent: One.\n\n client: Two.\nunknown: Three", "One. Two. Three"),
        ("Agents: one", "Agents: one"),
        ("", ""),
        (WORDS[: LONGEST_SNIPPET - 1] + "c", WORDS[: LONGEST_SNIPPET - 1] + "c"),
        (WORDS[:LONGEST_SNIPPET] + "c", WORDS[:LONGEST_SNIPPET].rsplit(" ", 1)[0] + " …"),
    ],
)
def test_the_beginning_of_a_summary(summary: str, shown: str) -> None:
    assert snippet(summary) == shown


@pytest.mark.parametrize(
    ("reason", "told"),
    [(None, ""), ("", ""), ("too short", "Too short."), ("why?", "Why?"), ("no!", "No!"), ("and …", "And …"),
     ("Done.", "Done.")],
)  # fmt: skip
def test_a_reason_is_a_sentence(reason: str | None, told: str) -> None:
    assert sentence(reason) == told


def test_words_that_were_looked_for_are_marked_and_nothing_else_is_markup() -> None:
    quote = f"<b>{MARK_BEGIN}a & b{MARK_END}</b>"
    assert marked(quote) == "&lt;b&gt;<mark>a &amp; b</mark>&lt;/b&gt;"
