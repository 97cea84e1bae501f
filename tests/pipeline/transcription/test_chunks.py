from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Role, SegmentText, SpeechSegment, TranscriptChunk, Word
from pipeline.transcription.chunks import (
    channel_chunks,
    join_overlaps,
    main_language,
    merge_channels,
    segment_text,
)
from pipeline.transcription.engine import SegmentResult


def _segment(ordinal: int, start_s: float, end_s: float, text: str, **values: object) -> SegmentText:
    fields = {"channel": 0, "language": "en", **values}
    return SegmentText(ordinal=ordinal, start_s=start_s, end_s=end_s, text=text, **fields)  # type: ignore[arg-type]


def _chunk(channel: int, ordinal: int, start_s: float, end_s: float, text: str, role: Role) -> TranscriptChunk:  # noqa: PLR0917 - reads as a line of a table
    return TranscriptChunk(channel=channel, ordinal=ordinal, role=role, start_s=start_s, end_s=end_s, text=text)


def _spread(text: str, start_s: float, end_s: float) -> tuple[Word, ...]:
    words = text.split()
    step = (end_s - start_s) / max(1, len(words))
    return tuple(Word(text=w, start_s=start_s + i * step, end_s=start_s + (i + 1) * step) for i, w in enumerate(words))


def test_a_chunk_carries_the_speech_of_its_segment() -> None:
    segments = [_segment(0, 0, 1, "a"), _segment(1, 2, 3, " "), _segment(2, 4, 5, "b"), _segment(3, 6, 7, "c")]
    chunks = channel_chunks(
        segments, Role.AGENT, speech={(0, 0): ((0.2, 0.8),), (0, 1): ((2.2, 2.8),), (0, 2): (), (0, 3): None}
    )
    assert [(chunk.text, chunk.speech) for chunk in chunks] == [("a", ((0.2, 0.8),)), ("b", ()), ("c", None)]


def test_a_chunk_begins_where_its_speech_does() -> None:
    """A quiet beginning is found before the segment's padding."""
    (chunk,) = channel_chunks([_segment(0, 2.0, 3.0, "okay")], Role.AGENT, speech={(0, 0): ((1.8, 2.7),)})
    assert (chunk.start_s, chunk.end_s, chunk.speech) == (1.8, 3.0, ((1.8, 2.7),))


def test_an_answer_moves_to_the_recordings_clock_and_stays_in_its_segment() -> None:
    segment = SpeechSegment(channel=1, ordinal=3, start_s=10.0, end_s=12.0, overlap_s=0.5)
    words = (Word(text="a", start_s=-0.1, end_s=0.5), Word(text="b", start_s=1.5, end_s=2.4))
    text = segment_text(segment, SegmentResult(key="k", text="a b", language="en", words=words, confidence=0.5))
    assert text.words is not None
    assert [(word.start_s, word.end_s) for word in text.words] == [(10.0, 10.5), (11.5, 12.0)]
    assert (text.channel, text.ordinal, text.overlap_s, text.confidence) == (1, 3, 0.5, 0.5)


def test_word_times_that_are_no_numbers_are_given_up() -> None:
    segment = SpeechSegment(channel=0, ordinal=0, start_s=0, end_s=1)
    words = (Word(text="a", start_s=math.nan, end_s=0.5),)
    assert segment_text(segment, SegmentResult(key="k", text="a", language=None, words=words)).words is None


def test_an_error_leaves_a_flag_and_no_text() -> None:
    segment = SpeechSegment(channel=0, ordinal=0, start_s=0, end_s=1)
    text = segment_text(segment, SegmentResult(key="k", text="half a", language=None, flags=("x",), error="crash"))
    assert (text.text, text.flags) == ("", ("x", "recognition_failed"))
    (chunk,) = channel_chunks([text], Role.AGENT)
    assert (chunk.text, chunk.flags) == ("", ("x", "recognition_failed"))


def test_empty_segments_make_no_chunk_and_ordinals_close_up() -> None:
    chunks = channel_chunks([_segment(2, 4, 5, "b"), _segment(0, 0, 1, "a"), _segment(1, 2, 3, " ")], Role.CLIENT)
    assert [(chunk.ordinal, chunk.text, chunk.start_s) for chunk in chunks] == [(0, "a", 0), (1, "b", 4)]
    assert channel_chunks([], Role.CLIENT) == ()


def test_shown_text_is_what_the_rules_make_of_it() -> None:
    (chunk,) = channel_chunks([_segment(0, 0, 1, "hello")], Role.AGENT, lambda text, language: f"{text}/{language}")
    assert chunk.text == "hello/en"


def test_segments_of_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="one channel"):
        channel_chunks([_segment(0, 0, 1, "a"), _segment(0, 0, 1, "b", channel=1)], Role.AGENT)


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        (
            "please transfer the money to my",
            "the money to my savings account",
            "please transfer the money to my savings account",
        ),
        ("please transfer the money to", "Money, to my savings", "please transfer the money to my savings"),
        ("i would like to ord", "like to order a card", "i would like to order a card"),
        ("one two three", "four five six", "one two three four five six"),
        ("", "four five", "four five"),
        ("one two", "", "one two"),
        ("the end", "the end", "the end"),
        ("a b c the d e f", "the x y z", "a b c the d e f the x y z"),
        ("أريد تحويل المال إلى", "المال إلى حسابي", "أريد تحويل المال إلى حسابي"),
    ],
)
def test_what_two_neighbours_both_heard_is_said_once(before: str, after: str, joined: str) -> None:
    segments = [_segment(0, 0, 10, before), _segment(1, 9, 19, after, overlap_s=1.0)]
    assert " ".join(one.text for one in join_overlaps(segments) if one.text) == joined


def test_without_overlap_a_repeated_word_is_a_repeated_word() -> None:
    segments = [_segment(0, 0, 1, "yes"), _segment(1, 1, 2, "yes")]
    assert [one.text for one in join_overlaps(segments)] == ["yes", "yes"]


def test_where_nothing_matches_the_middle_of_the_overlap_decides() -> None:
    before = _segment(0, 0, 10, "a b c d e", words=_spread("a b c d e", 0, 10))
    after = _segment(1, 8, 18, "v w x y z", words=_spread("v w x y z", 8, 18), overlap_s=2.0)
    first, second = join_overlaps([before, after])
    assert (first.text, second.text) == ("a b c d", "v w x y z")
    assert first.words is not None
    assert len(first.words) == 4


def _at(*placed: tuple[str, float, float]) -> tuple[str, tuple[Word, ...]]:
    return " ".join(word for word, _, _ in placed), tuple(Word(text=w, start_s=a, end_s=b) for w, a, b in placed)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        pytest.param(
            [], [("please", 19.05, 19.4), ("hold", 19.6, 19.9), ("on", 20.1, 20.3)], None, id="before is empty",
        ),
        pytest.param(
            [("good", 17.5, 17.8), ("morning", 17.8, 18.2)],
            [("please", 19.05, 19.4), ("hold", 19.6, 19.9)],
            None,
            id="before ends ahead of what is shared",
        ),
        pytest.param(
            [("so", 18.0, 18.3), ("then", 19.6, 19.9)], [("yes", 20.1, 20.4)], None, id="after begins behind it",
        ),
        pytest.param([("then", 19.6, 19.9)], [("please", 19.1, 19.4)], None, id="each in the other's half"),
        pytest.param(
            [("one", 19.1, 19.3), ("two", 19.6, 19.9)], [("three", 19.1, 19.4), ("four", 20.1, 20.4)],
            ("one two", "four"), id="the second half is heard by one side only",
        ),
        pytest.param(
            [("one", 19.1, 19.3), ("two", 19.6, 19.9)], [("won", 19.1, 19.3), ("too", 19.6, 19.9)], ("one", "too"),
            id="both heard both halves",
        ),
    ],
)  # fmt: skip
def test_a_word_that_only_one_neighbour_heard_is_not_lost(
    before: list[tuple[str, float, float]], after: list[tuple[str, float, float]], kept: tuple[str, str] | None
) -> None:
    (first, first_words), (second, second_words) = _at(*before), _at(*after)
    segments = [
        _segment(0, 10, 20, first, words=first_words),
        _segment(1, 19, 30, second, words=second_words, overlap_s=1.0),
    ]
    assert tuple(one.text for one in join_overlaps(segments)) == (kept or (first, second))


_PLACES = st.lists(st.floats(0, 2), max_size=6).map(sorted)


@given(_PLACES, _PLACES)
def test_a_cut_leaves_something_wherever_something_was_heard(before: list[float], after: list[float]) -> None:
    """Nothing matches; the shared second is 1 to 2 on one clock. In either half of it words of one side stay."""
    first, first_words = _at(*((f"b{n}", place, place) for n, place in enumerate(before)))
    second, second_words = _at(*((f"a{n}", 1 + place, 1 + place) for n, place in enumerate(after)))
    heard = [
        _segment(0, 0, 2, first, words=first_words),
        _segment(1, 1, 3, second, words=second_words, overlap_s=1.0),
    ]
    left = [word for one in join_overlaps(heard) for word in one.words or ()]
    everything = (*first_words, *second_words)
    behind = math.nextafter(2.0, 3.0)
    for begin, end in ((0.0, 1.0), (1.0, 1.5), (1.5, behind), (behind, 4.0)):
        at_all = [word for word in everything if begin <= word.start_s < end]
        kept = [word for word in left if begin <= word.start_s < end]
        assert bool(kept) == bool(at_all)
        assert kept == at_all or 1.0 <= begin < 2.0


_WORDS = st.lists(st.sampled_from([f"w{i}" for i in range(200)]), min_size=6, max_size=60, unique=True)


@given(_WORDS, st.data())
def test_cutting_a_talk_with_overlaps_and_joining_it_again_loses_and_repeats_nothing(
    said: list[str], data: st.DataObject
) -> None:
    """Words of half a second; cuts every few words, two to five words heard twice."""
    segments: list[SegmentText] = []
    begin = overlap = 0
    while True:
        end = min(len(said), begin + overlap + data.draw(st.integers(3, 12)))
        timed = _spread(" ".join(said), 0, len(said) / 2)[begin:end] if data.draw(st.booleans()) else None
        segments.append(
            _segment(len(segments), begin / 2, end / 2, " ".join(said[begin:end]), words=timed, overlap_s=overlap / 2)
        )
        if end == len(said):
            break
        overlap = data.draw(st.integers(1, min(5, end - begin)))
        begin = end - overlap
    joined = join_overlaps(segments)
    assert " ".join(one.text for one in joined if one.text).split() == said
    assert all(one.words is None or len(one.words) == len(one.text.split()) for one in joined)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(0, 5), st.floats(0, 2), st.sampled_from(["a", "b", ""])), max_size=30
    ),
    st.integers(0, 1000),
)
def test_merging_is_complete_in_time_order_and_the_same_for_any_order_of_input(
    drawn: list[tuple[int, float, float, str]], seed: int
) -> None:
    chunks = [
        _chunk(channel, ordinal, start, start + length, text, Role.UNKNOWN)
        for ordinal, (channel, start, length, text) in enumerate(drawn)
    ]
    merged = merge_channels([[one for one in chunks if one.channel == channel] for channel in range(3)])
    shuffled = chunks.copy()
    random.Random(seed).shuffle(shuffled)
    assert merged == merge_channels([shuffled])
    assert sorted(one.ordinal for one in merged) == list(range(len(chunks)))
    assert all(a.start_s <= b.start_s + 1e-3 for a, b in pairwise(merged))


def test_float_ties_go_to_the_lower_channel() -> None:
    late = _chunk(0, 0, 0.1 + 0.2, 1.0, "a", Role.AGENT)
    early = _chunk(1, 0, 0.3, 1.0, "b", Role.CLIENT)
    assert late.start_s > early.start_s
    assert [one.text for one in merge_channels([[early], [late]])] == ["a", "b"]


def test_main_language() -> None:
    assert main_language([]) is None
    chunks = channel_chunks([_segment(0, 0, 1, "oui", language="fr"), _segment(1, 1, 2, "hello")], Role.AGENT)
    assert main_language(chunks) == "en"
    several = [
        _segment(0, 0, 1, "oui", language="fr"),
        _segment(1, 1, 2, "hello"),
        _segment(2, 2, 3, "bon", language="fr"),
    ]
    assert main_language(channel_chunks(several, Role.AGENT)) == "fr", "six letters in all, of five"
    equal = [
        _segment(0, 0, 1, "bonne", language="fr"),
        _segment(1, 1, 2, "hello"),
        _segment(2, 2, 3, "x", language=None),
    ]
    assert main_language(channel_chunks(equal, Role.AGENT)) == "en"


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        ("one two three p q", "three four", ("one two three", "four")),
        ("one two three p q r", "three four", None),
        ("one two three p", "x three four", ("one two three", "four")),
        ("one two three p q", "x three four", None),
        ("one two three p q r", "one two three four", ("one two three", "four")),
        ("one two three p q r s", "one two three four", None),
        ("One, two", "two! three", ("One, two", "three")),
    ],
)
def test_words_are_a_repeat_where_few_lie_between_them_and_the_seam(
    before: str, after: str, joined: tuple[str, str] | None
) -> None:
    """At most two, or as many as are repeated."""
    first, second = _segment(0, 0, 10, before), _segment(1, 8, 20, after, overlap_s=2.0)
    assert tuple(one.text for one in join_overlaps([first, second])) == (joined or (before, after))
