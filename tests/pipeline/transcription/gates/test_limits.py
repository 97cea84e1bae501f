"""Where each gate begins to fire: a case at its limit, and one just beyond."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.records import Word
from pipeline.transcription.engine import SegmentResult
from pipeline.transcription.gates.activity import Activity
from pipeline.transcription.gates.trust import GATES, heard
from tests.pipeline.transcription.fakes import request, silence

LIMITS = TrustGateSettings(
    silence_dbfs=-60, min_dynamics_db=6, speech_without_text_min_s=1, max_words_per_s=2, max_letters_per_s=20,
    rate_grace_s=0.5, max_repeats=3, max_phrase_repeats=2, max_compression_ratio=50, echo_min_terms=3, echo_share=0.75,
    truncation_tail_s=3, truncation_min_words_per_s=0.25, truncation_min_s=8, wrong_script_share=0.5,
    wrong_script_min_letters=4, mixed_script_share=0.25,
)  # fmt: skip
TERMS = "Visa, card, branch number"


def fires(gate: str, text: str, language: str | None = "en", context: str = "", **told: Any) -> bool:
    """`told`: of the result (`words`, `flags`, `confidence`) and of the sound; ten lively, loud seconds by default."""
    sound = {"duration_s": 10.0, "active_s": 4.0, "loudest_dbfs": -20.0, "dynamics_db": 20.0, "last_active_s": 10.0}
    activity = Activity(**{name: told.pop(name, value) for name, value in sound.items()})
    limit = told.pop("low_confidence", None)
    result = SegmentResult(key="k", text=text, language=language, **told)
    case = heard(request(silence(1), language=language, context=context), result, activity, limit)
    return GATES[gate](case, LIMITS)


def until(end_s: float) -> tuple[Word, ...]:
    return (Word(text="one", start_s=0.0, end_s=end_s),)


@pytest.mark.parametrize(
    ("gate", "text", "told", "expected"),
    [
        ("speech_without_text", "", {"active_s": 1.0, "dynamics_db": 6.0}, True),
        ("speech_without_text", "", {"active_s": 0.99, "dynamics_db": 6.0}, False),
        ("speech_without_text", "", {"active_s": 1.0, "dynamics_db": 5.9}, False),
        ("speech_without_text", "a", {}, False),
        ("text_without_speech", "a", {"loudest_dbfs": -60.0}, False),
        ("text_without_speech", "a", {"loudest_dbfs": -60.1}, True),
        ("text_without_speech", "a", {"dynamics_db": 6.0}, False),
        ("text_without_speech", "a", {"dynamics_db": 5.9}, True),
        ("text_without_speech", "", {"dynamics_db": 0.0}, False),
        ("low_confidence", "a", {"low_confidence": 0.5, "confidence": 0.5}, False),
        ("low_confidence", "a", {"low_confidence": 0.5, "confidence": 0.49}, True),
        ("low_confidence", "", {"low_confidence": 0.5, "confidence": 0.0}, False),
        ("low_confidence", "a", {"low_confidence": 0.5}, False),
        ("low_confidence", "a", {"confidence": 0.0}, False),
        ("context_echo", "visa card branch number", {"context": TERMS}, True),
        ("context_echo", "visa card branch number please", {"context": TERMS}, True),
        ("context_echo", "visa please branch number card no", {"context": TERMS}, False),
        ("context_echo", "visa card branch card card", {"context": TERMS}, False),
        ("context_echo", "visa card visa card", {"context": TERMS}, False),
        ("context_echo", "visa card branch number", {}, False),
        ("loop", "no no no", {}, False),
        ("loop", "no no no no", {}, True),
        ("loop", "we go we go", {}, False),
        ("loop", "we go we go we go", {}, True),
        ("loop", "we go so we go so", {}, False),
        ("loop", "we go so we go so we go so", {}, True),
        ("loop", " ".join(["7"] * 16), {}, False),
        ("loop", " ".join(["7"] * 17), {}, True),
        ("loop", "", {}, False),
        ("truncation", "a b", {"words": until(7.0)}, False),
        ("truncation", "a b", {"words": until(6.9)}, True),
        ("truncation", "a b", {"words": until(6.9), "dynamics_db": 5.9}, False),
        ("truncation", "a b", {"active_s": 8.0}, False),
        ("truncation", "a b", {"active_s": 8.1}, True),
        ("truncation", "a", {"active_s": 7.9}, False),
        ("truncation", "a", {"active_s": 8.0}, True),
        ("truncation", "abcdefghij", {"active_s": 8.0}, False),
        ("truncation", "abcdefghi", {"active_s": 8.0}, True),
        ("truncation", "", {"active_s": 9.0}, False),
        ("truncation", "", {"active_s": 9.0, "flags": ("decode_truncated",)}, True),
        ("words_per_second", "a b c", {"duration_s": 1.0}, False),
        ("words_per_second", "a b c d", {"duration_s": 1.0}, True),
        ("words_per_second", "a" * 30, {"duration_s": 1.0}, False),
        ("words_per_second", "a" * 31, {"duration_s": 1.0}, True),
        ("wrong_script", "ab вг", {}, False),
        ("wrong_script", "ab вгд", {}, True),
        ("wrong_script", "вгд", {}, False),
        ("wrong_script", "вгде", {"language": "ru"}, False),
        ("wrong_script", "abc в", {"language": None}, False),
        ("wrong_script", "ab вг", {"language": None}, True),
        ("wrong_script", "12 34", {"language": None}, False),
    ],
)
def test_a_gate_fires_from_its_limit_on(gate: str, text: str, told: dict[str, Any], expected: bool) -> None:
    assert fires(gate, text, **told) is expected


@pytest.mark.parametrize(("least_chars", "expected"), [(59, True), (60, True), (61, False)])
def test_a_short_text_compresses_as_it_will(least_chars: int, expected: bool) -> None:
    text = "a" * 30 + " " + "b" * 29
    limits = LIMITS.model_copy(update={"compression_min_chars": least_chars, "max_compression_ratio": 3.0})
    still = Activity(duration_s=10.0, active_s=4.0, loudest_dbfs=-20.0, dynamics_db=20.0, last_active_s=10.0)
    case = heard(request(silence(1)), SegmentResult(key="k", text=text, language="en"), still, None)
    assert GATES["loop"](case, limits) is expected
