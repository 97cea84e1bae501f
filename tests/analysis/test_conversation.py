"""Metrics of the talk, on calls whose figures are plain to see; quotes and their places."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.conversation.backchannels import is_backchannel
from analysis.conversation.measures import measure
from analysis.conversation.spans import gaps, intersection, merged, total
from analysis.conversation.speech import utterances
from analysis.conversation.step import SPEECH_UNKNOWN, ConversationStep
from analysis.conversation.turns import turns_of
from analysis.evidence import find_quote
from analysis.fingerprints import fingerprint_of
from analysis.records import Conversation
from pipeline.records import Role, SpeechSpan, StepState, TranscriptChunk, Word
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


def test_the_quarters_tell_where_in_the_call_it_happened() -> None:
    chunks = [
        chunk(0, AGENT, "good morning how can i help", start_s=1.0, end_s=4.0),
        chunk(0, CLIENT, "my bill is wrong", start_s=5.0, end_s=7.0),
        chunk(1, CLIENT, "and late", start_s=7.5, end_s=8.5),
        chunk(1, AGENT, "let me see", start_s=8.0, end_s=12.0),
    ]
    quarters = measure(chunks, 20.0).quarters
    assert quarters is not None
    assert [(one.start_s, one.end_s) for one in quarters] == [(0, 5), (5, 10), (10, 15), (15, 20)]
    assert [one.agent_talk_s for one in quarters] == [3.0, 2.0, 2.0, 0.0]
    assert [one.client_talk_s for one in quarters] == [0.0, 3.0, 0.0, 0.0]
    assert [one.turns for one in quarters] == [1, 2, 0, 0]
    assert [one.agent_interruptions for one in quarters] == [0, 1, 0, 0]
    assert [one.overtalk_s for one in quarters] == [0.0, 0.5, 0.0, 0.0]
    assert [one.silence_s for one in quarters] == [2.0, 0.5, 3.0, 5.0]


@given(
    st.lists(st.tuples(st.sampled_from([AGENT, CLIENT]), st.floats(0, 55), st.floats(0.1, 5)), min_size=1, max_size=8)
)
def test_the_quarters_add_up_to_the_call(spans: list[tuple[Role, float, float]]) -> None:
    said = [
        chunk(place, role, "my bill is wrong", start_s=start, end_s=start + length)
        for place, (role, start, length) in enumerate(spans)
    ]
    found = measure(said, 60.0)
    assert found.quarters is not None
    for name in ("silence_s", "overtalk_s", "agent_talk_s", "client_talk_s", "turns", "agent_interruptions"):
        whole, parts = getattr(found, name), [getattr(one, name) for one in found.quarters]
        assert (whole is None) == (None in parts), name
        assert whole is None or sum(parts) == pytest.approx(whole, abs=0.01), name


@pytest.mark.parametrize(("gap_s", "length_s"), [(0.0, 20.0), (2.0, 20.0), (2.1, 17.9), (9.0, 11.0)])
def test_a_side_that_goes_on_after_a_silence_begins_no_turn(gap_s: float, length_s: float) -> None:
    said = [chunk(0, CLIENT, "well", start_s=0, end_s=3), chunk(1, CLIENT, "so", start_s=3 + gap_s, end_s=20)]
    found = measure(said, 20.0)
    assert found.turns == 1, "turns are changes of speaker, the first turn included"
    assert found.client_longest_turn_s == pytest.approx(length_s), "silences of over two seconds are no part of it"


def test_the_other_sides_line_ends_a_turn_however_short_the_quiet() -> None:
    said = [
        chunk(0, CLIENT, "well", start_s=0, end_s=3),
        chunk(0, AGENT, "yes", start_s=3, end_s=3.5),
        chunk(1, CLIENT, "so", start_s=3.5, end_s=5),
    ]
    assert [turn.role for turn in turns_of(utterances(said, 9.0))] == [CLIENT, AGENT, CLIENT]


def spoken(
    place: int, role: Role, text: str, *spans: SpeechSpan, words: tuple[Word, ...] | None = None
) -> TranscriptChunk:
    """A chunk as a run makes it: 250 ms longer than its speech at both ends."""
    made = chunk(place, role, text, start_s=max(0.0, spans[0][0] - 0.25), end_s=spans[-1][1] + 0.25)
    return replace(made, speech=spans, words=words)


def test_padding_is_no_talk() -> None:
    said = [
        spoken(0, AGENT, "good morning how can i help", (1.0, 4.0)),
        spoken(0, CLIENT, "my bill is wrong", (4.3, 5.3), (6.0, 7.0)),
        spoken(1, AGENT, "let me see", (7.1, 9.1)),
    ]
    found = measure(said, 10.0)
    assert (found.agent_talk_s, found.client_talk_s) == (5.0, 2.0)
    assert (found.silence_s, found.longest_silence_s) == (3.0, 1.0)
    assert (found.overtalk_s, found.agent_interruptions, found.client_interruptions) == (0.0, 0, 0)
    assert found.first_response_s == pytest.approx(0.1)
    assert found.client_words_per_minute == 120.0
    assert found.extra["first_speech_s"] == 1.0


def test_a_short_pause_belongs_to_the_talk_and_a_longer_one_does_not() -> None:
    found = measure([spoken(0, AGENT, "one two three", (0.0, 2.0), (2.3, 4.0), (4.5, 6.0))], 6.0)
    assert (found.agent_talk_s, found.silence_s) == (5.5, 0.5)


@pytest.mark.parametrize(
    ("overlap_s", "overtalk_s", "interruptions"), [(0.1, 0.0, 0), (0.25, 0.25, 0), (0.5, 0.5, 1), (1.0, 1.0, 1)]
)
def test_who_begins_right_before_the_others_end_waits_for_it(
    overlap_s: float, overtalk_s: float, interruptions: int
) -> None:
    said = [
        spoken(0, CLIENT, "my bill", (0, 4)),
        spoken(0, AGENT, "it is not wrong", (4 - overlap_s, 8)),
    ]
    found = measure(said, 10.0)
    assert (found.overtalk_s, found.agent_interruptions, found.client_interruptions) == (overtalk_s, interruptions, 0)


@pytest.mark.parametrize(("after_s", "counts"), [(-0.5, 0), (0.7, 0), (0.9, 1)])
def test_who_goes_on_after_the_other_has_stopped_has_interrupted(after_s: float, counts: int) -> None:
    said = [spoken(0, CLIENT, "my bill", (0, 4)), spoken(0, AGENT, "it is not wrong", (3, 4 + after_s))]
    assert measure(said, 10.0).agent_interruptions == counts


@pytest.mark.parametrize(
    ("text", "language", "counts"),
    [
        ("mm-hm", "en", False),
        ("Okay, okay.", "en", False),
        ("Right.", "en", False),
        ("All right, I see.", "en", False),
        ("no, wait", "en", True),
        ("right now", "en", True),
        ("d'accord", "fr", False),
        ("d'accord", "en", True),
        ("mm-hm", None, True),
        ("mm-hm", "fi", True),
    ],
)
def test_a_listeners_word_takes_no_turn(text: str, language: str | None, counts: bool) -> None:
    said = [
        spoken(0, CLIENT, "first my bill was wrong", (0, 4)),
        spoken(0, AGENT, text, (2.0, 2.6)),
        spoken(1, CLIENT, "and then it was late", (4.6, 8)),
    ]
    found = measure(said, 10.0, language)
    assert found.turns == (3 if counts else 1)
    assert is_backchannel(text, language) is not counts
    assert found.agent_talk_s == 0.6, "it is talk all the same"


def test_a_listeners_word_before_his_own_turn_interrupts_nobody() -> None:
    """`mm-hm` in the other's turn, and half a second later his answer: he did not go on from the `mm-hm`."""
    said = [
        spoken(0, CLIENT, "my bill is wrong", (0, 4)),
        spoken(0, AGENT, "mm-hm", (3.0, 3.5)),
        spoken(1, AGENT, "let me see", (4.3, 8)),
    ]
    found = measure(said, 10.0, "en")
    assert (found.agent_interruptions, found.turns) == (0, 2)


def test_a_listeners_word_in_a_chunk_with_more_is_told_by_the_times_of_words() -> None:
    at = [("mm-hm", 1.0, 1.5), ("let", 5.0, 5.3), ("me", 5.3, 5.6), ("see", 5.6, 6.0)]
    times = tuple(Word(text=text, start_s=start, end_s=end) for text, start, end in at)
    client = spoken(0, CLIENT, "my bill is wrong", (0, 4))
    for known, turns in ((times, 2), (None, 2)):
        agent = spoken(0, AGENT, "mm-hm let me see", (1.0, 1.5), (5.0, 6.0), words=known)
        assert measure([client, agent], 10.0, "en").turns == turns
    late = spoken(0, CLIENT, "my bill is wrong and late", (0, 4), (4.5, 4.9))
    agent = spoken(0, AGENT, "mm-hm let me see", (1.0, 1.5), (5.0, 6.0), words=times)
    assert measure([late, agent], 10.0, "en").turns == 2
    assert measure([late, replace(agent, words=None)], 10.0, "en").turns == 4, "what is not told apart counts"


@pytest.mark.parametrize(
    "listener",
    [
        pytest.param((4.1, 4.5), id="an answer after the question's end"),
        pytest.param((3.8, 4.6), id="at the end, and the other does not go on"),
        pytest.param((1.0, 3.0), id="too long"),
    ],
)
def test_yes_may_be_an_answer(listener: SpeechSpan) -> None:
    said = [
        spoken(0, AGENT, "is that right", (0, 4)),
        spoken(0, CLIENT, "yes", listener),
        spoken(1, AGENT, "good then", (6, 8)),
    ]
    assert measure(said, 10.0, "en").turns == 3


def test_an_earlier_transcript_has_no_times_of_talk_but_its_turns() -> None:
    said = [
        replace(chunk(0, AGENT, "how can i help", start_s=0, end_s=3), speech=None),
        replace(chunk(0, CLIENT, "my bill is wrong", start_s=2.8, end_s=6), speech=None),
    ]
    found = measure(said, 10.0, "en")
    times = {field.name: getattr(found, field.name) for field in fields(found) if field.name not in {"turns", "extra"}}
    assert found.turns == 2
    assert set(times.values()) == {None}, times
    assert found.extra == {"agent_words": 4.0, "client_words": 4.0, "agent_turns": 1.0, "client_turns": 1.0}


def test_a_side_whose_speech_is_known_has_its_talk_beside_one_whose_is_not() -> None:
    said = [spoken(0, AGENT, "how can i help", (0, 3)), replace(spoken(0, CLIENT, "my bill", (4, 6)), speech=None)]
    found = measure(said, 10.0, "en")
    assert (found.agent_talk_s, found.client_talk_s, found.silence_s) == (3.0, None, None)


def test_an_earlier_transcript_with_times_of_words_is_measured_by_them() -> None:
    word = Word(text="help", start_s=1.0, end_s=3.0)
    said = [replace(chunk(0, AGENT, "help", start_s=0, end_s=4), speech=None, words=(word,))]
    assert measure(said, 10.0, "en").agent_talk_s == 2.0


def test_the_step_says_why_an_earlier_transcript_has_no_times() -> None:
    made = call(("agent", "hello"), ("client", "hi"))
    old = replace(
        made,
        transcript=replace(made.transcript, chunks=tuple(replace(one, speech=None) for one in made.transcript.chunks)),
    )
    step = ConversationStep()
    assert step.run([old], [{}])[0].reason == SPEECH_UNKNOWN
    assert step.run([made], [{}])[0].reason is None


def test_results_measured_with_padding_are_not_measured_again() -> None:
    step, made = ConversationStep(), call(("agent", "hello"))
    assert step.former_fingerprints(made) == (fingerprint_of("conversation", 1, made.transcript.fingerprint),)
    assert step.fingerprint(made) not in step.former_fingerprints(made)


TALKS = st.lists(
    st.tuples(st.sampled_from([AGENT, CLIENT]), st.integers(0, 300), st.integers(1, 60)), min_size=1, max_size=12
)


@given(TALKS)
def test_the_parts_of_a_call_add_up(talks: list[tuple[Role, int, int]]) -> None:
    said = [spoken(n, role, "so it is", (at / 10, (at + long) / 10)) for n, (role, at, long) in enumerate(talks)]
    found = measure(said, 40.0, "en")
    assert found.silence_s is not None
    assert found.overtalk_s is not None
    talk = (found.agent_talk_s or 0.0) + (found.client_talk_s or 0.0)
    short = [0.1 * len(talks)]  # overlaps too short to count
    assert found.silence_s + talk - found.overtalk_s == pytest.approx(40.0, abs=sum(short) + 0.01)
    assert 1 <= found.turns <= len(talks)
    longest = max(found.agent_longest_turn_s or 0.0, found.client_longest_turn_s or 0.0)
    assert longest <= 40.0


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
    assert sum(gaps(merged(left), 60.0)) == 60 - len(seconds(left))


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
