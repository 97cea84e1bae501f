from __future__ import annotations

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES

from pipeline.transcription.text.languages import language_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("english", "en"),
        ("English ", "en"),
        ("HEBREW", "he"),
        ("hindi", "hi"),
        ("persian", "fa"),
        ("ukrainian", "uk"),
        ("bengali", "bn"),
        ("maori", "mi"),
        ("Māori", "mi"),
        ("haitian creole", "ht"),
        ("cantonese", "yue"),
        ("myanmar", "my"),
        ("pt-BR", "pt"),
        ("zh_CN", "zh"),
        ("iw", "he"),
        ("und", None),
        ("unknown", None),
        ("multiple languages", None),
        ("auto", None),
        ("xx", None),
        ("", None),
    ],
)
def test_names_and_codes(name: str, code: str | None) -> None:
    assert language_code(name) == code


@pytest.mark.parametrize("code", sorted(set(_LANGUAGE_CODES) - {"jw"}))
def test_every_code_of_whisper_is_known(code: str) -> None:
    assert language_code(code) == code
