"""What a model's answers cost, and who was passed over."""

from __future__ import annotations

from analysis.asking import as_fallback, paid
from analysis.llm.provider import LLMAnswer
from analysis.results import done, failed
from pipeline.records import FALLBACK_MARK

FIRST = LLMAnswer(
    key="1", data={}, provider="a", model="m", tokens_in=10, tokens_out=1, cost_usd=0.5, latency_s=2.0,
    passed_over=("b: down",), services={"b": "down", "a": None},
)  # fmt: skip
LAST = LLMAnswer(key="1", data={}, provider="c", model="n", tokens_in=5, services={"c": None})


def test_all_answers_count_and_everybody_passed_over_is_named() -> None:
    result = paid(done("summary", "f", "x", "llm"), FIRST, LAST)
    assert (result.provider, result.model) == ("c", "n")
    assert (result.tokens_in, result.tokens_out, result.cost_usd, result.latency_s) == (15, 1, 0.5, 2.0)
    assert (result.fingerprint, result.reason) == (f"f{FALLBACK_MARK}", "passed over: b: down")
    assert result.services == {"b": "down", "a": None, "c": None}


def test_a_failure_names_them_once() -> None:
    assert paid(failed("summary", "f", "b: down"), FIRST).reason == "b: down"


def test_what_nobody_counted_is_unknown() -> None:
    assert paid(done("summary", "f", "x"), LAST).cost_usd is None


def test_a_fallback_says_why_after_what_it_says_itself() -> None:
    result = as_fallback(done("summary", "f", "x", "extractive", "short"), "b: down", [FIRST])
    assert (result.fingerprint, result.reason) == (f"f{FALLBACK_MARK}", "short; made without a language model: b: down")
