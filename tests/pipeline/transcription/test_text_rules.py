from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.text_rules import TextRuleSettings
from pipeline.transcription.text_rules import STEPS, TextRules
from pipeline.transcription.word_error import WordErrors, word_error_rate, word_errors

RULES = TextRules()


@pytest.mark.parametrize(
    ("step", "language", "text", "expected"),
    [
        ("spaces", "en", "  a \t b\n c ", "a b c"),
        ("spaces", "en", "well , yes . No ?", "well, yes. No?"),
        ("spaces", "fr", "vraiment ? oui , merci", "vraiment ? oui, merci"),
        ("spaces", "ar", "نعم ، شكرا ؟", "نعم، شكرا؟"),
        ("spaces", "en", "", ""),
        ("spaces", "en", "at .5 percent", "at .5 percent"),
        ("sentence_case", "en", "hello. i said i'm here? yes", "Hello. I said I'm here? Yes"),
        ("sentence_case", "fr", "élodie est là. oui", "Élodie est là. Oui"),
        ("sentence_case", "en", "BBC news", "BBC news"),
        ("sentence_case", "ar", "نعم. لا", "نعم. لا"),
        ("lower_case", "en", "Hello BBC", "hello bbc"),
        ("unicode_form", "fr", "l’e\u0301te\u0301", "l'été"),
        ("digits_to_words", "en", "25 dollars", "twenty five dollars"),
        ("digits_to_words", "en", "1,250 at 3.5", "one thousand two hundred fifty at three point five"),
        ("digits_to_words", "en", "the 3rd and 21st", "the third and twenty-first"),
        ("digits_to_words", "en", "code 007", "code zero zero seven"),
        ("digits_to_words", "en", "card 12345678", "card one two three four five six seven eight"),
        ("digits_to_words", "en", "A4 and x2y", "A4 and x2y"),
        ("digits_to_words", "fr", "1er étage, 71 euros", "premier étage, soixante et onze euros"),
        ("digits_to_words", "ar", "25 درهم", "خمسة وعشرون درهم"),
        ("digits_to_words", "xx", "25", "25"),
        ("digits_to_words", None, "25", "25"),
        ("words_to_digits", "en", "twenty five dollars", "25 dollars"),
        ("words_to_digits", "fr", "quatre-vingt dix euros", "90 euros"),
        ("words_to_digits", "ar", "خمسة", "خمسة"),
        ("strip_punctuation", "en", "don't - well, $5!", "don't   well   5 "),
        ("strip_punctuation", "fr", "l'été, qu'il", "l été  qu il"),
        ("strip_punctuation", "ar", "نعم، شكراً؟", "نعم  شكراً "),
        ("strip_accents", "fr", "Élève ça cœur naïf", "Eleve ca coeur naif"),
        ("arabic_letters", "ar", "أإآٱ", "اااا"),
        ("arabic_letters", "ar", "مَرْحَبًا", "مرحبا"),
        ("arabic_letters", "ar", "شكـــرا", "شكرا"),
        ("arabic_letters", "ar", "بطاقة على", "بطاقه علي"),
        ("arabic_letters", "ar", "ﻻ", "لا"),
        ("arabic_digits", "ar", "٢٠٢٦ و ۳", "2026 و 3"),
        ("expand_contractions", "en", "i can't, we'll", "i can not, we will"),
        ("expand_contractions", "fr", "can't", "can't"),
    ],
)
def test_steps(step: str, language: str | None, text: str, expected: str) -> None:
    assert STEPS[step](text, language) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "um, so uh I mean umbrella", "so I mean umbrella"),
        ("fr", "euh, je heu voudrais", "je voudrais"),
        ("ar", "امم نعم", "نعم"),
        ("de", "um acht Uhr", "um acht Uhr"),
        (None, "uh", "uh"),
    ],
)
def test_fillers(language: str | None, text: str, expected: str) -> None:
    rules = TextRules(TextRuleSettings(shown={"default": ("drop_fillers",)}))
    assert rules.shown(text, language) == expected


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "I'm paying $25, um, on the 3rd.", "i am paying twenty-five on the third"),
        ("en", "It’s O.K.", "it is o k"),
        ("en", "Mm, 1,200!", "one thousand two hundred"),
        ("fr", "L’été, j'ai payé 71 €.", "l ete j ai paye soixante-et-onze"),
        ("ar", "أُريدُ ٢٥ درهمًا.", "اريد خمسة وعشرون درهما"),
        (None, "Straße — ja!", "straße ja"),
    ],
)
def test_texts_that_say_the_same_compare_equal(language: str | None, one: str, other: str) -> None:
    assert RULES.compared(one, language) == RULES.compared(other, language)


def test_steps_are_chosen_by_language() -> None:
    rules = TextRules(TextRuleSettings(shown={"default": ("spaces",), "fr": ("sentence_case",)}))
    assert rules.shown("a  b", "en") == "a b"
    assert rules.shown("a  b", "fr") == "A  b"
    assert rules.shown("a  b", None) == "a b"


@given(st.text(max_size=60), st.sampled_from(["en", "fr", "ar", "de", None]))
def test_comparing_settles_at_once_and_never_fails(text: str, language: str | None) -> None:
    once = RULES.compared(text, language)
    assert once == " ".join(once.split())
    assert RULES.shown(RULES.shown(text, language), language) == RULES.shown(text, language)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts"),
    [
        ("the cat sat", "the cat sat", (0, 0, 0)),
        ("The cat, sat!", "the cat sat", (0, 0, 0)),
        ("the cat sat", "the bat sat down", (1, 0, 1)),
        ("the cat sat", "", (0, 3, 0)),
        ("", "invented words", (0, 0, 2)),
        ("um the cat", "the cat", (0, 0, 0)),
    ],
)
def test_word_errors(reference: str, hypothesis: str, counts: tuple[int, int, int]) -> None:
    errors = word_errors([reference], [hypothesis], "en")
    assert (errors.substitutions, errors.deletions, errors.insertions) == counts


def test_word_error_rate_is_over_all_pairs() -> None:
    errors = word_errors(["one two three four", "five"], ["one two three four", "six"], "en")
    assert errors == WordErrors(substitutions=1, deletions=0, insertions=0, hits=4)
    assert errors.rate == pytest.approx(0.2)
    assert word_error_rate("", "", "en") is None
    with pytest.raises(ValueError, match="zip"):
        word_errors(["a"], [], "en")
