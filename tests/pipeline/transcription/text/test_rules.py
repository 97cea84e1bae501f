from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_to_num import text2num  # type: ignore[import-untyped]

from pipeline.config.areas.speech.text_rules import TextRuleSettings
from pipeline.transcription.text.rules import STEPS, TextRules, digits_to_words

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
        ("digits_to_words", "en", "0 dollars or 0.5", "zero dollars or zero point five"),
        ("digits_to_words", "en", "200000", "two hundred thousand"),
        ("digits_to_words", "en", "2000000", "two zero zero zero zero zero zero"),
        ("digits_to_words", "en", "2.50", "two point five"),
        ("digits_to_words", "en", "the 007th and 3er", "the 007th and 3er"),
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
        ("ar", "3.5", "ثلاثة فاصلة خمسة"),
        ("ar", "0.1", "صفر فاصلة واحد"),
        ("ar", "7.012", "سبعة فاصلة صفر واحد اثنان"),
        ("ar", "١٬٢٣٤", "ألف ومئتان وأربعة وثلاثون"),
        ("ar", "٣٫٥", "ثلاثة فاصلة خمسة"),
        ("fr", "3,125", "trois virgule un deux cinq"),
        ("fr", "1 234", "mille deux cent trente quatre"),
        ("fr", "1\u00a0234,5", "mille deux cent trente quatre virgule cinq"),
        ("fr", "1\u202f234", "mille deux cent trente quatre"),
        ("fr", "en 2024 150 appels", "en deux mille vingt quatre cent cinquante appels"),
        ("fr", "06 12 345 678", "zéro six douze trois cent quarante cinq six cent soixante dix huit"),
        ("fr", "3,125,000", "3,125,000"),
        ("en", "0,125", "zero point one two five"),
        ("en", "12345678.5", "one two three four five six seven eight point five"),
        ("en", "2.0 and 2.50.", "two and two point five."),
        ("en", "192.168.1.1, 12.05.2024", "192.168.1.1, 12.05.2024"),
        ("en", "12345678th 3.5th", "12345678th 3.5th"),
    ],
)
def test_a_number_in_words_keeps_its_value(language: str, text: str, expected: str) -> None:
    assert digits_to_words(text, language) == expected


@pytest.mark.parametrize("text", ["1\u202f234 euros", "1\u00a0234 euros", "1 234 euros"])
def test_a_french_number_shown_with_plain_spaces_compares_equal_to_the_number(text: str) -> None:
    assert RULES.compared(RULES.shown(text, "fr"), "fr") == RULES.compared(text, "fr")
    assert RULES.compared(text, "fr") == "mille deux cent trente quatre euros"


_GROUPS = {"en": ",\u00a0\u202f", "fr": " \u00a0\u202f", "ar": ",٬\u00a0\u202f"}
_POINTS = {"en": "point", "fr": "virgule", "ar": "فاصلة"}
_DIGITS = {
    "en": "zero one two three four five six seven eight nine",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf",
    "ar": "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة",
}
_TENS = "عشرون ثلاثون أربعون خمسون ستون سبعون ثمانون تسعون"
_HUNDREDS = "مائة مئتان ثلاثمائة أربعمائة خمسمائة ستمائة سبعمائة ثمانمائة تسعمائة"
_ARABIC_VALUES = {
    **{word: value for value, word in enumerate(_DIGITS["ar"].split())},
    **{word: 10 * value for value, word in enumerate(_TENS.split(), 2)},
    **{word: 100 * value for value, word in enumerate(_HUNDREDS.split(), 1)},
    **{"أحد": 1, "اثنا": 2, "عشر": 10, "عشرة": 10, "مئتا": 200, "ألفا": 2000, "ألفان": 2000},
}


def _arabic_value(words: list[str]) -> int:
    total = below_thousand = 0
    for word in words:
        known = word if word in _ARABIC_VALUES or word.startswith("ألف") else word.removeprefix("و")
        if known in {"ألف", "ألفاً", "آلاف"}:
            total, below_thousand = total + 1000 * (below_thousand or 1), 0
        else:
            below_thousand += _ARABIC_VALUES[known]
    return total + below_thousand


def _value_read(words: str, language: str) -> Fraction:
    digits = {word: str(value) for value, word in enumerate(_DIGITS[language].split())}
    whole, _, fraction = words.partition(f" {_POINTS[language]} ")
    parts = whole.split()
    if all(part in digits for part in parts):
        value = int("".join(digits[part] for part in parts))
    else:
        value = _arabic_value(parts) if language == "ar" else text2num(whole, language)
    behind = "".join(digits[part] for part in fraction.split())
    return value + Fraction(int(behind or "0"), 10 ** len(behind))


@given(
    st.one_of(st.integers(0, 1200), st.integers(0, 999_999), st.integers(0, 10**11)),
    st.text("0123456789", max_size=9),
    st.sampled_from(["en", "fr", "ar"]),
    st.data(),
)
def test_the_value_read_back_equals_the_value_written(
    whole: int, fraction: str, language: str, data: st.DataObject
) -> None:
    group = data.draw(st.sampled_from(["", *_GROUPS[language]]))
    point = data.draw(st.sampled_from(".,"))
    one_comma_group = point == "," in _GROUPS[language] and len(fraction) == 3 and whole < 1000 and whole
    if one_comma_group or (point == group and fraction):
        fraction = ""
    written = f"{whole:,}".replace(",", group) + (point + fraction if fraction else "")
    wanted = whole + Fraction(int(fraction or "0"), 10 ** len(fraction))
    assert _value_read(digits_to_words(written, language), language) == wanted


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
