"""Terms of a vocabulary stay where the speech supports them, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Word
from pipeline.transcription.engine import SegmentResult
from pipeline.transcription.gates.support import UNSUPPORTED, has_term, supported
from pipeline.transcription.gates.trust import plain_words

TERMS = [plain_words(term) for term in ("Harper Valley", "SmartBox", "Visa", "pay my bill", "Elizabeth")]


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
    ],
)  # fmt: skip
def test_a_term_stays_where_it_sounds_like_what_is_heard_without(
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


def test_where_it_cannot_be_heard_without_the_text_stays_and_says_so() -> None:
    result = supported(said("Visa it is"), said("", error="no memory"), TERMS)
    assert (result.text, result.error, result.flags) == ("Visa it is", None, (UNSUPPORTED,))


def test_a_script_without_spaces_keeps_what_is_heard_without() -> None:
    words = (Word(text="智能", start_s=0, end_s=1), Word(text="盒子", start_s=1, end_s=2))
    bare = SegmentResult(key="k", text="智能盒子", language="zh", words=words)
    assert supported(said("SmartBox"), bare, TERMS).words == words


@pytest.mark.parametrize(
    ("text", "has"),
    [("Harper, valley!", True), ("Harper", False), ("my SMARTBOX", True), ("", False), ("smart box", False)],
)
def test_a_term_is_found_whatever_its_case_and_marks(text: str, has: bool) -> None:
    assert has_term(text, TERMS) is has


_SAID = st.sampled_from(["so", "it", "is", "Visa", "SmartBox", "Harper", "Valley", "this", "box", "no"])
_TEXTS = st.lists(_SAID, max_size=8).map(" ".join)


@given(_TEXTS, _TEXTS)
def test_no_word_comes_from_nowhere(with_terms: str, bare: str) -> None:
    result = supported(said(with_terms), said(bare), TERMS)
    assert set(result.text.split()) <= set(with_terms.split()) | set(bare.split())
    assert [word.text for word in result.words or ()] == result.text.split()
    if with_terms == bare or not has_term(with_terms, TERMS):
        assert result.text == bare
