"""Segments to windows and back: nothing lost, nothing twice, whatever the pauses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import SAMPLE_RATE_HZ, SpeechSegment, Word
from pipeline.transcription.engine import Samples, SegmentRequest, SegmentResult
from pipeline.transcription.windows import (
    PAUSE_S,
    confidence_of,
    join,
    joined_s,
    margins,
    part_requests,
    plan_windows,
    split,
)


def segments(*bounds: tuple[float, float], overlaps: tuple[int, ...] = ()) -> list[SpeechSegment]:
    return [
        SpeechSegment(channel=0, ordinal=i, start_s=a, end_s=b, overlap_s=1.0 if i in overlaps else 0.0)
        for i, (a, b) in enumerate(bounds)
    ]


@pytest.mark.parametrize(
    ("bounds", "overlaps", "window_s", "windows"),
    [
        pytest.param([(0, 10), (11, 20), (300, 309)], (), 29.5, [[0, 1, 2]], id="a long pause costs half a second"),
        pytest.param([(0, 10), (11, 20), (300, 310)], (), 29.5, [[0, 1], [2]], id="30 s do not fit into 29.5"),
        pytest.param([(0, 10), (10.2, 29.4)], (), 29.5, [[0, 1]], id="a short pause is kept as long as it is"),
        pytest.param([(0, 10), (10, 20)], (), None, [[0], [1]], id="no windows"),
        pytest.param([(0, 28), (27, 29), (30, 31)], (1,), 29.5, [[0], [1, 2]], id="a repeated second begins a window"),
        pytest.param([(0, 28)], (), 20, [[0]], id="a segment over the length stays whole"),
        pytest.param([], (), 29.5, [], id="no speech"),
    ],
)
def test_as_many_segments_to_a_window_as_fit(
    bounds: list[tuple[float, float]], overlaps: tuple[int, ...], window_s: float | None, windows: list[list[int]]
) -> None:
    planned = plan_windows(segments(*bounds, overlaps=overlaps), window_s)
    assert [[segment.ordinal for segment in window] for window in planned] == windows


_STRETCHES = st.lists(st.tuples(st.integers(1, 480_000), st.integers(0, 960_000)), min_size=1, max_size=12)
"""Lengths of segments and of the pauses after them, in samples."""


@given(_STRETCHES, st.floats(1, 30))
def test_every_segment_is_in_one_window_and_comes_back_as_it_was(
    stretches: list[tuple[int, int]], window_s: float
) -> None:
    bounds, at = [], 0
    for length, pause in stretches:
        bounds.append((at / SAMPLE_RATE_HZ, (at + length) / SAMPLE_RATE_HZ))
        at += length + pause
    windows = plan_windows(segments(*bounds), window_s)
    assert [segment.ordinal for window in windows for segment in window] == list(range(len(bounds)))
    for window in windows:
        pieces = [piece(segment.ordinal, round(segment.duration_s * SAMPLE_RATE_HZ)) for segment in window]
        joined = join(pieces, [None] * (len(pieces) - 1))
        back = part_requests(joined) if joined.parts else [joined]
        assert [one.key for one in back] == [one.key for one in pieces]
        assert all(np.array_equal(one.samples, two.samples) for one, two in zip(back, pieces, strict=True))
        assert len(window) == 1 or joined.samples.size <= (window_s + PAUSE_S * len(window)) * SAMPLE_RATE_HZ


def piece(ordinal: int, length: int) -> SegmentRequest:
    samples: Samples = np.full(length, ordinal + 1, dtype=np.float32)
    return SegmentRequest(key=str(ordinal), samples=samples, language="en")


def test_a_short_pause_stays_as_it_was_and_a_long_one_is_half_a_second_of_silence() -> None:
    pause: Samples = np.full(100, 9, dtype=np.float32)
    joined = join([piece(0, 50), piece(1, 60), piece(2, 70)], [pause, None])
    silence = round(PAUSE_S * SAMPLE_RATE_HZ)
    assert [(part.first, part.last) for part in joined.parts] == [(0, 50), (150, 210), (210 + silence, 280 + silence)]
    assert joined.samples[50:150].tolist() == pause.tolist()
    assert not joined.samples[210 : 210 + silence].any()


def said(text: str, *words: tuple[str, float, float]) -> SegmentResult:
    placed = tuple(Word(text=word, start_s=a, end_s=b, confidence=0.5) for word, a, b in words)
    return SegmentResult(key="0", text=text, language="en", words=placed, confidence=0.9)


SECONDS = join([piece(0, 16_000), piece(1, 16_000), piece(2, 16_000)], [None, None]).parts
"""Three segments of a second: 0 to 1, 1.5 to 2.5 and 3 to 4."""


@pytest.mark.parametrize(
    ("words", "text", "texts"),
    [
        pytest.param(
            [("Hello,", 0.1, 0.5), ("it", 1.6, 1.7), ("is", 1.7, 1.9), ("me.", 3.2, 3.4)],
            "Hello, it is me.", ["Hello,", "it is", "me."], id="by time",
        ),
        pytest.param([("a", 1.1, 1.2), ("b", 1.35, 1.45)], "a b", ["a", "b", ""], id="in a pause: the nearer one"),
        pytest.param([("a", 0.2, 3.8), ("b", 0.1, 0.2)], "a b", ["a", "b", ""], id="the order of words stays"),
        pytest.param(
            [("135", 0.1, 0.4), ("savings,", 0.4, 1.95), ("and", 3.1, 3.2)], "135 savings, and",
            ["135", "savings,", "and"], id="begun too early: the part that had no word",
        ),
        pytest.param(
            [("main,", 0.6, 2.2), ("street", 2.2, 2.4), ("and", 3.1, 3.2)], "main, street and",
            ["main,", "street", "and"], id="ended too late: the part that had no word",
        ),
        pytest.param([("a", 0.1, 0.4), ("b", 0.4, 1.7)], "a b", ["a b", "", ""], id="within the padding of a part"),
        pytest.param([("b", 0.4, 1.9)], "b", ["b", "", ""], id="no part is emptied for another"),
        pytest.param([("好", 0.1, 0.2), ("的", 0.3, 0.4), ("吗", 3, 3.2)], "好的吗", ["好的", "", "吗"], id="unspaced"),
        pytest.param([("a", 0.1, 0.2), ("c", 3.1, 3.2)], "A C", ["a", "", "c"], id="words that are not in the text"),
        pytest.param([("a", 9.0, 9.5)], "a", ["", "", "a"], id="after the end"),
        pytest.param([], "", ["", "", ""], id="nothing"),
    ],
)  # fmt: skip
def test_words_go_to_the_segment_they_were_said_in(
    words: list[tuple[str, float, float]], text: str, texts: list[str]
) -> None:
    results = split(said(text, *words), SECONDS)
    assert [result.text for result in results] == texts
    assert [result.key for result in results] == ["0", "1", "2"]
    for result in results:
        assert result.words is not None
        assert all(0 <= word.start_s <= word.end_s <= 1 for word in result.words)
        assert result.confidence == (pytest.approx(0.5) if result.words else None)


@pytest.mark.parametrize(
    ("bounds", "window", "longest_s", "around"),
    [
        pytest.param([(1, 2), (5, 6)], (0, 2), 30, [(0.25, 0.25), (0.25, 0.25)], id="half of a replaced pause"),
        pytest.param([(0.1, 2), (2.3, 6)], (0, 2), 30, [(0.05, 0.15), (0.15, 0.25)], id="what there is"),
        pytest.param([(0, 2), (2.2, 3), (3.1, 4)], (1, 2), 30, [(0.1, 0.05)], id="half of the way to a neighbour"),
        pytest.param([(1, 11), (20, 39.21)], (0, 2), 30, [(0.14, 0.25), (0.25, 0.14)], id="what the engine takes"),
        pytest.param([(1, 31)], (0, 1), 30, [(0, 0)], id="as long as the engine takes"),
        pytest.param([(0, 28), (27, 29)], (1, 2), 30, [(0, 0.25)], id="a repeated second"),
    ],
)
def test_a_segment_is_heard_with_the_sound_around_it(
    bounds: list[tuple[float, float]], window: tuple[int, int], longest_s: float, around: list[tuple[float, float]]
) -> None:
    """Voice activity found "all right" late: without the 0.2 s before, Whisper heard "write"."""
    of_channel = segments(*bounds)
    found = margins(of_channel[slice(*window)], of_channel, longest_s)
    assert [value for pair in found for value in pair] == pytest.approx([value for pair in around for value in pair])


@given(_STRETCHES, st.floats(20, 30))
def test_a_window_with_the_sound_around_it_is_never_too_long(
    stretches: list[tuple[int, int]], longest_s: float
) -> None:
    bounds, at = [], 0
    for length, pause in stretches:
        bounds.append((at / SAMPLE_RATE_HZ, (at + min(length, 300_000)) / SAMPLE_RATE_HZ))
        at += min(length, 300_000) + pause
    of_channel = segments(*bounds)
    for window in plan_windows(of_channel, longest_s):
        around = margins(window, of_channel, longest_s)
        assert all(0 <= value <= PAUSE_S / 2 for pair in around for value in pair)
        assert joined_s(window) + around[0][0] + around[-1][1] <= longest_s


def test_words_around_a_segment_are_the_segment_s() -> None:
    around: Samples = np.full(4000, 7, dtype=np.float32)
    joined = join([piece(0, 16_000)], [], around, around)
    assert (joined.samples.size, [(part.first, part.last) for part in joined.parts]) == (24_000, [(4000, 20_000)])
    (result,) = split(said("All right", ("All", 0.05, 0.2), ("right", 0.3, 0.6)), joined.parts)
    assert result.text == "All right"
    assert result.words is not None
    assert [word.start_s for word in result.words] == pytest.approx([0.0, 0.05])
    assert result.words[0].end_s == 0.0


def test_word_times_count_from_the_segment() -> None:
    _, second, _ = split(said("x", ("x", 1.75, 2.0)), SECONDS)
    assert second.words is not None
    assert [second.words[0].start_s, second.words[0].end_s] == pytest.approx([0.25, 0.5])


def test_a_text_without_word_times_is_not_lost() -> None:
    result = SegmentResult(key="0", text="all of it", language="en", confidence=0.7, flags=("f",))
    assert [(one.text, one.flags) for one in split(result, SECONDS)] == [
        ("all of it", ("f",)),
        ("", ("f",)),
        ("", ("f",)),
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from(["ja", "nein", "好", "a.m.", "…"]), st.floats(0, 4), st.floats(0, 2)), max_size=9
    )
)
def test_no_word_is_lost_or_said_twice(spoken: list[tuple[str, float, float]]) -> None:
    words = [(text, start, start + length) for text, start, length in spoken]
    results = split(said(" ".join(text for text, _, _ in words), *words), SECONDS)
    assert [word.text for result in results for word in result.words or ()] == [text for text, _, _ in words]
    assert " ".join(result.text for result in results).split() == [text for text, _, _ in words]


def test_the_confidence_of_words_is_their_geometric_mean_or_unknown() -> None:
    def word(confidence: float | None) -> Word:
        return Word(text="w", start_s=0, end_s=1, confidence=confidence)

    assert confidence_of([word(0.9), word(0.4)]) == pytest.approx(0.6)
    assert confidence_of([word(0.9), word(None)]) is None
    assert confidence_of([]) is None
