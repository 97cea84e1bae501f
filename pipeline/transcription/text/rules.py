"""Text rules: small steps from text to text, chosen per language in `transcription.text_rules`.

Two uses: `shown` makes the text readers see, `compared` the form in which texts are matched and scored. Each step
takes the text and its language (ISO 639-1, None when unknown), and leaves alone what it does not know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from pipeline.config.areas.speech.text_rules import TextRuleSettings

Step = Callable[[str, str | None], str]

_THOUSANDS = {"en": ",\u00a0\u202f", "fr": " \u00a0\u202f", "ar": ",٬\u00a0\u202f"}
"""Separators of groups of three digits. A French comma is a decimal one; `spaces` makes the spaces plain ones."""
_POINT_SAID = {"en": "point", "fr": "virgule", "ar": "فاصلة"}
_ORDINAL_ENDINGS = {"en": {"st", "nd", "rd", "th"}, "fr": {"er", "re", "e", "ème"}}
_MOST_DIGITS_READ_AS_NUMBER = 6
_AS_SAID = {"en": ((",", ""), (" and ", " "), ("-", " ")), "fr": (("-", " "),), "ar": ((" و ", " و"),)}
"""From num2words' spelling to the one transcripts have (`two hundred fifty`, وعشرون)."""
_SENTENCE_START = re.compile(r"(^|[.!?…؟]\s+)(\w)")
_ARABIC_LETTERS = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي", "ـ": None}
)
_ARABIC_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٪٫", "01234567890123456789%.")
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_TYPOGRAPHIC = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "\u00ad": None, "\u200b": None})
_APOSTROPHE_INSIDE = re.compile(r"(?<=\w)'(?=\w)")
_ELISION = re.compile(r"\b(c|d|j|l|m|n|s|t|qu|jusqu|lorsqu|puisqu)'(?=\w)", re.IGNORECASE)


def unicode_form(text: str, language: str | None) -> str:  # noqa: ARG001 - one signature for all steps
    """NFC, plain quotes, no soft hyphens or zero-width spaces."""
    return unicodedata.normalize("NFC", text).translate(_TYPOGRAPHIC)


def spaces(text: str, language: str | None) -> str:
    """Runs of white space become one space; none before a comma or full stop; a French `: ; ! ?` keeps its own."""
    tidy = " ".join(text.split())
    marks = r",\." if language == "fr" else r",\.;:!\?،؛؟"
    return re.sub(rf"(?<=\w) (?=[{marks}](?:\s|$))", "", tidy)


def lower_case(text: str, language: str | None) -> str:  # noqa: ARG001
    return text.lower()


def sentence_case(text: str, language: str | None) -> str:
    """A capital at the start of each sentence, and the English pronoun I; other capitals stay."""
    cased = _SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)
    return re.sub(r"\bi(?=\b|')", "I", cased) if language == "en" else cased


def drop_fillers(text: str, language: str | None, fillers: Mapping[str, Sequence[str]]) -> str:
    """Takes out hesitations that stand as words of their own, with the comma after them."""
    words = fillers.get(language or "", ())
    if not words:
        return text
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    without = re.sub(rf"(?<!\w)(?:{pattern})(?!\w)[,،]?", " ", text, flags=re.IGNORECASE)
    return " ".join(without.split())


def digits_to_words(text: str, language: str | None) -> str:
    """Numbers in words by num2words (English, French, Arabic); over six digits, or with a leading 0, each digit.

    Digits behind the decimal point are said one by one, less the zeros at their end.
    """
    if language not in _THOUSANDS:
        return text
    return _plain_number(_THOUSANDS[language]).sub(partial(_written_out, language=language), text)


def words_to_digits(text: str, language: str | None) -> str:
    """Number words to digits by text2num (English, French)."""
    if language not in ("en", "fr"):
        return text
    from text_to_num import alpha2digit  # type: ignore[import-untyped]

    return str(alpha2digit(text, language))


def strip_punctuation(text: str, language: str | None) -> str:
    """Punctuation and symbols become spaces; apostrophes inside English words stay, a French elision is parted."""
    if language == "fr":
        text = _ELISION.sub(r"\1 ", text)
    kept = _APOSTROPHE_INSIDE.sub("\ue000", text)
    spaced = "".join(" " if unicodedata.category(c)[0] in "PS" else c for c in kept)
    return spaced.replace("\ue000", "'")


def strip_accents(text: str, language: str | None) -> str:  # noqa: ARG001
    """é to e, ç to c, œ to oe; Arabic vowel signs go too."""
    decomposed = unicodedata.normalize("NFD", text.translate(_LIGATURES))
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if unicodedata.category(c) != "Mn"))


def arabic_letters(text: str, language: str | None) -> str:  # noqa: ARG001
    """One form for alef, hamza carriers, alef maqsura and ta marbuta; no vowel signs, no tatweel."""
    unified = unicodedata.normalize("NFKC", text).translate(_ARABIC_LETTERS)
    return "".join(c for c in unified if not (unicodedata.category(c) == "Mn" and "\u0600" <= c <= "\u06ff"))


def arabic_digits(text: str, language: str | None) -> str:  # noqa: ARG001
    """Arabic-Indic and Persian digits to 0-9."""
    return text.translate(_ARABIC_DIGITS)


def expand_contractions(text: str, language: str | None) -> str:
    """English `can't` to `can not`, `we'll` to `we will`, by jiwer."""
    if language != "en":
        return text
    return str(_contractions()(text))


STEPS: Mapping[str, Step] = {
    "unicode_form": unicode_form,
    "spaces": spaces,
    "lower_case": lower_case,
    "sentence_case": sentence_case,
    "digits_to_words": digits_to_words,
    "words_to_digits": words_to_digits,
    "strip_punctuation": strip_punctuation,
    "strip_accents": strip_accents,
    "arabic_letters": arabic_letters,
    "arabic_digits": arabic_digits,
    "expand_contractions": expand_contractions,
}
"""Steps without settings; `drop_fillers` is bound to its word lists in `TextRules`."""


class TextRules:
    """The steps of a configuration, ready to apply."""

    def __init__(self, settings: TextRuleSettings | None = None) -> None:
        settings = settings or TextRuleSettings()
        steps: dict[str, Step] = {**STEPS, "drop_fillers": partial(drop_fillers, fillers=settings.fillers)}
        self._shown = {language: [steps[name] for name in names] for language, names in settings.shown.items()}
        self._compared = {language: [steps[name] for name in names] for language, names in settings.compared.items()}

    def shown(self, text: str, language: str | None) -> str:
        """The text readers see."""
        return _apply(self._shown, text, language)

    def compared(self, text: str, language: str | None) -> str:
        """The form in which two texts are equal when they say the same."""
        return _apply(self._compared, text, language)


def _apply(table: Mapping[str, Sequence[Step]], text: str, language: str | None) -> str:
    for step in table.get(language or "default", table.get("default", ())):
        text = step(text, language)
    return text


@cache
def _plain_number(thousands: str) -> re.Pattern[str]:
    """Whole part, fraction and ordinal ending. With a second point (a date, an address) it is no plain number."""
    blanks = re.sub("[,٬]", "", thousands)  # further digits behind one: a telephone number, say
    grouped = rf"(?<!\d[{blanks}])(?![0٠۰])\d{{1,3}}(?P<mark>[{thousands}])\d{{3}}(?:(?P=mark)\d{{3}})*(?![{blanks}]\d)"
    return re.compile(
        rf"(?<![\w.,٫٬])(?P<whole>{grouped}|\d+)(?P<fraction>[.,٫]\d+)?"
        r"(?P<ending>st|nd|rd|th|er|re|e|ème)?(?!\w|[.,٫٬]\d)"
    )


def _written_out(match: re.Match[str], language: str) -> str:
    from num2words import num2words  # type: ignore[import-untyped]

    ending, fraction = match["ending"], (match["fraction"] or "")[1:].rstrip("0٠۰")
    digits = re.sub(r"\D", "", match["whole"])
    say = partial(num2words, lang=language)
    by_digit = len(digits) > _MOST_DIGITS_READ_AS_NUMBER or (int(digits[0]) == 0 and len(digits) > 1)
    if ending and (by_digit or match["fraction"] or ending not in _ORDINAL_ENDINGS.get(language, ())):
        return match[0]
    if ending:
        return str(say(int(digits), to="ordinal"))
    words = " ".join(map(say, map(int, digits))) if by_digit else str(say(int(digits)))
    for written, said in _AS_SAID[language]:
        words = words.replace(written, said)
    if fraction:  # not by num2words: it reads an Arabic decimal as money, and a long one is not exact as a float
        words = " ".join([words, _POINT_SAID[language], *(say(int(digit)) for digit in fraction)])
    return words


@cache
def _contractions() -> Callable[[str], str]:
    import jiwer

    expand: Callable[[str], str] = jiwer.ExpandCommonEnglishContractions()
    return expand
