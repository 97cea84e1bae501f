"""Trend, lowest point and who turned the mood."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analysis.records import CallSentiment, ChunkSentiment, Sentiment
from analysis.sentiment.whole_call import summarise_call
from pipeline.config.sentiment import CallMoodSettings
from pipeline.records import Role
from tests.analysis.sentiment.conftest import MakeCall

A, C = Role.AGENT, Role.CLIENT
BAD, MILD, GOOD = Sentiment(0.8, 0.1, 0.1), Sentiment(0.1, 0.8, 0.1), Sentiment(0.1, 0.1, 0.8)


def _summary(
    make_call: MakeCall, lines: Sequence[tuple[Role, float, float, Sentiment | None]], duration_s: float = 40.0
) -> CallSentiment:
    call = make_call([(role, start, end, "x") for role, start, end, _ in lines], duration_s=duration_s)
    found = [
        ChunkSentiment(channel=chunk.channel, ordinal=chunk.ordinal, sentiment=line[3], reason="short")
        for chunk, line in zip(call.transcript.chunks, lines, strict=True)
    ]
    return summarise_call(call.transcript.chunks, found, duration_s, CallMoodSettings())


def test_weighted_by_speech_duration_with_quarters_and_the_lowest_point(make_call: MakeCall) -> None:
    summary = _summary(make_call, [(C, 0, 3, BAD), (C, 8, 12, MILD), (C, 30.0, 30.2, BAD), (C, 35, 36, None)])
    (role,) = summary.roles
    assert role.sentiment is not None
    assert role.sentiment.negative == pytest.approx((3 * 0.8 + 4 * 0.1 + 0.2 * 0.8) / 7.2)
    assert role.quarters[0] == pytest.approx((-0.7 * 3 + 0 * 2) / 5)
    assert role.quarters[1] == pytest.approx(0.0)
    assert role.quarters[2] is None
    assert role.quarters[3] == pytest.approx(-0.7)
    assert role.lowest_at_s == 0
    assert role.lowest_score == pytest.approx(-0.7)


def test_whoever_spoke_before_the_clients_mood_changed_turned_it(make_call: MakeCall) -> None:
    summary = _summary(
        make_call,
        [(C, 0, 3, BAD), (A, 3, 5, MILD), (C, 5, 8, BAD), (A, 8, 11, GOOD), (C, 11, 14, GOOD), (C, 15, 18, GOOD)],
    )
    assert (summary.mood_turned_by, summary.mood_turned_at_s) == (A, 11)
    alone = _summary(make_call, [(C, 0, 3, BAD), (C, 5, 8, BAD), (C, 11, 14, GOOD), (C, 15, 18, GOOD)])
    assert (alone.mood_turned_by, alone.mood_turned_at_s) == (C, 11)


@pytest.mark.parametrize("moods", [[BAD, BAD, BAD, BAD], [BAD, GOOD], [MILD, MILD, MILD, MILD], []])
def test_no_turn_without_two_levels_that_last(make_call: MakeCall, moods: list[Sentiment]) -> None:
    summary = _summary(make_call, [(C, 4.0 * at, 4.0 * at + 3, mood) for at, mood in enumerate(moods)])
    assert summary.mood_turned_by is None


def test_a_role_without_values_keeps_the_reason(make_call: MakeCall) -> None:
    (role,) = _summary(make_call, [(A, 0, 1, None)]).roles
    assert (role.sentiment, role.reason, role.quarters) == (None, "short", ())
