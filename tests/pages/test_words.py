"""Flags in words."""

from __future__ import annotations

import re

from pages.words import CALL_FLAGS, CHUNK_FLAGS, ORDINARY, call_flag, chunk_flag
from pipeline.records import DOUBTFUL, ORDERS_FLAG
from tests.house import PROJECT


def test_every_flag_that_the_pipeline_sets_has_words() -> None:
    """Flags are added as text or named by a constant; the page showed `gaps_filled` as it stands."""
    known = set(CALL_FLAGS) | set(CHUNK_FLAGS)
    set_there = set(DOUBTFUL)
    for path in (PROJECT / "pipeline").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        set_there |= set(re.findall(r'flags\.(?:add|append)\("([a-z_]+)"\)', text))
        set_there |= set(re.findall(r'flags=\("([a-z_]+)",\)', text))
    assert len(set_there) > 25
    assert set_there - known == set()


def test_who_speaks_to_a_model_is_told_of_in_words() -> None:
    """The flag is set by topic and summary, not by the pipeline, and is no ordinary one: the page shows it above."""
    assert "speaks to a language model" in call_flag(ORDERS_FLAG)
    assert ORDERS_FLAG not in ORDINARY


def test_an_unknown_flag_is_shown_as_it_stands() -> None:
    assert call_flag("brand_new") == "Brand new"
    assert chunk_flag("brand_new") == "brand new"
    assert call_flag("started_at_ambiguous") == "Started at can be read in two ways"
    assert "energy" in call_flag("vad_fallback_energy")


def test_flags_of_its_parts_are_told_of_a_call_in_words() -> None:
    """The call's page said "Speech without text cured"."""
    assert call_flag("low_confidence") == "In places: the recogniser is far from sure of it"
    assert "low_confidence" not in ORDINARY
    assert "speech_without_text_cured" in ORDINARY
    assert call_flag("speech_without_text_cured").startswith("In places: recognised again")
