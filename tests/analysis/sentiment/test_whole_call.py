"""Trend, lowest point and who turned the mood."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analysis.records import CallSentiment, Change, ChunkSentiment, Sentiment, SentimentLabel
from analysis.sentiment.steps import build_sentiment_steps
from analysis.sentiment.whole_call import summarise_call
from pipeline.config.areas.sentiment import CallMoodSettings, SentimentSettings
from pipeline.records import Role
from tests.analysis.sentiment.conftest import MakeCall

A, C = Role.AGENT, Role.CLIENT
FAIR = Sentiment(0.2, 0.4, 0.4)
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


def test_a_role_is_what_shows_a_mood_with_quarters_and_the_lowest_point(make_call: MakeCall) -> None:
    summary = _summary(make_call, [(C, 0, 3, BAD), (C, 8, 12, MILD), (C, 30.0, 30.2, BAD), (C, 35, 36, None)])
    (role,) = summary.roles
    assert role.sentiment is not None
    weights = 3 * 0.9**2, 4 * 0.2**2, 0.2 * 0.9**2
    negative, telling = weights[0] * 0.8 + weights[1] * 0.1 + weights[2] * 0.8, sum(weights)
    assert role.sentiment.negative == pytest.approx(negative / (telling + CallMoodSettings().neutral_s))
    assert role.quarters[0] == pytest.approx((-0.7 * 3 + 0 * 2) / 5)
    assert role.quarters[1] == pytest.approx(0.0)
    assert role.quarters[2] is None
    assert role.quarters[3] == pytest.approx(-0.7)
    assert role.lowest_at_s == 0
    assert role.lowest_score == pytest.approx(-0.7)


def test_a_long_line_shows_no_more_mood_than_a_short_one(make_call: MakeCall) -> None:
    longest_s = CallMoodSettings().longest_line_s
    moods = [_summary(make_call, [(C, 0, end_s, BAD)]).roles[0].sentiment for end_s in (longest_s, 8 * longest_s)]
    assert moods[0] is not None
    assert moods[0] == moods[1]


def test_whoever_spoke_before_the_clients_mood_changed_turned_it(make_call: MakeCall) -> None:
    summary = _summary(
        make_call,
        [(C, 0, 3, BAD), (A, 3, 5, MILD), (C, 5, 8, BAD), (A, 8, 11, GOOD), (C, 11, 14, GOOD), (C, 15, 18, GOOD)],
    )
    assert (summary.mood_turned_by, summary.mood_turned_at_s) == (A, 11)
    alone = _summary(make_call, [(C, 0, 3, BAD), (C, 5, 8, BAD), (C, 11, 14, GOOD), (C, 15, 18, GOOD)])
    assert (alone.mood_turned_by, alone.mood_turned_at_s) == (C, 11)


def test_which_way_the_mood_turned_and_at_which_line(make_call: MakeCall) -> None:
    better = _summary(
        make_call,
        [(C, 0, 3, BAD), (A, 3, 5, MILD), (C, 5, 8, BAD), (A, 8, 11, GOOD), (C, 11, 14, GOOD), (C, 15, 18, GOOD)],
    )
    assert better.mood_turned_to is Change.BETTER
    assert better.mood_turned_line is not None
    assert (better.mood_turned_line.start_s, better.mood_turned_line.chunk) == (8, 1)
    worse = _summary(make_call, [(C, 0, 3, GOOD), (C, 5, 8, GOOD), (A, 8, 11, BAD), (C, 11, 14, BAD), (C, 15, 18, BAD)])
    assert (worse.mood_turned_by, worse.mood_turned_to) == (A, Change.WORSE)
    lowest = next(role for role in worse.roles if role.role is C).lowest_line
    assert lowest is not None
    assert (lowest.start_s, lowest.chunk) == (11, 2)


def test_a_listeners_words_turn_no_mood(make_call: MakeCall) -> None:
    lines = [
        (A, 0, 9, "The money is back in your account."),
        (C, 1, 2, "mm-hm"),
        (C, 3, 4, "okay"),
        (C, 9.5, 12, "Lovely."),
    ]
    said = [(C, -9.0, -6, "Terrible."), (C, -5.0, -2, "Awful."), *lines, (C, 13, 15, "Great.")]
    call = make_call([(role, start + 10, end + 10, text) for role, start, end, text in said], duration_s=40)
    moods = {"Terrible.": BAD, "Awful.": BAD, "Lovely.": GOOD, "Great.": GOOD}
    found = [
        ChunkSentiment(channel=one.channel, ordinal=one.ordinal, sentiment=moods.get(one.text), reason=None)
        for one in call.transcript.chunks
    ]

    def turned_by(language: str | None) -> Role | None:
        return summarise_call(call.transcript.chunks, found, 40, CallMoodSettings(), language=language).mood_turned_by

    assert (turned_by("en"), turned_by(None)) == (A, C)


@pytest.mark.parametrize(
    "moods",
    [
        [BAD, BAD, BAD, BAD],
        [BAD, GOOD],
        [MILD, MILD, MILD, MILD],
        [],
        [GOOD, GOOD, BAD, GOOD, GOOD],
        [GOOD, GOOD, GOOD, BAD, FAIR, BAD, FAIR, FAIR],
    ],
)
def test_no_turn_without_two_levels_that_last(make_call: MakeCall, moods: list[Sentiment]) -> None:
    summary = _summary(make_call, [(C, 4.0 * at, 4.0 * at + 3, mood) for at, mood in enumerate(moods)])
    assert summary.mood_turned_by is None


def test_a_chunk_past_the_end_lies_in_the_last_quarter(make_call: MakeCall) -> None:
    (role,) = _summary(make_call, [(C, 0, 3, MILD), (C, 42, 48, BAD)], duration_s=40.0).roles
    assert [None if score is None else round(score, 6) for score in role.quarters] == [0.0, None, None, -0.7]


def test_a_chunk_without_duration_still_counts(make_call: MakeCall) -> None:
    (role,) = _summary(make_call, [(C, 3, 3, BAD)]).roles
    assert role.sentiment is not None
    assert role.sentiment.negative > 0.1


def test_the_lowest_point_is_of_a_line_long_enough_to_be_judged(make_call: MakeCall) -> None:
    (role,) = _summary(make_call, [(C, 0, 0.2, BAD), (C, 5, 9, MILD)]).roles
    assert role.lowest_at_s == 5
    assert role.lowest_score == pytest.approx(0.0)
    (short,) = _summary(make_call, [(C, 0, 0.2, MILD), (C, 5, 5.2, BAD)]).roles
    assert short.lowest_at_s == 5


def test_a_role_without_values_keeps_the_reason(make_call: MakeCall) -> None:
    (role,) = _summary(make_call, [(A, 0, 1, None)]).roles
    assert (role.sentiment, role.reason, role.quarters) == (None, "short", ())


CALLS = {
    "the agent mends it": (
        A,
        "Oh, that would be great, thank you.",
        "c My internet has been down for three days and nobody calls me back.",
        "c This is ridiculous, I work from home and I am losing money.",
        "a I'm sorry to hear that. Let me check your line.",
        "c I already called twice and I got nothing but promises.",
        "a I see the fault. I can send an engineer this afternoon and refund the three days.",
        "c Oh, that would be great, thank you.",
        "a You will get a text message in ten minutes.",
        "c Perfect, thanks so much for your help.",
        "a You're welcome, goodbye.",
    ),
    "the agent spoils it": (
        A,
        "What? That is unacceptable, you promised me the money.",
        "c Hi, I'd like to ask about my refund, it would be great to know when it comes.",
        "a Sure, one moment.",
        "c Thank you, that's very kind.",
        "a Unfortunately your refund was rejected and I can do nothing about it.",
        "c What? That is unacceptable, you promised me the money.",
        "a Those are the rules.",
        "c This is terrible service, I want to cancel everything.",
        "c I am really disappointed and angry.",
    ),
    "business": (
        None,
        None,
        "a How can I help?",
        "c I'd like to change my address.",
        "a What is the new one?",
        "c 12 Green Street.",
        "c Can you confirm it by mail?",
        "a Yes.",
        "c Okay, that is all.",
    ),
    "angry to the end": (
        None,
        None,
        "c This is the worst company ever.",
        "a I am sorry.",
        "c I have been waiting for weeks, it's awful.",
        "a I can offer you a voucher.",
        "c I don't want a stupid voucher, I hate this.",
        "c You always say that and nothing happens, I'm furious.",
    ),
    "one bad moment": (
        None,
        None,
        "c Hello, thanks for taking my call, great.",
        "c Lovely weather, I hope you are well.",
        "a Your card was stopped.",
        "c What, that is awful.",
        "a It is active again now.",
        "c Oh wonderful, thank you.",
        "c That was great help, thanks.",
    ),
    "a polite goodbye": (
        None,
        None,
        "c My parcel arrived broken.",
        "a We can send you a new one in six weeks.",
        "c Six weeks is far too long, that's awful.",
        "c I am not happy with this at all.",
        "a Anything else?",
        "c No, thanks, bye.",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_who_turned_the_mood_of_calls_as_people_talk(make_call: MakeCall, name: str) -> None:
    by, line, *said = CALLS[name]
    lines = [({"a": A, "c": C}[one[0]], 4.0 * at, 4.0 * at + 3, one[2:]) for at, one in enumerate(map(str, said))]
    call = make_call(lines, duration_s=4.0 * len(said))
    payload = build_sentiment_steps(SentimentSettings())[0].run([call], [{}])[0].payload
    assert isinstance(payload, CallSentiment)
    assert payload.mood_turned_by == by
    at_s = payload.mood_turned_at_s
    assert [text for _, start_s, _, text in lines if start_s == at_s] == ([] if line is None else [line])


DELIGHT = Sentiment(0.02, 0.08, 0.9)
PLAIN, THANKS, COMPLAINT = Sentiment(0.02, 0.96, 0.02), Sentiment(0.05, 0.25, 0.7), Sentiment(0.85, 0.1, 0.05)


@pytest.mark.parametrize(
    ("moods", "label"),
    [
        ([PLAIN] * 30, SentimentLabel.NEUTRAL),
        ([PLAIN] * 30 + [THANKS], SentimentLabel.NEUTRAL),
        ([PLAIN] * 30 + [COMPLAINT] * 2, SentimentLabel.NEGATIVE),
        ([PLAIN] * 200 + [COMPLAINT] * 2 + [THANKS], SentimentLabel.NEGATIVE),
        ([PLAIN] * 30 + [DELIGHT] * 2 + [THANKS], SentimentLabel.POSITIVE),
        ([], None),
    ],
)
def test_a_calls_mood_is_not_the_sum_of_its_small_talk(
    make_call: MakeCall, moods: list[Sentiment], label: SentimentLabel | None
) -> None:
    lines = [(C, 3.0 * at, 3.0 * at + (1.0 if mood is THANKS else 2.5), mood) for at, mood in enumerate(moods)]
    roles = _summary(make_call, lines, duration_s=700.0).roles
    assert [role.sentiment.label for role in roles if role.sentiment] == ([label] if label else [])
