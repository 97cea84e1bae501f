"""Quota windows, label probabilities, schema bounds, configuration combinations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analysis.llm.limits import Ceiling, CeilingReached, MinuteWindow, QuotaWait, Spending
from analysis.llm.local.grammar import bounded, smallest_reply_bytes
from analysis.llm.providers.remote import retry_after_s
from pipeline.config.areas.llm import LanguageModelSettings


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0.5, 40)), max_size=40), st.floats(5, 60))
def test_no_minute_holds_more_than_the_quota(steps: list[tuple[float, float]], limit: float) -> None:
    clock = Clock()
    window = MinuteWindow(limit, "requests", clock, clock.sleep)
    taken: list[tuple[float, float]] = []
    for pause, units in steps:
        clock.now += pause
        window.take(units, within_s=1e9)
        taken.append((clock.now, min(units, limit)))
    for moment, _ in taken:
        inside = sum(units for at, units in taken if moment - 60 < at <= moment)
        assert inside <= limit + 1e-6


def test_quota_that_cannot_be_waited_for_is_said_at_once() -> None:
    clock = Clock()
    window = MinuteWindow(1, "bedrock requests", clock, clock.sleep)
    window.take(1, within_s=0)
    with pytest.raises(QuotaWait, match="bedrock requests"):
        window.take(1, within_s=59)
    assert clock.now == 1000.0
    window.take(1, within_s=61)
    assert clock.now == 1060.0


def test_ceiling_gives_back_what_was_not_spent() -> None:
    ceiling = Ceiling(None, 100)
    most = Spending(tokens_in=60, tokens_out=40, cost_usd=None)
    ceiling.set_aside(most)
    with pytest.raises(CeilingReached):
        ceiling.set_aside(Spending(tokens_in=1, tokens_out=0, cost_usd=None))
    ceiling.settle(most, Spending(tokens_in=10, tokens_out=5, cost_usd=None))
    assert ceiling.tokens == 15
    ceiling.set_aside(Spending(tokens_in=80, tokens_out=5, cost_usd=None))


def test_processes_of_one_run_keep_to_one_ceiling_and_a_killed_one_gives_nothing_back(tmp_path: Path) -> None:
    ledger = tmp_path / "run" / "llm_spent"
    first, second = (Ceiling(1.0, 1000, ledger) for _ in range(2))
    most = Spending(tokens_in=300, tokens_out=100, cost_usd=0.4)
    first.set_aside(most)
    second.set_aside(most)
    with pytest.raises(CeilingReached, match="800"):
        first.set_aside(most)
    second.settle(most, Spending(tokens_in=10, tokens_out=5, cost_usd=0.01))
    restarted = Ceiling(1.0, 1000, ledger)
    assert restarted.tokens == 415
    assert restarted.cost_usd == pytest.approx(0.41)


def test_several_processes_share_the_quota() -> None:
    chosen = LanguageModelSettings.model_validate(
        {"openai_chat": {"requests_per_minute": 90, "tokens_per_minute": 3000, "concurrency": 4}}
    )
    part = chosen.shared_by(3).openai_chat
    assert (part.requests_per_minute, part.tokens_per_minute, part.concurrency) == (30, 1000, 1)
    assert chosen.shared_by(1) == chosen


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, 0.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_every_string_list_and_number_is_bounded() -> None:
    schema = {
        "type": "object",
        "properties": {
            "topic": {"enum": ["a", "b"]},
            "maxItems": {"type": ["string", "null"]},
            "items": {"type": "array", "items": {"type": "object", "properties": {"who": {"type": "string"}}}},
            "own": {"type": "string", "maxLength": 5},
            "count": {"type": "integer"},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "date": {"type": "string", "format": "date"},
        },
    }
    got = bounded(schema, 50, 3)["properties"]
    assert got["topic"] == {"enum": ["a", "b"]}
    assert got["maxItems"]["maxLength"] == 50
    assert got["items"]["maxItems"] == 3
    assert got["items"]["items"]["properties"]["who"]["maxLength"] == 50
    assert got["own"]["maxLength"] == 5
    assert {"minimum", "maximum"} <= set(got["count"])
    assert got["either"]["anyOf"][0]["maxLength"] == 50
    assert "maxLength" not in got["date"]
    assert "maxLength" not in schema["properties"]["maxItems"], "the caller's schema is left as it was"  # type: ignore[index]


LEAVES = st.sampled_from(
    [
        ({"type": "string"}, ""),
        ({"enum": ["yes", "nöö"]}, "nöö"),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"const": "x" * 20}, "x" * 20),
        ({"type": "array", "items": {"type": "string"}}, []),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [False, False]),
        ({"type": ["string", "null"]}, None),
    ]
)


@given(st.dictionaries(st.text(max_size=6), LEAVES, max_size=6))
def test_smallest_reply_is_not_underrated(properties: dict[str, tuple[dict[str, Any], Any]]) -> None:
    schema = {
        "type": "object",
        "properties": {name: part for name, (part, _) in properties.items()},
        "required": list(properties),
    }
    smallest = {name: value for name, (_, value) in properties.items()}
    spelled = json.dumps(smallest, ensure_ascii=False, separators=(",", ":")).encode()
    assert len(spelled) <= smallest_reply_bytes(schema)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"providers": []}, "empty"),
    ({"providers": ["gpt"]}, "openai_chat"),
    ({"providers": ["extractive", "bedrock"], "bedrock": {"model": "m"}}, "put it last"),
    ({"providers": ["bedrock", "bedrock"], "bedrock": {"model": "m"}}, "twice"),
    ({"providers": ["bedrock"]}, "llm.bedrock.model is not set"),
    ({"providers": ["mlx_lm"], "mlx_lm": {"model": "owner/name"}}, "llm.mlx_lm.revision"),
    ({"providers": ["mlx_lm"], "mlx_lm": {"model": "owner/name", "revision": "main"}}, "branches move"),
    ({"providers": ["bedrock"], "bedrock": {"model": "m"}, "max_cost_usd": 1}, "input_usd_per_million_tokens"),
    ({"bedrock": {"input_usd_per_million_tokens": 1}}, "set both or none"),
    ({"openai_chat": {"structured": []}}, "json_schema"),
]


@pytest.mark.parametrize(("values", "said"), BAD)
def test_impossible_configurations_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        LanguageModelSettings.model_validate(values)
