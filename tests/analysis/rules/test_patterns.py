"""Phrases: what finds what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.rules.patterns import GAP_WORDS, Stream, parse_phrase, spelled_out
from analysis.text import stems, words


def stream(text: str, language: str | None = "en") -> Stream:
    said = [part for word in words(text) for part in spelled_out(word, language)]
    return Stream(list(zip(stems(said, language), said, strict=True)), ())


@pytest.mark.parametrize(
    ("phrase", "text", "language", "found"),
    [
        ("cancel", "I cancelled it", "en", True),
        ("cancel my contract", "cancelling my contracts", "en", True),
        ("cancel my contract", "cancel the contract", "en", False),
        ("cancel/end my contract/plan", "I will end my plan", "en", True),
        ("I am leaving", "so I'm leaving you", "en", True),
        ("I'm leaving", "so I am leaving you", "en", True),
        ("I'm/we're leaving", "we are leaving", "en", True),
        ("cannot pay", "I can't pay it", "en", True),
        ("do not want", "I don’t want it", "en", True),
        ("send ... tomorrow", "send it out by tomorrow", "en", True),
        ("send ... tomorrow", "send tomorrow", "en", True),
        ("send ... tomorrow", "send it out to you by tomorrow", "en", False),
        ("kündigen", "ich habe gekündigt", "de", False),
        ("kündige", "ich kündigen", "de", True),
        ("remboursement", "des remboursements", "fr", True),
        ("refund", "no word of it", "en", False),
        ("=called you", "I called you", "en", True),
        ("=called you", "I call you", "en", False),
        ("=called/wrote you", "I call you", "en", False),
        ("=called/wrote you", "I write you", "en", False),
        ("=called/write you", "I writing you", "en", True),
    ],
)
def test_a_phrase_finds_its_words_by_their_stems(phrase: str, text: str, language: str, found: bool) -> None:
    assert bool(stream(text, language).find(phrase, language)) is found


@pytest.mark.parametrize(
    ("language", "word", "parts"),
    [
        ("en", "can't", "can not"),
        ("en", "cannot", "can not"),
        ("en", "won't", "will not"),
        ("en", "shan't", "shall not"),
        ("en", "isn't", "is not"),
        ("en", "it's", "it is"),
        ("en", "how's", "how is"),
        ("en", "anna's", "anna's"),
        ("en", "i'm", "i am"),
        ("en", "you're", "you are"),
        ("en", "we've", "we have"),
        ("en", "they'll", "they will"),
        ("en", "i'd", "i would"),
        ("en", "'d", "'d"),
        (None, "it's", "it is"),
        ("en", "its", "its"),
        ("de", "it's", "it's"),
        ("fr", "j'ai", "j ai"),
        ("fr", "aujourd'hui", "aujourd'hui"),
        ("fr", "cannot", "cannot"),
        ("fr", "'ai", "ai"),
    ],
)
def test_short_forms_are_spelled_out(language: str | None, word: str, parts: str) -> None:
    assert spelled_out(word, language) == tuple(parts.split())


@pytest.mark.parametrize(
    ("phrase", "fault"),
    [("", "no word"), ("...", "no word"), ("... now", "between words"), ("now ...", "between words"), ("a/ b", "one")],
)
def test_a_phrase_that_makes_no_sense_is_refused(phrase: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_phrase(phrase)


def test_a_phrase_does_not_go_on_behind_a_break() -> None:
    said = Stream([(word, word) for word in ("cancel", "my", "contract")], [2])
    assert said.find("cancel my", "en")
    assert not said.find("my contract", "en")


def test_places_do_not_overlap() -> None:
    assert Stream([("no", "no")] * 3, ()).find("no no", "en") == [(0, 2)]


WORDS = st.lists(st.sampled_from(["one", "two", "three", "four"]), min_size=1, max_size=12)


@given(before=WORDS, wanted=WORDS, after=WORDS)
def test_words_that_stand_there_are_found(before: list[str], wanted: list[str], after: list[str]) -> None:
    found = stream(" ".join([*before, *wanted, *after])).find(" ".join(wanted), "en")
    assert found
    assert all(end - start == len(wanted) for start, end in found)


@given(gap=st.integers(0, GAP_WORDS + 3))
def test_a_gap_is_as_long_as_it_says(gap: int) -> None:
    found = stream(" ".join(["begin", *["other"] * gap, "end"])).find("begin ... end", "en")
    assert bool(found) is (gap <= GAP_WORDS)


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("changer ... opérateur/banque", "Je vais changer d'opérateur.", True),
        ("j'ai déjà appelé", "J’ai déjà appelé hier", True),
        ("ai déjà appelé", "j'ai déjà appelé", True),
        ("plus d'argent", "je n'ai plus d'argent", True),
        ("quelqu'un qui peut", "quelqu'un qui peut décider", True),
        ("hui", "aujourd'hui", False),
        ("résilier", "la résiliation de mon contrat", True),
    ],
)
def test_french_elisions_are_words_of_their_own(phrase: str, text: str, found: bool) -> None:
    """`d'opérateur` was one word that no phrase named."""
    assert bool(stream(text, "fr").find(phrase, "fr")) is found
