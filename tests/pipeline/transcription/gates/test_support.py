"""Terms of a vocabulary are written where the speech supports them, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Word
from pipeline.transcription.engine import SegmentResult
from pipeline.transcription.gates.support import UNSUPPORTED, sounds_like_a_term, supported
from pipeline.transcription.gates.trust import plain_words

TERMS = [
    plain_words(term)
    for term in ("Harper Valley", "SmartBox", "Visa", "pay my bill", "Elizabeth", "Constantinopolitania")
]


def said(text: str, timed: bool = True, **more: object) -> SegmentResult:
    words = tuple(Word(text=word, start_s=i, end_s=i + 1) for i, word in enumerate(text.split())) if timed else None
    return SegmentResult(key="k", text=text, language="en", words=words, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_", "bare", "text", "dropped"),
    [
        pytest.param("at Harper Valley.", "at Howard Valley.", "at Harper Valley.", False, id="misheard"),
        pytest.param("my SmartBox is off", "my smart box is off", "my SmartBox is off", False, id="one word for two"),
        pytest.param("box, pay my bill, so", "box so", "box so", True, id="out of nothing"),
        pytest.param("Visa", "", "", True, id="where nobody speaks"),
        pytest.param("it is Visa now", "it is this now", "it is this now", True, id="in place of something else"),
        pytest.param("ask for Elizabeth", "ask for Elizabeth", "ask for Elizabeth", False, id="both"),
        pytest.param("Elizabeth wants too", "Elizabeth wants two", "Elizabeth wants two", False, id="another word"),
        pytest.param("so it is", "so it is then", "so it is then", False, id="left out"),
        pytest.param("an ill-sposed SmartBox", "an ill disposed smart box", "an ill disposed SmartBox", False,
                     id="words beside the term"),
        pytest.param("TerraThin Visa", "tear a thin vista", "tear a thin Visa", False, id="its own spelling of others"),
        pytest.param("Harper Valley or Visa", "Harbour Valley or Vista", "Harper Valley or Visa", False, id="two"),
        pytest.param("the Visa and Visa", "the vista and Visa", "the Visa and Visa", False, id="there once already"),
        pytest.param("the Visa and Harper Valley", "the Visa and Harbor Valley", "the Visa and Harper Valley", False,
                     id="one there already, another misheard"),
        pytest.param("it is Visa now at Harper Valley", "it is this now at Harbor Valley",
                     "it is this now at Harper Valley", True, id="one out of nothing, another misheard"),
        pytest.param("Elizabeth", "eli za beth", "Elizabeth", False, id="two words more"),
        pytest.param("Elizabeth", "e li za beth", "e Elizabeth", False, id="three words more"),
        pytest.param("Constantinopolitania", "constantinoxxxxxxxxx", "Constantinopolitania", False, id="like"),
        pytest.param("Constantinopolitania", "constantinxxxxxxxxxx", "constantinxxxxxxxxxx", True, id="less like"),
        pytest.param("it is " * 120 + "Visa", "it is " * 120 + "vista", "it is " * 120 + "Visa", False, id="much talk"),
        pytest.param("Visa so be it", "so be it vista", "so be it vista", True, id="elsewhere"),
    ],
)  # fmt: skip
def test_a_term_takes_the_place_of_what_sounds_like_it_without(
    given_: str, bare: str, text: str, dropped: bool
) -> None:
    for timed in (True, False):
        result = supported(said(given_, timed), said(bare, timed), TERMS)
        assert result.text == text
        assert (UNSUPPORTED in result.flags) is dropped
        if timed:
            assert [word.text for word in result.words or ()] == text.split()
        else:
            assert result.words is None


def test_a_part_of_a_longer_term_is_no_term_of_its_own() -> None:
    """Else "Valley" would be missed where "Harbor Valet" stands, and what follows would not be looked at."""
    terms = [*TERMS, *(plain_words(term) for term in ("Valley", "Harper"))]
    result = supported(said("at Harper Valley or Visa or Valley"), said("at Harbor Valet or vista or Valley"), terms)
    assert (result.text, result.flags) == ("at Harper Valley or Visa or Valley", ())


def test_a_term_has_the_time_of_the_words_it_replaces() -> None:
    result = supported(said("at Harper Valley now"), said("at the Harbor Valley now"), TERMS)
    assert [(word.text, round(word.start_s, 2), round(word.end_s, 2)) for word in result.words or ()] == [
        ("at", 0, 1), ("the", 1, 2), ("Harper", 2, 3), ("Valley", 3, 4), ("now", 4, 5)
    ]  # fmt: skip


def test_where_it_cannot_be_heard_with_the_vocabulary_the_text_stays() -> None:
    bare = said("vista it is")
    assert supported(said("", error="no memory"), bare, TERMS) == bare


def test_a_script_without_spaces_keeps_what_is_heard_without() -> None:
    words = (Word(text="智能", start_s=0, end_s=1), Word(text="盒子", start_s=1, end_s=2))
    bare = SegmentResult(key="k", text="智能盒子", language="zh", words=words)
    assert supported(said("SmartBox"), bare, TERMS).words == words


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("Harbor, valley!", True),
        ("how are valley", True),
        ("my smart box", True),
        ("my SMARTBOX", False),
        ("the vista", True),
        ("constantinoxxxxxxxxx", True),
        ("constantinxxxxxxxxxx", False),
        ("e li za beth", True),
        ("so this is", False),
        ("Harper Valley or Visa", False),
        ("", False),
    ],
)
def test_only_words_close_to_a_term_are_worth_another_hearing(text: str, sounds: bool) -> None:
    assert sounds_like_a_term(text, TERMS) is sounds


_SAID = st.sampled_from(["so", "it", "is", "Visa", "SmartBox", "Harper", "Valley", "this", "box", "no"])
_TEXTS = st.lists(_SAID, max_size=8).map(" ".join)


@given(_TEXTS, _TEXTS)
def test_no_word_comes_from_nowhere(with_terms: str, bare: str) -> None:
    result = supported(said(with_terms), said(bare), TERMS)
    assert set(result.text.split()) <= set(with_terms.split()) | set(bare.split())
    assert [word.text for word in result.words or ()] == result.text.split()
    terms = {word for term in TERMS for word in term}
    assert {word for word in result.text.split() if word.casefold() not in terms} <= set(bare.split())
    holds_terms = bool(terms & set(plain_words(bare)))  # they are no reason to listen again, and may be replaced then
    if with_terms == bare or not (holds_terms or sounds_like_a_term(bare, TERMS)):
        assert result.text == bare
