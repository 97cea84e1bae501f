"""The sentences of a call: where they end, what leads up to them, when they are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.records import SummaryPart
from analysis.summary.reading.sentences import asks, sentences_of
from pipeline.records import Role, TranscriptChunk, Word
from tests.analysis.calls import call, chunk


def said(*texts: str, role: str = "agent") -> list[str]:
    return [one.text for one in sentences_of(call(*[(role, text) for text in texts]).transcript.chunks)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "Dr. Lowe sees you at 9 a.m. on the 5th. Bring $4.50.",
            ["Dr. Lowe sees you at 9 a.m. on the 5th.", "Bring $4.50."],
        ),
        ("We open at 9 a.m. Please come then.", ["We open at 9 a.m.", "Please come then."]),
        ("Okay, so the card is blocked.", ["the card is blocked."]),
        ("Oh, now it prints.", ["now it prints."]),
        ("[noise] Hi, I'm locked out.", ["I'm locked out."]),
        ("Okay, great.", ["Okay, great."]),
        ("Good morning, Mr. Hill. I lost my card.", ["Good morning, Mr. Hill.", "I lost my card."]),
        (
            "hi my name is robert johnson i would like to transfer money between my accounts",
            ["hi", "my name is robert johnson", "i would like to transfer money between my accounts"],
        ),
        (
            "so the money has been moved to your savings is there anything else i can help you with",
            ["the money has been moved to your savings", "is there anything else i can help you with"],
        ),
        ("okay what is it that i need to bring to you", ["what is it that i need to bring to you"]),
        ("okay and to", ["and to"]),
        ("That is no problem at all, we will send you a new lamp.", ["we will send you a new lamp."]),
        ("My pleasure, it is on its way.", ["it is on its way."]),
        ("I am happy to hear that, for an order of ten.", ["for an order of ten."]),
        ("I understand what is the best number to call you.", ["what is the best number to call you."]),
        ("I see the note here.", ["I see the note here."]),
        ("I understand what you mean.", ["I understand what you mean."]),
    ],
)
def test_sentences_end_where_they_end(text: str, sentences: list[str]) -> None:
    assert said(text) == sentences


@pytest.mark.parametrize(
    ("pieces", "sentences"),
    [
        (["my", "debit card"], ["my debit card"]),
        (["a hundred", "and ten dollars"], ["a hundred and ten dollars"]),
        (["yes", "my debit card"], ["yes", "my debit card"]),
        (["I lost my card.", "Can you help?"], ["I lost my card.", "Can you help?"]),
        (["It was about three", "weeks ago, on a Monday."], ["It was about three weeks ago, on a Monday."]),
        (["I lost my card", "Can you help?"], ["I lost my card", "Can you help?"]),
    ],
)
def test_what_is_said_in_pieces_is_one_sentence(pieces: list[str], sentences: list[str]) -> None:
    assert said(*pieces, role="client") == sentences


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("What is the best number to call you.", True),
        ("what's the name", True),
        ("May I have your account number first.", True),
        ("I'm sorry that happened, and have you reported it to the police.", True),
        ("We have you down for Friday.", False),
        ("What you said is right.", False),
        ("The card is blocked.", False),
    ],
)
def test_what_asks_is_told_without_its_mark(text: str, question: bool) -> None:
    assert asks(text) is question


def test_a_turn_ends_where_the_other_side_speaks() -> None:
    talk = call(("agent", "Which one?"), ("client", "The blue one."), ("client", "Please."), ("agent", "Done now."))
    assert [one.turn for one in sentences_of(talk.transcript.chunks)] == [0, 1, 1, 2]


def test_times_are_those_of_the_words() -> None:
    texts = ["Okay,", "it", "is", "booked.", "You'll", "get", "mail."]
    words = tuple(Word(text=text, start_s=10.0 + place, end_s=10.5 + place) for place, text in enumerate(texts))
    one = TranscriptChunk(
        channel=1, ordinal=7, role=Role.AGENT, start_s=9.0, end_s=18.0, text=" ".join(texts), words=words
    )
    first, second = (sentence.evidence(SummaryPart.OUTCOME) for sentence in sentences_of([one]))
    assert (first.text, first.start_s, first.end_s, first.chunk, first.channel) == ("it is booked.", 11.0, 13.5, 7, 1)
    assert (second.text, second.start_s, second.end_s) == ("You'll get mail.", 14.0, 16.5)


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ("It is booked. Come at ten.", [(10.0, 12.5), (13.0, 15.5)]),
        ("It is booked. Come at", [(10.0, 12.5), (13.0, 18.0)]),
        ("It is booked. Come by ten.", [(10.0, 12.5), (13.0, 18.0)]),
        ("It is Come at ten.", [(10.0, 18.0), (9.0, 18.0)]),
        ("Is booked. Come at ten.", [(9.0, 18.0), (9.0, 18.0)]),
        ("It is booked. at ten.", [(10.0, 12.5), (9.0, 18.0)]),
        ("", [(9.0, 18.0), (9.0, 18.0)]),
    ],
)
def test_words_tell_times_as_far_as_they_are_those_of_the_text(said: str, times: list[tuple[float, float]]) -> None:
    words = tuple(
        Word(text=f" {text}", start_s=10.0 + place, end_s=10.5 + place) for place, text in enumerate(said.split())
    )
    text = "It is booked. Come at ten."
    one = TranscriptChunk(channel=0, ordinal=0, role=Role.AGENT, start_s=9.0, end_s=18.0, text=text, words=words)
    assert [(sentence.start_s, sentence.end_s) for sentence in sentences_of([one])] == times


def test_without_words_the_times_are_those_of_the_chunk() -> None:
    (one,) = sentences_of([chunk(3, Role.AGENT, "It is booked.", start_s=2.0, end_s=6.0)])
    assert (one.start_s, one.end_s, one.chunk) == (2.0, 6.0, 3)


def test_a_sentence_over_two_chunks_lasts_to_the_end_of_the_second() -> None:
    chunks = [
        chunk(0, Role.CLIENT, "it is my", start_s=1.0),
        chunk(1, Role.CLIENT, "debit card", start_s=5.0, end_s=7.0),
    ]
    (one,) = sentences_of(chunks)
    assert (one.text, one.start_s, one.end_s, one.chunk) == ("it is my debit card", 1.0, 7.0, 0)


@given(st.lists(st.tuples(st.sampled_from(["agent", "client"]), st.text(max_size=60)), max_size=8))
def test_every_sentence_is_in_the_chunks_and_within_their_times(turns: list[tuple[str, str]]) -> None:
    chunks = call(*turns).transcript.chunks
    whole = " ".join(" ".join(one.text for one in chunks).split())
    for sentence in sentences_of(chunks):
        assert sentence.start_s <= sentence.end_s
        if "[" not in whole and "<" not in whole:
            assert sentence.text in whole or len(chunks) > 1


@pytest.mark.parametrize("text", ["uh ", "and okay so ", "i think ", "if ", "my name is a b and ", "x", "a. "])
def test_hostile_text_is_cut_in_linear_time(text: str) -> None:
    # Quadratic, these took minutes: the time limit of a test is the measure.
    assert said(text * (60_000 // len(text)), role="client")
