"""Sentences of speech are cut where they end, whatever the recogniser set there."""

from __future__ import annotations

import pytest

from analysis.clauses.cutting import chunk_spans, clause_spans, clauses_of, pauses_of
from pipeline.records import Role, TranscriptChunk, Word


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        # Commas where stops belong, as Whisper sets them.
        (
            "Good, it is booked for Thursday, you will get a message one hour before the visit, goodbye.",
            ["Good, it is booked for Thursday", "you will get a message one hour before the visit", "goodbye."],
        ),
        (
            "I lost my card on the train today, I would like to block the card.",
            ["I lost my card on the train today", "I would like to block the card."],
        ),
        # Nothing where a stop belongs.
        (
            "right, I will cancel it for you the contract will end on the last day of November",
            ["right, I will cancel it for you", "the contract will end on the last day of November"],
        ),
        # No end: a condition, a moment, a list, a tag, an object.
        ("If you renew for two years, I can give you a discount of ten percent.", None),
        ("For a bulk order of two hundred, I can offer you a discount.", None),
        ("A courier will bring the suitcase to your address tomorrow before noon.", None),
        ("I'll ring you tomorrow when it's ready to pick up.", None),
        ("No, the vet hasn't written the report yet, I'm afraid.", None),
        ("We need twelve desks, fourteen chairs and a lamp for our new office.", None),
        ("Can you tell me which address you have for me in the system?", None),
        # From 0.7 on, halves of these were quoted.
        ("He began a complaint against the wizard who had vanished behind the curtain on the left.", None),
        ("My pleasure, is that anything else I can help you with today?", None),
    ],
)
def test_a_clause_ends_where_another_begins(text: str, clauses: list[str] | None) -> None:
    assert [text[start:end] for start, end in clause_spans(text)] == (clauses or [text])


def test_sentences_with_marks_stay_apart_and_places_are_those_of_the_text() -> None:
    text = " Dr. Lowe is in.  The report is ready. "
    assert [text[start:end] for start, end in clause_spans(text)] == ["Dr. Lowe is in.", "The report is ready."]


def test_a_stretch_without_any_mark_is_cut_by_phrases() -> None:
    text = "hi my name is robert johnson i would like to transfer money between my accounts"
    assert [text[start:end] for start, end in clause_spans(text)][-1].startswith("i would like")


def chunk(text: str, words: tuple[Word, ...] | None = None) -> TranscriptChunk:
    return TranscriptChunk(channel=0, ordinal=0, role=Role.AGENT, start_s=0.0, end_s=9.0, text=text, words=words)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("My card was declined the shop could not take it.", "declined"),
        ("We are open until six you can come by today.", "six"),
    ],
)
def test_a_pause_is_worth_a_comma(text: str, last: str) -> None:
    said = text.split()

    def timed(pause_s: float) -> tuple[Word, ...]:
        words, at = [], 0.0
        for word in said:
            words.append(Word(text=word, start_s=at, end_s=at + 0.3))
            at += 0.3 + pause_s * (word == last)
        return tuple(words)

    after = text.index(last) + len(last)
    assert chunk_spans(chunk(text, timed(0.0))) == [(0, len(text))]
    assert chunk_spans(chunk(text, timed(0.8))) == [(0, after), (after + 1, len(text))]


def test_noise_is_left_out_of_clauses() -> None:
    assert clauses_of(chunk("[laughter] It is <unk> done. [noise]")) == ["It is done."]


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ("It is done now", [2, 10]),
        (" It  done now", [2, 10]),
        ("It was done now", [2]),
        ("It was now", [2]),
        ("was done now", []),
        ("It", []),
        ("", []),
    ],
)
def test_pauses_are_placed_by_the_words_as_far_as_these_are_the_text_s(words: str, places: list[int]) -> None:
    """Behind the first word that is not in the text nothing is known."""
    text, pause_s = "It is done now", {"It": 0.5, "was": 0.5, "done": 0.45, "is": 0.3}
    timed, start_s = [], 0.0
    for word in words.split():
        timed.append(Word(text=f" {word}", start_s=start_s, end_s=start_s + 0.2))
        start_s += 0.2 + pause_s.get(word, 0.0)
    assert pauses_of(text, timed) == places
