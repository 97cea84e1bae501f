"""How text is shown and how it is compared: config.yaml's `transcription.text_rules`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.base import Area
from pipeline.config.influence import NOTHING

StepName = Literal[
    "spaces",
    "sentence_case",
    "lower_case",
    "drop_fillers",
    "digits_to_words",
    "words_to_digits",
    "strip_punctuation",
    "strip_accents",
    "expand_contractions",
    "arabic_letters",
    "arabic_digits",
    "unicode_form",
]


def _shown() -> dict[str, tuple[StepName, ...]]:
    return {"default": ("unicode_form", "spaces")}


class TextRuleSettings(Area):
    """Steps per language, in order; `default` serves languages that are not named."""

    shown: dict[str, tuple[StepName, ...]] = Field(default_factory=_shown)
    """Steps for the text readers see, by ISO 639-1 code."""
    compared: Annotated[dict[str, tuple[StepName, ...]], NOTHING] = Field(default_factory=lambda: dict(_COMPARED))
    """Steps before texts are matched or scored (glossary terms, word error rate), by ISO 639-1 code."""
    fillers: dict[str, tuple[Annotated[str, Field(min_length=1)], ...]] = Field(default_factory=lambda: dict(_FILLERS))
    """Hesitations that `drop_fillers` takes out, by ISO 639-1 code."""


_COMPARED: dict[str, tuple[StepName, ...]] = {
    "default": ("unicode_form", "lower_case", "strip_punctuation", "spaces"),
    "en": (
        "unicode_form",
        "lower_case",
        "expand_contractions",
        "digits_to_words",
        "strip_punctuation",
        "drop_fillers",
        "spaces",
    ),
    "fr": (
        "unicode_form",
        "lower_case",
        "digits_to_words",
        "strip_punctuation",
        "strip_accents",
        "drop_fillers",
        "spaces",
    ),
    "ar": (
        "unicode_form",
        "arabic_digits",
        "lower_case",
        "digits_to_words",
        "arabic_letters",
        "strip_punctuation",
        "drop_fillers",
        "spaces",
    ),
}

_FILLERS: dict[str, tuple[str, ...]] = {
    "en": ("uh", "um", "uhm", "umm", "er", "erm", "mm", "mhm", "hmm", "hm"),
    "fr": ("euh", "heu", "hum", "hmm", "bah"),
    "ar": ("اه", "امم", "ممم", "ايه"),
}
