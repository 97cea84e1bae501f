"""Tokens as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.access.token_text import Mistyped, new_token, parsed
from pipeline.masking import masked

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567_-ABC018 "


def test_a_token_is_read_back() -> None:
    token = new_token()
    assert parsed(token.text) == token
    assert len({new_token().text for _ in range(100)}) == 100
    assert token.text not in repr(token)


TOKEN = new_token().text


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(place: int, character: str) -> None:
    text = TOKEN[:place] + character + TOKEN[place + 1 :]
    if text != TOKEN:
        with pytest.raises(Mistyped):
            parsed(text)


@given(st.text(max_size=100) | st.integers(0, len(TOKEN) - 1).map(lambda length: TOKEN[:length]))
def test_other_text_is_no_token(text: str) -> None:
    with pytest.raises(Mistyped):
        parsed(text)


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_token_is_masked_wherever_it_turns_up(before: str, after: str) -> None:
    secret = TOKEN.split("_")[2]
    assert secret not in masked(f"{before} {TOKEN} {after}")
    assert secret[:40] not in masked(f"{before} {TOKEN[:60]}")
