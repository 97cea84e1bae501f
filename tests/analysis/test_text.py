"""Words, stems and sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.text import content_stems, sentence_spans, sentences, split_sentences, squeezed, words


def test_words_are_folded_and_marks_left_out() -> None:
    assert words("It’s [noise] T-Mobile's <unk> 3.5 GB!") == ["it's", "t-mobile's", "3.5", "gb"]
    assert squeezed("  Its, LATE! ") == "its late"


@pytest.mark.parametrize(
    ("text", "language", "stems"),
    [
        ("I x the parcels, parcels!", "en", ["parcel", "parcel"]),
        ("les factures à payer", "fr", ["factur", "pai"]),
        ("parcels", "xx", ["parcels"]),
    ],
)
def test_stems_are_of_the_words_that_carry_meaning(text: str, language: str, stems: list[str]) -> None:
    assert content_stems(text, language) == stems


def test_sentences_end_at_their_marks() -> None:
    assert sentences("Hello. [noise] How are you? 3.5 GB") == ["Hello.", "How are you?", "3.5 GB"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Come at 9 a.m. with Dr. Lowe. Fine.", ["Come at 9 a.m. with Dr. Lowe.", "Fine."]),
        ("We open at 9 a.m. Please come.", ["We open at 9 a.m.", "Please come."]),
        ("At 10 a.m. Monday then.", ["At 10 a.m. Monday then."]),
        ("It is $4.50. Yes.", ["It is $4.50.", "Yes."]),
        ("See No. 5 please. No. I mean six.", ["See No. 5 please.", "No.", "I mean six."]),
        ("St. John's Road, e.g. this one. Bye", ["St. John's Road, e.g. this one.", "Bye"]),
        ("Mr. J. R. Ewing called. So do I. And you?", ["Mr. J. R. Ewing called.", "So do I.", "And you?"]),
        ("Plan B. Then A, N, E. Thank you.", ["Plan B.", "Then A, N, E.", "Thank you."]),
        ("hello. how are you. fine", ["hello.", "how are you.", "fine"]),
        ("Où il est. Oui, M. Dupont.", ["Où il est.", "Oui, M. Dupont."]),
        ("Das ist z.B. hier. Gut.", ["Das ist z.B. hier.", "Gut."]),
        ("a.m.", ["a.m."]),
        (" ", []),
    ],
)
def test_abbreviations_and_amounts_end_no_sentence(text: str, parts: list[str]) -> None:
    assert split_sentences(text) == parts


@given(st.text(alphabet="ab.AB ?!Dr5\n", max_size=80))
def test_sentences_hold_the_whole_text_in_order(text: str) -> None:
    spans = sentence_spans(text)
    assert all(start < end for start, end in spans)
    assert "".join("".join(text[start:end] for start, end in spans).split()) == "".join(text.split())
