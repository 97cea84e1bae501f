"""Calls and stretches of speech for pages, without a database."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

from db.queries.dashboard import Dashboard, OfAgent, Totals
from db.queries.listing import ListedCall
from db.queries.reading import ShownCall, ShownChunk
from pipeline.records import CallStatus, Role

HOSTILE = '<script>alert("x")</script>&amp;<b>\' onmouseover="x'
NEGATIVE = {"negative": 0.8, "neutral": 0.15, "positive": 0.05}
POSITIVE = {"negative": 0.05, "neutral": 0.15, "positive": 0.8}


def shown_call(**changes: Any) -> ShownCall:
    """A call of which nothing is known but what `changes` says."""
    values: dict[str, Any] = {field.name: None for field in dataclasses.fields(ShownCall)}
    values |= {
        "call_id": "253dc89d-dfac-5d46-ba44-28c0c519a4f3",
        "file_name": "a.wav",
        "source_uri": "file:///calls/a.wav",
        "source_size_bytes": 10,
        "metadata": {},
        "flags": (),
        "status": CallStatus.DONE,
        "moods": {},
        "sentiment_trends": {},
        "missing_reasons": {},
        "asr_passed_over": (),
        "processed_at": datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
        "duration_s": 30.0,
    }
    return ShownCall(**(values | changes))


def shown_chunk(start_s: float, end_s: float, text: str = "one two", **changes: Any) -> ShownChunk:
    """A stretch in which somebody speaks all the time."""
    values: dict[str, Any] = {
        "channel": 0,
        "ordinal": 0,
        "role": Role.CLIENT,
        "start_s": start_s,
        "end_s": end_s,
        "text": text,
        "words": None,
        "confidence": 0.9,
        "language": "en",
        "flags": (),
        "speech": ((start_s, end_s),),
        "fusion_probabilities": None,
        "text_probabilities": None,
        "acoustic_probabilities": None,
    }
    return ShownChunk(**(values | changes))


def listed_call(**changes: Any) -> ListedCall:
    """A row of the list, of which as little is known."""
    values: dict[str, Any] = {field.name: None for field in dataclasses.fields(ListedCall)}
    values |= {"call_id": "253dc89d-dfac-5d46-ba44-28c0c519a4f3", "file_name": "a.wav", "status": CallStatus.DONE}
    values |= {
        "flags": ("clipped",),
        "missing_reasons": {},
        "attention": ("A rule",),
        "rules": ("a_rule",),
        "scorecards": (),
    }
    return ListedCall(**(values | changes))


def dashboard(agents: int) -> Dashboard:
    """Of so many agents, the first with the most calls; nothing else is known of their calls."""
    found = tuple(
        OfAgent(
            agent_id=f"{4000 + number}", calls=agents - number, mean_duration_s=60.0, negative=1,
            with_mood=agents - number, agent_talk_share=0.5, silence_share=0.1, interruptions=0.0, with_interruptions=1,
        )
        for number in range(agents)
    )  # fmt: skip
    calls = sum(one.calls for one in found)
    totals = Totals(
        calls=calls, failed=0, undated=calls, duration_s=60.0 * calls, measured=calls, negative=agents, neutral=0,
        positive=0, silence_share=0.1, client_talk_share=0.4, agent_talk_share=0.5, demonstration=0, attention=0,
        judged=calls, partly_judged=0, agents=agents, first_day=None, last_day=None,
    )  # fmt: skip
    return Dashboard(
        totals=totals,
        period="day",
        periods=(),
        topics=(),
        agents=found,
        tenths=(),
        failures=(),
        rules=(),
        scorecards=(),
    )
