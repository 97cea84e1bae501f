"""Metrics of the talk, on calls whose figures are plain to see; quotes and their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.conversation import ConversationStep, intersection, measure, merged, total, turns_of
from analysis.evidence import check_quotes, find_quote
from analysis.records import Conversation
from pipeline.records import Role, StepState
from tests.analysis.calls import call, chunk

AGENT, CLIENT, UNKNOWN = Role.AGENT, Role.CLIENT, Role.UNKNOWN


def test_an_ordinary_call() -> None:
    chunks = [
        chunk(0, AGENT, "good morning how can i help", start_s=1.0, end_s=4.0),
        chunk(0, CLIENT, "my bill is wrong", start_s=5.0, end_s=7.0),
        chunk(1, CLIENT, "and late", start_s=7.5, end_s=8.5),
        chunk(1, AGENT, "let me see", start_s=8.0, end_s=12.0),
    ]
    found = measure(chunks, 20.0)
    assert (found.agent_talk_s, found.client_talk_s) == (7.0, 3.0)
    assert (found.agent_talk_share, found.client_talk_share) == (0.35, 0.15)
    assert found.overtalk_s == 0.5
    assert found.silence_s == pytest.approx(20 - 9.5)
    assert found.longest_silence_s == 8.0
    assert found.turns == 3
    assert (found.agent_interruptions, found.client_interruptions) == (1, 0)
    assert found.agent_words_per_minute == pytest.approx(9 / 7 * 60, abs=0.1)
    assert found.client_longest_turn_s == 3.5
    assert found.first_response_s == 0.0


@pytest.mark.parametrize(("gap_s", "turns"), [(0.0, 1), (2.0, 1), (2.1, 2), (9.0, 2)])
def test_two_seconds_of_quiet_end_a_turn(gap_s: float, turns: int) -> None:
    said = [chunk(0, CLIENT, "well", start_s=0, end_s=3), chunk(1, CLIENT, "so", start_s=3 + gap_s, end_s=20)]
    assert len(turns_of(said)) == turns
    assert turns_of(said)[-1].end_s == 20


def test_the_other_sides_line_ends_a_turn_however_short_the_quiet() -> None:
    said = [
        chunk(0, CLIENT, "well", start_s=0, end_s=3),
        chunk(0, AGENT, "yes", start_s=3, end_s=3.5),
        chunk(1, CLIENT, "so", start_s=3.5, end_s=5),
    ]
    assert [turn.role for turn in turns_of(said)] == [CLIENT, AGENT, CLIENT]


@pytest.mark.parametrize(("overlap_s", "counted_s"), [(0.1, 0.0), (0.25, 0.25), (1.0, 1.0)])
def test_an_overlap_under_a_fifth_of_a_second_is_padding(overlap_s: float, counted_s: float) -> None:
    said = [
        chunk(0, CLIENT, "my bill", start_s=0, end_s=4),
        chunk(0, AGENT, "yes", start_s=4 - overlap_s, end_s=8),
    ]
    found = measure(said, 10.0)
    assert (found.overtalk_s, found.agent_interruptions) == (counted_s, int(counted_s > 0))


@pytest.mark.parametrize(("after_s", "counts"), [(0.7, 0), (0.9, 1)])
def test_who_goes_on_after_the_other_has_stopped_has_interrupted(after_s: float, counts: int) -> None:
    said = [
        chunk(0, CLIENT, "my bill", start_s=0, end_s=4),
        chunk(0, AGENT, "yes", start_s=3, end_s=4 + after_s),
    ]
    assert measure(said, 10.0).agent_interruptions == counts


def test_what_is_said_past_the_end_counts_to_the_end() -> None:
    found = measure([chunk(0, CLIENT, "bye", start_s=6, end_s=14), chunk(0, AGENT, "hi", start_s=0, end_s=2)], 10.0)
    assert (found.client_talk_s, found.silence_s) == (4.0, 4.0)
    assert found.client_talk_share == 0.4


def test_the_answer_is_dated_from_the_end_of_the_clients_first_turn() -> None:
    said = [
        chunk(0, AGENT, "hello", start_s=0, end_s=1),
        chunk(0, CLIENT, "my bill", start_s=2, end_s=4),
        chunk(1, AGENT, "let me see", start_s=5.5, end_s=7),
    ]
    found = measure(said, 10.0)
    assert found.first_response_s == 1.5
    assert found.extra == {
        "agent_words": 4.0, "client_words": 2.0, "agent_turns": 2.0, "client_turns": 1.0, "first_speech_s": 0.0
    }  # fmt: skip


def test_unknown_roles_have_no_shares() -> None:
    found = measure([chunk(0, UNKNOWN, "hello"), chunk(1, UNKNOWN, "hi")], 10.0)
    assert (found.agent_talk_s, found.agent_interruptions, found.first_response_s) == (None, None, None)
    result = ConversationStep().run([call(("unknown", "hello"))], [{}])[0]
    assert isinstance(result.payload, Conversation)
    assert "agent or client" in (result.reason or "")


def test_a_silent_call_has_none() -> None:
    result = ConversationStep().run([call(("agent", "[noise]"))], [{}])[0]
    assert (result.state, result.reason) == (StepState.MISSING, "nobody speaks in this call")


SPANS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda p: (float(min(p)), float(max(p)))), max_size=8
)


@given(SPANS, SPANS)
def test_spans_agree_with_counting_seconds(left: list[tuple[float, float]], right: list[tuple[float, float]]) -> None:
    def seconds(spans: list[tuple[float, float]]) -> set[int]:
        return {second for start, end in spans for second in range(int(start), int(end))}

    assert total(merged(left)) == len(seconds(left))
    assert total(intersection(merged(left), merged(right))) == len(seconds(left) & seconds(right))


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("my bill is WRONG", "My bill, is wrong"),
        ("it's  late", "It’s late"),
        ("bill is", "bill, is"),
        ("ill is wrong", None),
        ("wrong bill", None),
        ("", None),
        ("...", None),
    ],
)
def test_a_quote_is_found_word_for_word(quote: str, found: str | None) -> None:
    chunks = [chunk(0, CLIENT, "My bill, is wrong. It’s late!"), chunk(1, AGENT, "I see")]
    evidence = find_quote(quote, chunks)
    assert (evidence.quote if evidence else None) == found


def test_invented_quotes_are_counted() -> None:
    chunks = [chunk(0, CLIENT, "one two three"), chunk(1, AGENT, "four five six")]
    kept, invented = check_quotes(["two three", "two three", "seven eight", "five six"], chunks, 5)
    assert [(one.quote, one.start_s) for one in kept] == [("two three", 0.0), ("five six", 4.0)]
    assert invented == 1


def test_quotes_beyond_the_limit_are_left_out_but_are_not_invented() -> None:
    chunks = [chunk(0, CLIENT, "one two three"), chunk(1, AGENT, "four five six")]
    kept, invented = check_quotes(["one two", "five six", "two three"], chunks, 2)
    assert ([evidence.quote for evidence in kept], invented) == (["one two", "five six"], 0)
