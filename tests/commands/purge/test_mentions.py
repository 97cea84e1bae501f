"""Names of erased recordings in texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.purge.mentions import ERASED, Mentions

NAMES = ("a.wav", "my call.wav", "call (1)", "file:///in/a.wav", "/in/a.wav", "1f0c", "über & co.wav")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a.wav", ERASED),
        ("a.wav: bad header", f"{ERASED}: bad header"),
        ("skipped a.wav.", f"skipped {ERASED}."),
        ('"a.wav", "b.wav"', f'"{ERASED}", "b.wav"'),
        ("extra.wav a.wav2 a.wav.txt", "extra.wav a.wav2 a.wav.txt"),
        ("read file:///in/a.wav!", f"read {ERASED}!"),
        ("cannot open /in/a.wav", f"cannot open {ERASED}"),
        ("cannot open /out/a.wav", f"cannot open /out/{ERASED}"),
        ("my call.wav and call.wav", f"{ERASED} and call.wav"),
        ("call (1) of two", f"{ERASED} of two"),
        ("<td>über &amp; co.wav</td>", f"<td>{ERASED}</td>"),
        ("call 1f0c failed, 1f0c0 did not", f"call {ERASED} failed, 1f0c0 did not"),
        ("a.wava.wav", "a.wava.wav"),
    ],
)
def test_a_name_counts_as_a_whole(text: str, clean: str) -> None:
    assert Mentions(NAMES).scrubbed(text) == clean


def test_json_is_scrubbed_in_keys_and_values() -> None:
    content = {"a.wav": [{"file": "a.wav", "n": 1, "ok": True, "none": None}], "b": "a.wav: x"}
    assert Mentions(["a.wav"]).scrub(content) == {
        ERASED: [{"file": ERASED, "n": 1, "ok": True, "none": None}],
        "b": f"{ERASED}: x",
    }


PIECES = st.text("ab.- /:", min_size=1, max_size=6)


@given(st.lists(PIECES, max_size=4), st.lists(PIECES, max_size=12))
def test_no_name_stands_alone_afterwards(names: list[str], parts: list[str]) -> None:
    """Between spaces or quotes, whatever else the text holds."""
    wanted = [name for name in names if any(character in "ab.-" for character in name)]
    text = json.dumps(parts + wanted)
    clean = Mentions(wanted).scrubbed(text)
    for name in wanted:
        assert f'"{name}"' not in clean
    assert Mentions([]).scrubbed(text) == text
