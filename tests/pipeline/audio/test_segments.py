"""From scores to segments."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.audio.segments import (
    Interval,
    earlier_onsets,
    find_speech,
    followed_onsets,
    pad,
    parts_reaching,
    parts_within,
    plan_segments,
    samples_of,
    without,
)
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.records import SAMPLE_RATE_HZ

STEP = 512
Levels = npt.NDArray[np.float64]
BARE = VoiceActivitySettings(min_speech_ms=0, min_silence_ms=0, padding_ms=0, merge_silence_ms=0)


def found(scores: list[float], settings: VoiceActivitySettings) -> list[tuple[int, int]]:
    array = np.array(scores, dtype=np.float32)
    speech = find_speech(array, STEP, len(scores) * STEP, settings)
    spans = pad(speech, samples_of(settings.padding_ms), len(scores) * STEP)
    return [(span.start // STEP, span.end // STEP) for span in spans]


@pytest.mark.parametrize(
    ("scores", "settings", "expected"),
    [
        ([], {}, []),
        ([0.1] * 5, {}, []),
        ([0.9] * 5, {}, [(0, 5)]),
        ([0.1, 0.9, 0.9, 0.1], {}, [(1, 3)]),
        # between the thresholds speech goes on, but does not begin
        ([0.4, 0.9, 0.4, 0.4, 0.1, 0.4], {}, [(1, 4)]),
        # a pause shorter than min_silence_ms does not end speech
        ([0.9, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1, 0.1], {"min_silence_ms": 96}, [(0, 4)]),
        ([0.9, 0.1, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1], {"min_silence_ms": 96}, [(0, 1), (4, 5)]),
        # a click is no speech
        ([0.1, 0.9, 0.1, 0.1, 0.9, 0.9, 0.9, 0.1], {"min_speech_ms": 64}, [(4, 7)]),
        # padding stops at the edges and in the middle of a pause
        ([0.1, 0.9, 0.1, 0.1, 0.9, 0.1], {"padding_ms": 320}, [(0, 3), (3, 6)]),
    ],
)
def test_hysteresis(scores: list[float], settings: dict[str, float], expected: list[tuple[int, int]]) -> None:
    assert found(scores, BARE.model_copy(update=settings)) == expected


@given(
    st.lists(st.floats(0, 1, width=32), max_size=300),
    st.integers(0, 511),
    st.sampled_from([0.0, 100.0, 300.0]),
    st.sampled_from([0.0, 250.0]),
)
def test_speech_is_sorted_apart_and_within_the_call(
    scores: list[float], short: int, silence_ms: float, padding_ms: float
) -> None:
    settings = VoiceActivitySettings(min_silence_ms=silence_ms, padding_ms=padding_ms)
    total = max(0, len(scores) * STEP - short)
    speech = find_speech(np.array(scores, dtype=np.float32), STEP, total, settings)
    spans = pad(speech, samples_of(padding_ms), total)
    ends = [0]
    for span in spans:
        assert ends[-1] <= span.start < span.end <= total
        ends.append(span.end)


def intervals(draw: st.DrawFn, total: int) -> list[Interval]:
    places = sorted(draw(st.sets(st.integers(0, total), max_size=12)))
    return [Interval(a, b) for a, b in zip(places[::2], places[1::2], strict=False)]


@st.composite
def channels(draw: st.DrawFn) -> tuple[list[Interval], list[Interval], Levels]:
    total = draw(st.integers(1, 120 * SAMPLE_RATE_HZ))
    levels = np.random.default_rng(draw(st.integers(0, 100))).uniform(-70, -20, total // 160 + 1)
    return intervals(draw, total), intervals(draw, total), levels


@given(
    channels(), st.sampled_from([2.0, 5.0, 28.0]), st.sampled_from([0.0, 0.4]), st.sampled_from([0.0, 500.0, 5000.0])
)
def test_segments_hold_all_speech_once_and_are_never_too_long(
    channel: tuple[list[Interval], list[Interval], Levels],
    longest: float,
    overlap: float,
    pause_ms: float,
) -> None:
    speech, holes, levels = channel
    settings = VoiceActivitySettings(max_segment_s=longest, overlap_s=overlap, merge_silence_ms=pause_ms)
    speech = without(speech, holes, 0)
    segments = plan_segments(speech, levels, 1, settings, barriers=holes)
    assert [segment.ordinal for segment in segments] == list(range(len(segments)))
    for before, after in pairwise(segments):
        assert before.start_s < after.start_s
        assert after.start_s >= before.end_s - after.overlap_s - 1e-9
    for segment in segments:
        assert segment.channel == 1
        assert 0 < segment.duration_s <= longest + 1e-9
        assert segment.overlap_s in (0.0, pytest.approx(overlap))
    for interval in speech:
        covered = sum(
            max(
                0.0,
                min(s.end_s, interval.end / SAMPLE_RATE_HZ)
                - max(s.start_s + s.overlap_s, interval.start / SAMPLE_RATE_HZ),
            )
            for s in segments
        )
        assert covered == pytest.approx(interval.length / SAMPLE_RATE_HZ, abs=1e-6)
    for hole in holes:
        for segment in segments:
            shared = min(segment.end_s, hole.end / SAMPLE_RATE_HZ) - max(segment.start_s, hole.start / SAMPLE_RATE_HZ)
            assert shared <= 1e-9, "tones and music stay out"


@given(channels(), st.sampled_from([2.0, 28.0]), st.sampled_from([0.0, 500.0, 5000.0]), st.integers(0, 8000))
def test_speech_without_padding_survives_merging_and_cutting(
    channel: tuple[list[Interval], list[Interval], Levels], longest: float, pause_ms: float, padding: int
) -> None:
    spoken, _, levels = channel
    settings = VoiceActivitySettings(max_segment_s=longest, merge_silence_ms=pause_ms, overlap_s=0.4)
    padded = pad(spoken, padding, len(levels) * 160)
    segments = plan_segments(padded, levels, 0, settings, spoken=spoken)
    said: set[int] = set()
    for segment in segments:
        assert segment.speech is not None
        ends = [segment.start_s]
        for start_s, end_s in segment.speech:
            assert ends[-1] <= start_s < end_s <= segment.end_s
            ends.append(end_s)
            said |= {round(start_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ)}
    assert said >= {edge for interval in spoken for edge in (interval.start, interval.end)}
    union = sorted(span for segment in segments for span in segment.speech or ())
    total, reached = 0.0, 0.0
    for start_s, end_s in union:
        total += max(0.0, end_s - max(start_s, reached))
        reached = max(reached, end_s)
    assert total == pytest.approx(sum(interval.length for interval in spoken) / SAMPLE_RATE_HZ, abs=1e-6)


def test_without_known_speech_segments_say_so() -> None:
    (segment,) = plan_segments([Interval(0, 16000)], np.full(100, -20.0), 0, VoiceActivitySettings())
    assert segment.speech is None


def test_an_onset_is_moved_back_but_never_into_the_speech_before() -> None:
    assert earlier_onsets([Interval(3, 20), Interval(22, 30), Interval(50, 60)], 5) == [
        Interval(0, 20),
        Interval(20, 30),
        Interval(45, 60),
    ]


@pytest.mark.parametrize(
    ("scores", "speech", "begins"),
    [
        pytest.param([0.0, 0.1, 0.3, 0.9, 0.9], [(3, 5)], [1], id="to where the score was low"),
        pytest.param([0.9, 0.9, 0.2, 0.2, 0.9], [(0, 2), (4, 5)], [0, 2], id="to the end of the speech before"),
        pytest.param([0.2] * 40 + [0.9], [(40, 41)], [24], id="half a second, 16 steps of 32 ms"),
        pytest.param([0.05, 0.9], [(1, 2)], [1], id="not at all"),
        pytest.param([], [], [], id="nothing"),
    ],
)
def test_a_quiet_beginning_is_followed_back(
    scores: list[float], speech: list[tuple[int, int]], begins: list[int]
) -> None:
    """ "Okay" after digital silence was scored 0.2 to 0.4 for half a second: its talk time missed a third."""
    intervals = [Interval(first * STEP, last * STEP) for first, last in speech]
    found = followed_onsets(intervals, np.array(scores, dtype=np.float32), STEP, 0.1)
    assert [(i.start // STEP, i.end) for i in found] == [
        (begin, i.end) for begin, i in zip(begins, intervals, strict=True)
    ]


@pytest.mark.parametrize(
    ("spoken", "before", "begins"),
    [
        pytest.param((6_000, 12_000), 0, 6_000, id="its quiet beginning lies before the padding"),
        pytest.param((9_000, 12_000), 0, 9_000, id="within the padding"),
        pytest.param((6_000, 12_000), 7_000, 8_000, id="something else lies before: the padding"),
        pytest.param((-9_000, 12_000), -20_000, 8_000, id="a stretch cut out of longer speech"),
    ],
)
def test_speech_may_begin_before_its_padding(spoken: tuple[int, int], before: int, begins: int) -> None:
    assert parts_reaching([Interval(*spoken)], Interval(8_000, 16_000), before) == [Interval(begins, 12_000)]


def test_a_segment_keeps_its_start_where_its_speech_begins_earlier() -> None:
    """The recogniser hears the same as before; what is said to be speech is none of the segment before."""
    speech, spoken = [Interval(0, 16_000), Interval(40_000, 60_000)], [Interval(0, 12_000), Interval(37_000, 56_000)]
    segments = plan_segments(speech, np.full(400, -20.0), 0, BARE, spoken=spoken)
    assert [(segment.start_s, segment.speech) for segment in segments] == [
        (0.0, ((0.0, 0.75),)),
        (2.5, ((2.3125, 3.5),)),
    ]


@given(channels(), st.integers(0, 20 * SAMPLE_RATE_HZ), st.integers(0, 20 * SAMPLE_RATE_HZ))
@example(([Interval(0, 2)], [], np.array([-38.0])), 1, 0)
def test_parts_within_are_all_that_is_there(
    channel: tuple[list[Interval], list[Interval], Levels], start: int, length: int
) -> None:
    speech, place = channel[0], Interval(start, start + length)
    parts = (Interval(max(i.start, place.start), min(i.end, place.end)) for i in speech)
    assert parts_within(speech, place) == [part for part in parts if part.length > 0]


def plan(speech: list[Interval], levels: list[float], **settings: float) -> list[tuple[float, float, float]]:
    options = VoiceActivitySettings.model_validate(settings)
    planned = plan_segments(speech, np.array(levels), 0, options)
    return [(round(s.start_s, 2), round(s.end_s, 2), round(s.overlap_s, 2)) for s in planned]


def test_a_quiet_place_is_cut_without_overlap() -> None:
    levels = [-20.0] * 1500
    levels[800:830] = [-60.0] * 30
    ((first, middle, _), (again, last, overlap)) = plan(
        [Interval(0, 15 * SAMPLE_RATE_HZ)], levels, max_segment_s=10, overlap_s=1
    )
    assert (first, last, overlap) == (0.0, 15.0, 0.0)
    assert middle == again
    assert 8.0 <= middle <= 8.3


def test_speech_without_a_quiet_place_is_cut_with_overlap() -> None:
    random = np.random.default_rng(0)
    levels = random.uniform(-23, -20, 3000).tolist()
    pieces = plan([Interval(0, 30 * SAMPLE_RATE_HZ)], levels, max_segment_s=10, overlap_s=1)
    assert len(pieces) >= 4
    for (_, end, _), (start, _, overlap) in pairwise(pieces):
        assert overlap == 1.0
        assert start == pytest.approx(end - 1.0, abs=0.02)


def test_neighbours_are_merged_over_short_pauses_only() -> None:
    second = SAMPLE_RATE_HZ
    speech = [Interval(0, 2 * second), Interval(int(2.3 * second), 4 * second), Interval(6 * second, 7 * second)]
    assert plan(speech, [-20.0] * 800, merge_silence_ms=500) == [(0.0, 4.0, 0.0), (6.0, 7.0, 0.0)]
    barrier = [Interval(int(2.1 * second), int(2.2 * second))]
    apart = plan_segments(speech, np.full(800, -20.0), 0, VoiceActivitySettings(merge_silence_ms=500), barriers=barrier)
    assert len(apart) == 3


@pytest.mark.parametrize(
    ("pause", "length", "barrier", "segments"),
    [
        pytest.param(8000, 80000, None, 1, id="the longest pause and the longest segment"),
        pytest.param(8001, 80000, None, 2, id="a longer pause"),
        pytest.param(8000, 80001, None, 2, id="a longer segment"),
        pytest.param(8000, 80000, (16000, 24000), 2, id="a barrier fills the pause"),
        pytest.param(8000, 80000, (15999, 24000), 1, id="a barrier that begins within the speech"),
        pytest.param(8000, 80000, (16000, 24001), 1, id="a barrier that ends within the speech"),
    ],
)
def test_neighbours_are_merged_up_to_the_longest_pause_and_segment(
    pause: int, length: int, barrier: tuple[int, int] | None, segments: int
) -> None:
    """Half a second of pause and five seconds in all are allowed, in samples."""
    speech = [Interval(0, 16000), Interval(16000 + pause, length)]
    settings = VoiceActivitySettings(merge_silence_ms=500, max_segment_s=5)
    barriers = [Interval(*barrier)] if barrier else []
    assert len(plan_segments(speech, np.full(800, -20.0), 0, settings, barriers=barriers)) == segments


@pytest.mark.parametrize(
    ("gap_db", "repeated_s"),
    [(-31.0, 0.0), (-30.0, 0.0), (-29.0, 1.0)],
    ids=["quieter than asked for", "just as quiet", "louder"],
)
def test_speech_is_repeated_where_the_cut_is_not_quiet_enough(gap_db: float, repeated_s: float) -> None:
    """Speech at -20 dB; a place counts as quiet at 10 dB less, averaged over 100 ms."""
    levels = [-20.0] * 1500
    levels[850:880] = [gap_db] * 30
    settings = {"cut_quiet_db": 10 - 1e-6, "cut_smoothing_ms": 100}
    first, second = plan([Interval(0, 15 * SAMPLE_RATE_HZ)], levels, max_segment_s=10, overlap_s=1, **settings)
    assert 8.5 <= first[1] <= 8.8
    assert second[2] == repeated_s
    assert second[0] == pytest.approx(first[1] - repeated_s)


def test_leftovers_of_cut_speech_are_dropped() -> None:
    assert without([Interval(0, 100), Interval(200, 210)], [Interval(5, 90)], 10) == [
        Interval(90, 100),
        Interval(200, 210),
    ]


def test_padding_keeps_apart() -> None:
    assert pad([Interval(10, 20), Interval(24, 30)], 5, 32) == [Interval(5, 22), Interval(22, 32)]


def test_a_pause_is_cut_rather_than_a_gap_within_a_word() -> None:
    levels = [-20.0] * 1500
    levels[700:702] = [-60.0] * 2
    levels[850:880] = [-50.0] * 30
    first, _ = plan([Interval(0, 15 * SAMPLE_RATE_HZ)], levels, max_segment_s=10, overlap_s=1)
    assert 8.5 <= first[1] <= 8.8
