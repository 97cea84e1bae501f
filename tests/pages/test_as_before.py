"""Every page of the reading room, full of what it can show, compared with what is kept beside this test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import pytest

from analysis.questions.records import Answer, Group, LineBefore, Quote, Searched, Sentence
from db.queries.chosen import CallFilter
from db.queries.dashboard import Dashboard, Failure, InPeriod, InTenth, OfAgent, RuleCount, ScorecardCount, TopicInWeek
from db.queries.listing import Choice, Total
from db.queries.live import ShownLiveCall, ShownLiveTurn
from db.queries.reading import ShownAnswer, ShownRule
from db.queries.references import Reference, ReferenceTurn
from db.queries.runs import UnfinishedRun
from db.queries.watch import CallToCorrect, NightFigure, WatchCounts
from pages.ask_page import ask_page
from pages.call_page import CallContent, Sound, call_page
from pages.correct_page import Correcting, correct_page
from pages.dashboard.page import dashboard_page
from pages.list_page import list_page
from pages.live_page import live_list_page, live_page
from pages.quality_page import GroupRate, Quality, quality_page
from pages.site import Site
from pipeline.intervals import Share
from pipeline.records import CallStatus, Role
from tests.pages.samples import NEGATIVE, POSITIVE, dashboard, listed_call, shown_call, shown_chunk
from tests.pinned import assert_pinned

AT = datetime(2026, 11, 20, 8, 30, 15, tzinfo=UTC)
MONDAY = date(2026, 9, 14)
SITE = Site(timezone="Europe/Berlin")
OFFERED = (
    Choice(kind="agent", value="A7", says="A7", calls=3),
    Choice(kind="queue", value="billing", says="billing", calls=2),
    Choice(kind="topic", value="Billing", says="Billing", calls=2),
    Choice(kind="flag", value="clipped", says="clipped", calls=2),
    Choice(kind="attention", value="threat", says="The customer wants to leave", calls=2),
    Choice(kind="scorecard", value="greeting:failed", says="Greeting", calls=1),
    Choice(kind="direction", value="inbound", says="inbound", calls=1),
)
SOUND = Sound(address="/calls/x/audio", waveform="/calls/x/peaks")
CHUNKS = [
    shown_chunk(0.5, 4.0, "Good morning, how can I help?", role=Role.AGENT, channel=1, fusion_probabilities=POSITIVE),
    shown_chunk(4.2, 9.0, "My bill is wrong again.", fusion_probabilities=NEGATIVE, ordinal=0, confidence=0.42),
    shown_chunk(8.5, 12.0, "I am sorry.", role=Role.AGENT, channel=1, ordinal=1, flags=("loop",)),
    shown_chunk(25.0, 29.0, "Thank you, bye.", ordinal=1, text_probabilities=POSITIVE),
]
CALL = shown_call(
    started_at=AT, duration_s=30.0, channels=2, sample_rate_hz=8000, container="wav", codec="pcm_s16le",
    direction="inbound", agent_id="A7", customer_segment="b2c", queue="billing", related_call="r-1", extension="204",
    metadata={"shop": "north"}, language="en", flags=("clipped", "one_sided"), topic="Billing", subtopic="Refund",
    topic_confidence=0.83, second_topic="Cards", second_subtopic=None, second_topic_confidence=0.4,
    topic_evidence=[{"quote": "My bill is wrong again.", "start_s": 4.2, "channel": 0, "ordinal": 0}],
    topic_catalogue="b2c",
    moods={Role.CLIENT: {"fusion": NEGATIVE, "text": POSITIVE}, Role.AGENT: {"fusion": POSITIVE}},
    sentiment_trends={"fusion": {Role.CLIENT: {"quarters": [0.05, -0.7, None, 0.4], "lowest_at_s": 4.2,
                                               "lowest_score": -0.7}}}, mood_turned_by="client", mood_turned_at_s=25.0,
    mood_turned_to="positive", mood_turned_line={"text": "Thank you, bye.", "start_s": 25.0, "role": "client"},
    summary="Reason for the call: “My bill is wrong again.”", summary_check="1 of 2 statements verified",
    summary_details={"reason": "The bill was wrong.", "outcome": "A refund.", "next_step": "None.",
                     "key_points": ["Paid twice."]},
    summary_evidence=[{"part": "reason", "text": "My bill is wrong again.", "role": "client", "start_s": 4.2,
                       "end_s": 9.0, "channel": 0, "chunk": 0}],
    action_items=[{"what": "Refund the money", "who": "agent", "by_when": "Friday"}], attention_weight=3.0,
    customer="4711", caller="0049", agent_talk_s=7.0, client_talk_s=8.8, agent_talk_share=0.233,
    client_talk_share=0.293, silence_s=14.7, silence_share=0.49, longest_silence_s=13.0, overtalk_s=0.5,
    agent_interruptions=1, client_interruptions=0, turns=4, agent_words_per_minute=77.1, client_words_per_minute=54.5,
    agent_longest_turn_s=3.5, client_longest_turn_s=4.8, first_response_s=0.2,
    missing_reasons={"topic": "no glossary", "attention": "1 rule"}, asr_engine="mlx_qwen3", asr_model="m@1",
    asr_passed_over=("deepgram: no key",), transcript_fingerprint="t" * 32,
)  # fmt: skip
RULES = [
    ShownRule(rule="threat", title="The customer wants to leave", reason="the customer said “wrong” at 0:04",
              quote="My bill is wrong again.", role=Role.CLIENT, start_s=4.2, weight=2.0, critical=True, occurrences=3),
    ShownRule(rule="long", title="A long silence", reason="13 s of silence", quote=None, role=None, start_s=None,
              weight=1.0, critical=False, occurrences=1),
]  # fmt: skip
ITEMS: tuple[tuple[str, Literal["yes", "no", "n/a"], float, str | None, float | None], ...] = (
    ("Greets", "yes", 1.0, "Good morning, how can I help?", 0.5),
    ("Says sorry", "no", 2.0, None, None),
    ("Says goodbye", "n/a", 1.0, None, None),
)
ANSWERS = [
    ShownAnswer(
        scorecard="manners", title="Manners", score=0.5, passed=False, item=item, question=f"{item}?", answer=answer,
        weight=weight, critical=answer == "no", reason=f"because of {item}", quote=quote, role=Role.AGENT,
        start_s=start_s,
    )
    for item, answer, weight, quote, start_s in ITEMS
]  # fmt: skip


def quote(call_id: str, **changes: Any) -> Quote:
    values: dict[str, Any] = {
        "call_id": call_id, "file_name": f"{call_id}.wav", "started_at": AT, "agent_id": "A7", "role": "client",
        "channel": 0, "ordinal": 1, "start_s": 65.4, "text": f"words of {call_id}", "likeness": 0.5, "rank": 0,
    }  # fmt: skip
    return Quote(**(values | changes))


MUCH = Group(quotes=tuple(quote(name) for name in ("a", "b", "c", "a", "b", "c")))
ANSWER = Answer(
    question="why?", found=True, groups=(MUCH, Group(quotes=(
        quote("d", before=LineBefore(role="agent", start_s=60.0, text="is it?"), started_at=None),))),
    sentences=(Sentence(text="They pay twice.", group=0, quotes=(quote("a"), quote("b")), calls=2),), nearest=(),
    searched=Searched(calls=9, indexed=7, alike=6, vectors="vector", spoken={"en": 5, "fr": 1}),
    notes=("Two calls are not ready.",), dropped=2, model="chat/m", cost_usd=0.01,
)  # fmt: skip
NOTHING = Answer(
    question="why?", found=False, groups=(), sentences=(), nearest=(quote("n", agent_id=None),), notes=(),
    searched=Searched(calls=9, indexed=9, alike=0, vectors=None),
)  # fmt: skip


def of_agent(agent_id: str | None, calls: int, negative: int) -> OfAgent:
    return OfAgent(
        agent_id=agent_id, calls=calls, mean_duration_s=75.5, negative=negative, with_mood=calls - 1,
        agent_talk_share=0.41, silence_share=0.2, interruptions=1.5, with_interruptions=calls,
    )  # fmt: skip


def full_dashboard() -> Dashboard:
    bare = dashboard(0)
    totals: dict[str, Any] = {name: getattr(bare.totals, name) for name in type(bare.totals).__dataclass_fields__}
    totals |= {
        "calls": 120, "failed": 3, "undated": 2, "duration_s": 36_000.0, "measured": 118, "negative": 30, "neutral": 60,
        "positive": 20, "silence_share": 0.21, "client_talk_share": 0.35, "agent_talk_share": 0.44, "demonstration": 1,
        "attention": 12, "judged": 100, "partly_judged": 5, "agents": 3, "first_day": MONDAY,
        "last_day": MONDAY + timedelta(days=20),
    }  # fmt: skip
    weeks = [MONDAY + timedelta(days=7 * number) for number in range(3)]
    return Dashboard(
        totals=type(bare.totals)(**totals), period="week",
        periods=tuple(InPeriod(first_day=week, calls=40, negative=10 + 5 * n, neutral=20, positive=5)
                      for n, week in enumerate(weeks)),
        topics=(
            *(TopicInWeek(topic="Billing", week=week, calls=10 + 15 * n, negative=8, with_mood=9 + 15 * n)
              for n, week in enumerate(weeks)),
            *(TopicInWeek(topic="Cards", week=week, calls=20 - 6 * n, negative=1, with_mood=18 - 6 * n)
              for n, week in enumerate(weeks)),
            TopicInWeek(topic=None, week=None, calls=6, negative=0, with_mood=0),
        ),
        agents=(of_agent("A7", 60, 30), of_agent("A8", 40, 2), of_agent(None, 20, 5)),
        tenths=(InTenth(kind="silence", tenth=2, calls=80), InTenth(kind="talk", tenth=9, calls=7)),
        failures=(Failure(status=CallStatus.FAILED, error_type="AudioUndecodable", calls=2, example="noise",
                          transient=False),
                  Failure(status=CallStatus.SKIPPED, error_type="empty", calls=1, example=None, transient=True)),
        rules=(RuleCount(rule="threat", title="The customer wants to leave", critical=True, calls=9),
               RuleCount(rule="long", title="A long silence", critical=False, calls=1)),
        scorecards=(ScorecardCount(scorecard="manners", title="Manners", calls=50, passed=40, failed_critical=2,
                                   mean_score=0.81),),
    )  # fmt: skip


NIGHTS = [
    NightFigure(night=MONDAY, kind="all", name="", calls=1, words=100, errors=20, wer=0.2, low=None, high=None),
    NightFigure(night=MONDAY + timedelta(days=2), kind="all", name="", calls=8, words=900, errors=90, wer=0.1,
                low=0.07, high=0.14),
    NightFigure(night=MONDAY + timedelta(days=3), kind="all", name="", calls=1, words=9, errors=1, wer=0.11, low=None,
                high=0.3),
]  # fmt: skip
LISTED = [
    listed_call(),
    listed_call(
        file_name="b.wav", started_at=AT, duration_s=725.0, agent_id="A7", queue="billing", direction="outbound",
        topic="Billing", subtopic="Refund", mood="negative", status=CallStatus.FAILED, error_type="AudioUndecodable",
        error_message="noise", flags=(), summary="A refund. “My bill is wrong.”", silence_share=0.5,
        client_talk_share=0.25, customer="4711", attention_critical=True, attention=("One", "Two", "Three"),
        scorecards=("manners:failed",), language="fr", missing_reasons={"topic": "no glossary"},
    ),
]  # fmt: skip
WANTED = CallFilter(agent="A7", first_day=MONDAY, text="bill", attention="threat")
LIVE = ShownLiveCall(
    session="s-1", started_at=AT, file_name="live.wav", roles=(Role.AGENT, Role.CLIENT), direction="inbound",
    agent_id="A7", customer_segment="b2b", queue="billing", language="en", topic="Billing", subtopic="Refund",
)  # fmt: skip
ENDED = ShownLiveCall(
    session="s-2", started_at=AT, file_name="over.wav", roles=(Role.UNKNOWN,), ended_at=AT + timedelta(seconds=70),
    end_reason="lost", duration_s=70.0,
)  # fmt: skip
TURNS = [
    ShownLiveTurn(track=0, ordinal=0, role=Role.AGENT, start_s=0.5, end_s=3.0, text="Hello", language="en",
                  confidence=0.9, flags=(), mood="neutral", mood_reason=None),
    ShownLiveTurn(track=1, ordinal=1, role=Role.CLIENT, start_s=63.0, end_s=64.0, text="<b>", language=None,
                  confidence=None, flags=("loop",), mood=None, mood_reason="too short"),
]  # fmt: skip
CORRECTED = Reference(
    reference_id=1, call_id=CALL.call_id, transcript_fingerprint="t" * 32, audio_sha256=None, language="en",
    written_by="Ann", written_at=AT, source="page",
    turns=(ReferenceTurn(channel=0, ordinal=0, role=Role.CLIENT, start_s=4.2, end_s=9.0, text="My pill is wrong."),),
)  # fmt: skip


def correcting(**changes: Any) -> Correcting:
    values: dict[str, Any] = {
        "call": CALL, "chunks": CHUNKS, "heard": [chunk.text for chunk in CHUNKS], "token": "secret",
        "address": "/calls/x/correct",
    }  # fmt: skip
    return Correcting(**(values | changes))


def quality(**changes: Any) -> Quality:
    values: dict[str, Any] = {
        "nights": NIGHTS, "since": MONDAY, "counts": WatchCounts(drawn=9, waiting=2), "calls_per_night": 3,
        "alarm_wer": 0.15, "alarm": "word error rate is above",
        "groups": [
            GroupRate(kind="all", name="", calls=9, words=1000, rate=Share(0.11, 0.08, 0.15, 9)),
            GroupRate(kind="engine", name="mlx_qwen3", calls=9, words=1000, rate=Share(0.11, 0.08, 0.15, 9)),
            GroupRate(kind="agent", name="", calls=1, words=10, rate=None),
        ],
        "waiting": [
            CallToCorrect(call_id=CALL.call_id, night=MONDAY, file_name="a.wav", started_at=AT, duration_s=61.0,
                          agent_id="A7", topic="Billing", engine="mlx_qwen3", model="m", doubtful=True),
            CallToCorrect(call_id=CALL.call_id, night=MONDAY, file_name="b.wav", started_at=None, duration_s=None,
                          agent_id=None, topic=None, engine="sphinx", model="", doubtful=False),
        ],
    }  # fmt: skip
    return Quality(**(values | changes))


def called(**changes: Any) -> str:
    content: dict[str, Any] = {"call": CALL, "chunks": CHUNKS, "rules": RULES, "answers": ANSWERS}
    return call_page(CallContent(**(content | changes)), SOUND, SITE)


LENGTHS = (69, 70, 769, 770, 2000)
PAGES: dict[str, Callable[[], str]] = {
    "call.html": called,
    "call_bare.html": lambda: call_page(
        CallContent(call=shown_call(), chunks=(), rules=(), answers=()), Sound(address=None, why_not="gone"), SITE
    ),
    "call_failed.html": lambda: called(
        call=shown_call(status=CallStatus.FAILED, error_type="AudioUndecodable", error_message="noise",
                        error_stage="prepare", error_transient=True), chunks=(), rules=(), answers=(),
    ),
    "list.html": lambda: list_page(LISTED, Total(calls=120, duration_s=9000.0), OFFERED, WANTED, SITE, sort="longest",
                                   number=2, faults=("page: not a number",)),
    "list_empty.html": lambda: list_page([], Total(calls=0, duration_s=0.0), OFFERED, CallFilter(text="bil"), SITE,
                                         guess="bill", within=CallFilter(agent="A7")),
    "list_nothing.html": lambda: list_page([], Total(calls=0, duration_s=0.0), (), CallFilter(), SITE),
    "dashboard.html": lambda: dashboard_page(
        full_dashboard(), OFFERED, WANTED, SITE, today=MONDAY + timedelta(days=23), nights=NIGHTS, alarm_wer=0.15,
        faults=("from: no day",), guess="bill", within=CallFilter(queue="billing"),
    ),
    "dashboard_bare.html": lambda: dashboard_page(dashboard(0), (), CallFilter(), SITE, today=MONDAY),
    "ask.html": lambda: ask_page("why?", ANSWER, OFFERED, WANTED, SITE, faults=("a fault",)),
    "ask_nothing.html": lambda: ask_page("why?", NOTHING, OFFERED, CallFilter(), SITE),
    "ask_form.html": lambda: ask_page("", None, (), CallFilter(), SITE),
    "live_list.html": lambda: live_list_page([LIVE, ENDED], SITE),
    "live_held.html": lambda: live_page(LIVE, (), SITE, held=True),
    "live_ended.html": lambda: live_page(ENDED, TURNS, SITE, held=False),
    "correct.html": lambda: correct_page(correcting(notices=("not saved",), drawn=True, by="Bo"), SOUND, SITE),
    "correct_again.html": lambda: correct_page(correcting(reference=CORRECTED, by_name="Cy"), SOUND, SITE),
    "correct_older.html": lambda: correct_page(
        correcting(
            reference=replace(CORRECTED, transcript_fingerprint="o" * 32), heard=["x" * length for length in LENGTHS],
            chunks=[shown_chunk(float(n), n + 0.5, "x" * length, channel=n % 2, ordinal=n)
                    for n, length in enumerate(LENGTHS)],
        ), SOUND, SITE),
    "correct_typed.html": lambda: correct_page(correcting(typed={(0, 0): "typed"}, reference=CORRECTED), SOUND, SITE),
    "quality.html": lambda: quality_page(quality(), SITE),
    "quality_bare.html": lambda: quality_page(
        quality(nights=(), groups=(), waiting=(), counts=WatchCounts(drawn=0, waiting=0), calls_per_night=0,
                alarm_wer=None, alarm=None), SITE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_before(name: str) -> None:
    assert_pinned(name, PAGES[name]())


@pytest.mark.parametrize("reason", ["lost", "killed", "another"])
def test_the_end_of_a_live_call_is_told(reason: str) -> None:
    ended = ShownLiveCall(session="s", started_at=AT, file_name="a", roles=(), ended_at=AT, end_reason=reason)
    assert_pinned(f"live_{reason}.html", live_list_page([ended], Site()))


def test_an_unfinished_run_is_told() -> None:
    run = UnfinishedRun(
        started_at=AT, under_way=True, broke_off=True, waiting=1, left=3,
        not_opened={"bad_archive": 2, "unreadable_folder": 1},
    )  # fmt: skip
    assert_pinned("unfinished.html", dashboard_page(
        full_dashboard(), OFFERED, CallFilter(), SITE, today=MONDAY, unfinished=[run]))  # fmt: skip
