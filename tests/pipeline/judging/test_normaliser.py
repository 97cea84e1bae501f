"""Texts that say the same have one form; texts that do not are kept apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.judging.normaliser import normalised, without_noises

SAME_IN_ENGLISH = [
    ("It is $40.", "it is forty dollars"),
    ("10:30 a.m.", "ten thirty a m"),
    ("11am", "eleven a m"),
    ("at 11 AM.", "at eleven am"),
    ("9:05", "nine oh five"),
    ("9:00 pm", "nine p m"),
    ("3 o'clock", "three o'clock"),
    ("Mr. Smith", "mister smith"),
    ("Mrs. Jones and Dr. Who", "missus jones and doctor who"),
    ("370-023", "three seven oh oh two three"),
    ("3, 7, 0, 0, 2, 3", "three seven zero zero two three"),
    ("Account number 0012.", "account number zero zero one two"),
    ("555-1234", "five five five one two three four"),
    ("112", "one twelve"),
    ("112", "one one two"),
    ("1,200", "twelve hundred"),
    ("1,200", "one thousand two hundred"),
    ("$1,000,000", "one million dollars"),
    ("$3.50", "three dollars and fifty cents"),
    ("100", "a hundred"),
    ("the 21st", "the twenty first"),
    ("25%", "twenty five percent"),
    ("2026", "twenty twenty six"),
    ("4.5", "four point five"),
    ("All right.", "alright"),
    ("I cannot, can't", "i can not can not"),
    ("O.K.", "okay"),
    ("OK", "okay"),
    ("e-mail", "email"),
    ("I'm here, don't go", "i am here do not go"),
    ("gonna", "going to"),
    ("colour", "color"),
    ("uh, I think, um", "i think"),
    ("[noise] yes <unk> (laughs) ♪", "yes"),
]
SAME_IN_FRENCH = [
    ("10h30", "dix heures trente"),
    ("à 14 h", "à quatorze heures"),
    ("9:00", "neuf heures"),
    ("Mme Martin", "madame Martin"),
    ("M. Dupont", "monsieur Dupont"),
    ("25 %", "vingt-cinq pour cent"),
    ("40 €", "quarante euros"),
    ("D’accord, euh, oui", "d'accord oui"),
    ("élève", "eleve"),
]
SAME_IN_ARABIC = [("إلى ٢٥", "الي خمسة وعشرون"), ("د. أحمد", "دكتور احمد"), ("[ضحك] نعم", "نعم")]


@pytest.mark.parametrize(("one", "other"), SAME_IN_ENGLISH)
def test_written_and_spoken_english_have_one_form(one: str, other: str) -> None:
    assert normalised(one, "en") == normalised(other, "en")


@pytest.mark.parametrize(("one", "other"), SAME_IN_FRENCH)
def test_written_and_spoken_french_have_one_form(one: str, other: str) -> None:
    assert normalised(one, "fr") == normalised(other, "fr")


@pytest.mark.parametrize(("one", "other"), SAME_IN_ARABIC)
def test_written_and_spoken_arabic_have_one_form(one: str, other: str) -> None:
    assert normalised(one, "ar") == normalised(other, "ar")


@pytest.mark.parametrize(
    ("one", "other"),
    [("fifteen", "fifty"), ("I am here", "am here"), ("can", "can't"), ("$40", "40"), ("seven", "eleven")],
)
def test_what_differs_stays_different(one: str, other: str) -> None:
    assert normalised(one, "en") != normalised(other, "en")


@pytest.mark.parametrize(
    ("text", "form"), [("am I", "am i"), ("Pam, I am.", "pam i am"), ("ham and spam", "ham and spam")]
)
def test_am_is_a_time_only_where_it_stands_for_one(text: str, form: str) -> None:
    assert normalised(text, "en") == form


@pytest.mark.parametrize("language", [None, "de", "th"])
def test_other_languages_lose_case_punctuation_and_noises(language: str | None) -> None:
    assert normalised("Ja, [Lärm] GUT!", language) == "ja gut"


@pytest.mark.parametrize(
    ("text", "words"),
    [("yes [noise] please", "yes please"), ("[noise]", ""), ("plain", "plain"), ("", ""), ("<unk>", "")],
)
def test_noises_and_unknown_words_are_no_words(text: str, words: str) -> None:
    assert without_noises(text) == words


@given(st.text(max_size=60), st.sampled_from(["en", "fr", "ar", "de", None]))
def test_any_text_becomes_words_separated_by_single_spaces(text: str, language: str | None) -> None:
    form = normalised(text, language)
    assert form == " ".join(form.split())
    assert "[" not in form
