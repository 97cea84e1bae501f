"""What is told of an error: ours whole, of others nothing that may quote a call."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from pipeline.errors import (
    MemoryExhausted,
    SourceUnreadable,
    TransientError,
    UnforeseenError,
    described,
    portable,
    told,
    traceback_text,
)

WORDS = "my card is 4111 1111 1111 1111"


class Diagnosed(psycopg.Error):
    """As psycopg raises what the server says."""

    def __init__(self, state: str | None, said: str) -> None:
        super().__init__(f"{said}\nDETAIL: row holds {WORDS}")
        self._said = said
        self.sqlstate = state

    @property
    def diag(self) -> Any:
        return type("Diagnosis", (), {"message_primary": self._said})()


Diagnosed.__module__ = "psycopg.errors"


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - the place of raising is part of it
        return caught


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SourceUnreadable("a.wav: cannot be read"), "a.wav: cannot be read"),
        (FileNotFoundError(2, "No such file or directory"), "FileNotFoundError: [Errno 2] No such file or directory"),
        (ValueError(), "ValueError"),
        (UnicodeDecodeError("utf-8", WORDS.encode(), 0, 1, "odd byte"), "UnicodeDecodeError: odd byte"),
        (json.JSONDecodeError("No value", WORDS, 0), "JSONDecodeError: No value: line 1 column 1 (char 0)"),
        (Diagnosed("23505", "duplicate key value"), "Diagnosed: duplicate key value"),
        (Diagnosed("22P02", f"invalid input: {WORDS}"), "its text of"),
        (psycopg.OperationalError("connection refused"), "OperationalError: connection refused"),
    ],
)  # fmt: skip
def test_an_error_is_told_without_anybodys_words(error: Exception, expected: str) -> None:
    said = described(raised(error))
    assert expected in said
    assert "4111" not in said


def test_of_an_error_that_may_quote_the_place_and_the_length_are_told() -> None:
    said = described(raised(ValueError(WORDS)))
    assert said.startswith("ValueError: raised in test_errors.py:")
    hidden = f"its text of {len(WORDS)} characters may quote the call and is not shown"
    assert said.endswith(f", {hidden}")
    assert described(ValueError(WORDS)) == f"ValueError: {hidden}"


def test_our_own_errors_are_told_whole_and_described_in_part() -> None:
    long = SourceUnreadable("a" * 3000)
    assert told(long) == "a" * 3000
    assert len(described(long)) < 2100
    assert told(ValueError(WORDS)) == described(ValueError(WORDS))


def test_a_traceback_tells_what_led_to_what_from_the_first_to_the_last() -> None:
    try:
        try:
            raise ValueError(WORDS)
        except ValueError as first:
            raise SourceUnreadable("a.wav: odd") from first
    except SourceUnreadable as last:
        text = traceback_text(last)
    assert text.index("ValueError") < text.index("This led to:") < text.index("a.wav: odd")
    assert "4111" not in text


@pytest.mark.parametrize("suppressed", [True, False])
def test_a_context_that_is_suppressed_is_not_told(suppressed: bool) -> None:
    last = SourceUnreadable("second")
    last.__context__ = raised(KeyError("first"))
    last.__suppress_context__ = suppressed
    assert ("KeyError" in traceback_text(raised(last))) == (not suppressed)


def test_any_error_crosses_to_another_process_as_one_of_ours() -> None:
    ours = SourceUnreadable("a.wav")
    assert portable(ours) is ours
    assert isinstance(portable(MemoryError()), MemoryExhausted)
    unforeseen = portable(raised(KeyError(WORDS)))
    assert isinstance(unforeseen, UnforeseenError)
    assert "4111" not in f"{unforeseen}{unforeseen.traceback}"
    assert unforeseen.message.startswith("KeyError")
    assert "test_errors.py" in (unforeseen.traceback or "")
    assert issubclass(SourceUnreadable, TransientError)
