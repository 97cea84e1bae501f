"""What every cloud service shares: errors by their status, words with their times, confidences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.errors import EarshotError
from pipeline.records import Word
from pipeline.transcription.engines.cloud.service import (
    CredentialsRefused,
    NotUnderstood,
    Passing,
    Refused,
    error_of_status,
    mean_confidence,
    retry_after_s,
    share,
    words_of,
)


def word(text: str, start_s: float, end_s: float, confidence: float | None) -> Word:
    return Word(text=text, start_s=start_s, end_s=end_s, confidence=confidence)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, Passing),
        (299, Passing),
        (300, NotUnderstood),
        (400, NotUnderstood),
        (401, CredentialsRefused),
        (403, CredentialsRefused),
        (404, NotUnderstood),
        (408, Refused),
        (429, Refused),
        (499, NotUnderstood),
        (500, Refused),
        (503, Refused),
        (599, Refused),
    ],
)
def test_a_status_stands_for_an_error(status: int, kind: type[EarshotError]) -> None:
    error = error_of_status("azure", status, key="THE_KEY", headers={"retry-after": "7"})
    assert type(error) is kind
    assert f"azure answered {status}" in str(error)
    assert ("THE_KEY" in str(error)) == (kind is CredentialsRefused)
    assert getattr(error, "asked_s", None) == (7.0 if kind is Refused else None)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "2.5"}, 2.5),
        ({"RETRY-AFTER": "0"}, 0.0),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "Fri, 27 Nov 2026 09:00:00 GMT"}, None),
        ({"Other": "3"}, None),
        ({}, None),
    ],
)
def test_how_long_a_service_asks_to_wait(headers: Mapping[str, str], expected: float | None) -> None:
    assert retry_after_s(headers) == expected


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (("hello", 0.5, 1.0, 0.9), word("hello", 0.5, 1.0, 0.9)),
        ((" hello ", "0.5", "1.0", "0.9"), word("hello", 0.5, 1.0, 0.9)),
        (("hello", -1.0, 9.0, 7), word("hello", 0.0, 2.0, 1.0)),
        (("hello", 1.5, 0.5, -7), word("hello", 1.5, 1.5, 0.0)),
        (("hello", 3.0, 4.0, None), word("hello", 2.0, 2.0, None)),
        (("hello", 0.5, 1.0, "nan"), word("hello", 0.5, 1.0, None)),
        (("hello", None, 1.0, 0.9), None),
        (("hello", 0.5, "soon", 0.9), None),
        (("hello", float("inf"), 1.0, 0.9), None),
        ((None, 0.5, 1.0, 0.9), None),
    ],
)
def test_words_lie_within_their_audio_or_have_no_times_at_all(
    item: tuple[Any, Any, Any, Any], expected: Word | None
) -> None:
    good = ("good", 0.0, 0.1, 0.5)
    found = words_of([good, item], 2.0)
    assert found == (None if expected is None else (word("good", 0.0, 0.1, 0.5), expected))


@pytest.mark.parametrize(
    ("value", "expected"), [(0.4, 0.4), ("0.4", 0.4), (1.5, 1.0), (-0.5, 0.0), ("much", None), (None, None)]
)
def test_a_confidence_is_a_share(value: object, expected: float | None) -> None:
    assert share(value) == expected


def test_the_mean_is_of_the_confidences_that_are_known() -> None:
    words = [word("a", 0.0, 0.1, 0.5), word("b", 0.1, 0.2, None), word("c", 0.2, 0.3, 1.0)]
    assert mean_confidence(words) == 0.75
    assert mean_confidence(words[1:2]) is None
    assert mean_confidence([]) is None
