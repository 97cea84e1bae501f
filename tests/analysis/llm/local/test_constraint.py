"""How a reply is held and brought to its end, with a grammar that lets everything through: letters are tokens."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from analysis.llm.local.grammar import Constraint

VOCABULARY = 128
END = 0


class Letters:
    """As the matcher of llguidance: any of `allowed` may follow, until `stop` is taken."""

    def __init__(self, allowed: str, stop: str = "") -> None:
        self._allowed, self._stop, self.taken = {ord(letter) for letter in allowed}, stop, ""

    def is_stopped(self) -> bool:
        return bool(self._stop) and self.taken.endswith(self._stop)

    def is_error(self) -> bool:
        return False

    def consume_token(self, token: int) -> None:
        self.taken += chr(token)

    def compute_ff_tokens(self) -> list[int]:
        return [ord("{"), ord('"')] if not self.taken else []

    def unsafe_compute_mask_ptr(self, address: int, size: int) -> None:
        import ctypes

        bits = np.zeros(VOCABULARY, dtype=np.uint8)
        bits[list(self._allowed)] = 1
        ctypes.memmove(address, np.packbits(bits, bitorder="little").tobytes(), size)


def constraint(
    allowed: str = '{"}],:abcdefghijklmnopqrstuvwxyz. TI1', *, stop: str = "", most: int = 500, closers: str = '"}],'
) -> Constraint:
    tokenizer = SimpleNamespace(
        vocab_size=VOCABULARY, eos_token=END, decode_bytes=lambda tokens: "".join(map(chr, tokens)).encode()
    )
    singles = {ord(letter): ord(letter) for letter in closers}
    grammar: Any = SimpleNamespace(tokenizer=tokenizer, singles=singles, landing_tokens=10)
    return Constraint(grammar, Letters(allowed, stop), most)


def written(made: Constraint, text: str) -> Constraint:
    for letter in text:
        made.take(ord(letter))
    return made


def allowed(made: Constraint) -> str:
    return "".join(chr(token) for token in np.flatnonzero(made.allowed()))


AGAIN = '{"a": "The card is lost. The card is lost.'


@pytest.mark.parametrize(
    ("text", "closers", "only"),
    [
        (AGAIN, '"}],', '"'),
        (AGAIN, "}],", None),  # no token is just the mark
        (AGAIN + " ", '"}],', None),
        (AGAIN + " I", '"}],', None),
        (AGAIN[:-1], '"}],', None),
        ('{"a": "The card is lost. It is red.', '"}],', None),
    ],
)
def test_a_sentence_said_again_ends_its_string(text: str, closers: str, only: str | None) -> None:
    made = written(constraint(closers=closers), text)
    everything = "".join(sorted('{"}],:abcdefghijklmnopqrstuvwxyz. TI1'))
    assert allowed(made) == (everything if only is None else only)
    assert not made.landed


@pytest.mark.parametrize(
    ("text", "may", "only"),
    [
        ('{"a', '"}],b', '"'),
        ('{"a": 1', '"}],1', "}"),
        ('{"a": [1', '"],1', "]"),
        ('{"a": 1', '",1', ","),
        ('{"a": 1', '1"', None),
        ('{"a', "}],b", None),
    ],
)
@pytest.mark.parametrize("hurried", [True, False])
def test_near_its_end_what_is_open_is_closed(text: str, may: str, only: str | None, hurried: bool) -> None:
    """The mark of the string within one, else a bracket, else the comma of more that must follow."""
    made = constraint(may, most=500 if hurried else len(text) + 10)
    written(made, text[:-1])
    assert allowed(made) == "".join(sorted(may))
    written(made, text[-1])
    if hurried:
        assert allowed(made) == "".join(sorted(may))
        made.hurry()
    assert allowed(made) == ("".join(sorted(may)) if only is None else only)
    assert made.landed is (only is not None)


def test_a_reply_that_is_over_takes_no_more() -> None:
    made = written(constraint(stop="}"), '{"a": 1}')
    assert (made.over, made.fault, len(made.tokens)) == (True, None, 8)
    made.take(ord("x"))
    assert (len(made.tokens), made.forced()) == (8, [])
    assert np.flatnonzero(made.allowed()).tolist() == [END]


def test_what_every_reply_begins_with_is_taken_at_once() -> None:
    made = constraint()
    assert made.forced() == [ord("{"), ord('"')]
    assert made.tokens == [ord("{"), ord('"')]
    assert (made.forced(), made.landing_tokens) == ([], 10)
