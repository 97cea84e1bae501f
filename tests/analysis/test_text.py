"""Words, stems and sentences."""

from __future__ import annotations

import pytest

from analysis.text import content_stems, sentences, squeezed, words


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
