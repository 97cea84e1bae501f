"""By what an answer is found again that a model gave on an item it had not learned from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.training.judging.held_out import item_keys
from analysis.training.labelled.labels import LabelledItem


@pytest.mark.parametrize(
    ("kind", "by_words", "by_sound"),
    [("text", True, False), ("topics", True, False), ("acoustic", False, True), ("fusion", True, True)],
)
def test_an_items_key_depends_on_what_its_kind_of_model_reads(
    tmp_path: Path, kind: str, by_words: bool, by_sound: bool
) -> None:
    (tmp_path / "one.wav").write_bytes(b"one")
    (tmp_path / "other.wav").write_bytes(b"other")
    item = LabelledItem(row=1, label="good", group="a", text="thank you", audio=tmp_path / "one.wav", start_s=0.0)

    def key(changed: LabelledItem) -> str:
        (found,) = item_keys([changed], kind)
        return found

    assert key(replace(item, row=2, label="bad", text=" thank  you ")) == key(item)
    assert (key(replace(item, text="no")) != key(item)) is by_words
    assert (key(replace(item, audio=tmp_path / "other.wav")) != key(item)) is by_sound
    assert (key(replace(item, start_s=1.0)) != key(item)) is by_sound
    assert len(key(replace(item, audio=None))) == 16
