"""Segments cut again where the speaker changes."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.diarisation.diariser import SpeakerTurn
from pipeline.diarisation.recut import by_speaker, speaker_changes, tidy
from pipeline.records import SpeechSegment

SETTINGS = DiarisationSettings()
Turns = list[tuple[float, float, int]]
Spans = list[tuple[float, float, float]]


def turns_of(rows: Turns) -> list[SpeakerTurn]:
    return [SpeakerTurn(*row) for row in rows]


def segments_of(rows: Spans) -> list[SpeechSegment]:
    return [
        SpeechSegment(channel=0, ordinal=n, start_s=start, end_s=end, overlap_s=overlap)
        for n, (start, end, overlap) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("segments", "turns", "wanted"),
    [
        pytest.param([(0, 10, 0)], [(0, 4, 7), (6, 10, 3)], [[(0, 5, 0)], [(5, 10, 0)]], id="cut in the pause"),
        pytest.param([(0, 3, 0), (5, 9, 0)], [(0, 3, 0), (5, 9, 1)], [[(0, 3, 0)], [(5, 9, 0)]], id="nothing to cut"),
        pytest.param([(0, 10, 0)], [(1, 9, 0)], [[(0, 10, 0)]], id="one speaker"),
        pytest.param([(0, 10, 0)], [], [], id="no turns"),
        pytest.param([], [(0, 1, 0), (1, 2, 1)], [[], []], id="no segments"),
        pytest.param(
            [(0, 10, 0)], [(0, 4, 0), (4, 4.1, 1), (4.1, 10, 0)], [[(0, 10, 0)]], id="a turn too short to be one"
        ),
        pytest.param(
            [(0, 10, 0)],
            [(0, 3, 0), (3, 5, 1), (5, 10, 0)],
            [[(0, 3, 0), (5, 10, 0)], [(3, 5, 0)]],
            id="there and back",
        ),
        pytest.param([(4.9, 9, 0)], [(0, 5, 0), (5, 9, 1)], [[], [(4.9, 9, 0)]], id="no sliver at the start"),
        pytest.param([(0, 5.1, 0)], [(0, 5, 0), (5, 9, 1)], [[(0, 5.1, 0)], []], id="no sliver at the end"),
        pytest.param(
            [(0, 10, 0), (9, 20, 1)], [(0, 20, 0), (30, 40, 1)], [[(0, 10, 0), (9, 20, 1)], []], id="overlap is kept"
        ),
        pytest.param(
            [(0, 10, 0), (9, 20, 1)],
            [(0, 9.5, 0), (9.5, 20, 1)],
            [[(0, 9.5, 0)], [(9.5, 10, 0), (9.5, 20, 0.5)]],
            id="the speaker changes in the overlap",
        ),
        pytest.param(
            [(2, 30, 0), (29, 36, 1)],
            [(2, 29.1, 0), (29.1, 36, 1)],
            [[(2, 29.1, 0)], [(29.1, 30, 0), (29.1, 36, 0.9)]],
            id="the speaker changes as the overlap begins",
        ),
        pytest.param(
            [(2, 30, 0), (29.8, 36, 0.2)],
            [(2, 29.9, 0), (29.9, 36, 1)],
            [[(2, 30, 0)], [(29.9, 36, 0)]],
            id="the speaker changes in an overlap too short to be cut",
        ),
        pytest.param(
            [(2, 30, 0), (29.9, 36, 0.1)],
            [(2, 30.02, 0), (30.02, 36, 1)],
            [[(2, 30, 0)], [(29.9, 36, 0)]],
            id="the speaker changes just behind a short overlap",
        ),
        pytest.param([(0, 10, 0), (9.9, 20, 0.1)], [(0, 20, 0)], [[(0, 10, 0), (9.9, 20, 0.1)]], id="a short overlap"),
    ],
)
def test_pieces(segments: Spans, turns: Turns, wanted: list[Spans]) -> None:
    found = by_speaker(segments_of(segments), turns_of(turns), SETTINGS)
    assert [[(s.start_s, s.end_s, round(s.overlap_s, 6)) for s in mine] for mine in found] == wanted
    assert all(
        s.ordinal == n and s.channel == speaker for speaker, mine in enumerate(found) for n, s in enumerate(mine)
    )


def test_tidy_numbers_speakers_as_they_come_and_joins_them() -> None:
    turns = turns_of([(5, 6, 9), (0, 1, 4), (1.5, 3, 4), (3, 3.1, 9)])
    assert tidy(turns, 0.2) == (SpeakerTurn(0, 3, 0), SpeakerTurn(5, 6, 1))


def test_changes_lie_in_the_middle_of_pauses() -> None:
    turns = turns_of([(1, 2, 0), (4, 5, 1), (5, 6, 0)])
    assert speaker_changes(turns) == [(float("-inf"), 0), (3.0, 1), (5.0, 0)]


lengths = st.integers(min_value=1, max_value=400).map(lambda n: n / 20)


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[SpeechSegment], list[SpeakerTurn]]:
    """Segments as voice activity makes them, and turns as a diariser does."""
    segments: list[SpeechSegment] = []
    end = 0.0
    for length in draw(st.lists(lengths, max_size=8)):
        overlap = draw(st.sampled_from([0.0, 0.0, 1.0])) if segments else 0.0
        start = end - overlap if overlap and end - overlap > segments[-1].start_s else end + draw(lengths)
        overlap = max(0.0, end - start)
        end = start + length + overlap
        segments.append(SpeechSegment(channel=0, ordinal=len(segments), start_s=start, end_s=end, overlap_s=overlap))
    turns: list[SpeakerTurn] = []
    place = 0.0
    for length, gap in draw(st.lists(st.tuples(lengths, lengths), max_size=12)):
        turns.append(SpeakerTurn(place + gap, place + gap + length, draw(st.integers(0, 1))))
        place += gap + length
    return segments, turns


@st.composite
def changes_near_overlaps(draw: st.DrawFn) -> tuple[list[SpeechSegment], list[SpeakerTurn]]:
    """Long segments with overlaps, and speakers that change close to where one begins or ends."""
    overlaps = draw(st.lists(st.sampled_from([0.1, 0.2, 0.4, 1.0]), min_size=1, max_size=3))
    segments = [SpeechSegment(channel=0, ordinal=0, start_s=0.0, end_s=10.0)]
    moments: set[float] = set()
    for overlap in overlaps:
        seam = segments[-1].end_s
        length = draw(st.sampled_from([1.2, 2.0, 8.0]))
        segments.append(
            SpeechSegment(
                channel=0, ordinal=len(segments), start_s=seam - overlap, end_s=seam + length, overlap_s=overlap
            )
        )
        near = st.integers(-30, 30).map(lambda n, seam=seam: seam + n / 20)  # type: ignore[misc]
        moments.update(draw(st.lists(near, max_size=3)))
    edges = [0.0, *sorted(moments), segments[-1].end_s + 5]
    return segments, [SpeakerTurn(a, b, n % 2) for n, (a, b) in enumerate(itertools.pairwise(edges))]


@given(st.one_of(changes_near_overlaps(), recordings()))
def test_a_piece_repeats_the_end_of_its_own_speakers_piece_before(
    recording: tuple[list[SpeechSegment], list[SpeakerTurn]],
) -> None:
    """What follows joins a speaker's pieces in order of start: an overlap must be with the one just before."""
    segments, turns = recording
    found = by_speaker(segments, turns, SETTINGS)
    if not found:
        return
    for mine in found:
        assert list(mine) == sorted(mine, key=lambda piece: (piece.start_s, piece.ordinal))
        for before, after in itertools.pairwise(mine):
            repeated_to_s = after.start_s + after.overlap_s
            assert repeated_to_s == pytest.approx(before.end_s) or (
                after.overlap_s == 0 and after.start_s >= before.end_s
            )
        assert not mine or mine[0].overlap_s == 0
    edges = sorted({edge for s in segments for edge in (s.start_s, s.end_s)} | {p.start_s for m in found for p in m})
    for a, b in itertools.pairwise(edges):
        wanted = covered([(s.start_s, s.end_s) for s in segments], (a + b) / 2)
        assert (covered([(p.start_s, p.end_s) for m in found for p in m], (a + b) / 2) > 0) == (wanted > 0)


def covered(spans: list[tuple[float, float]], moment: float) -> int:
    return sum(start < moment < end for start, end in spans)


@given(recordings())
def test_no_speech_is_lost_and_none_is_heard_twice(recording: tuple[list[SpeechSegment], list[SpeakerTurn]]) -> None:
    segments, turns = recording
    found = by_speaker(segments, turns, SETTINGS)
    if not found:
        return
    pieces = [piece for mine in found for piece in mine]
    new = [(piece.start_s + piece.overlap_s, piece.end_s) for piece in pieces]
    edges = sorted(
        {edge for one in (*segments, *pieces) for edge in (one.start_s, one.end_s, one.start_s + one.overlap_s)}
    )
    for before, after in itertools.pairwise(edges):
        moment = (before + after) / 2
        wanted = covered([(s.start_s, s.end_s) for s in segments], moment)
        have = covered([(p.start_s, p.end_s) for p in pieces], moment)
        assert (have > 0) == (wanted > 0)
        assert have <= wanted
        # What two segments both had may be new to two pieces only where the speaker changes at its very edge.
        assert covered(new, moment) <= 1 or wanted == 2
    for mine in found:
        assert [piece.ordinal for piece in mine] == list(range(len(mine)))
        assert all(piece.end_s > piece.start_s for piece in mine)
        assert all(0 <= piece.overlap_s < piece.duration_s for piece in mine)
        assert all(a.start_s <= b.start_s for a, b in itertools.pairwise(mine))


def test_speech_without_padding_is_cut_with_its_segment() -> None:
    segment = SpeechSegment(channel=0, ordinal=0, start_s=0.0, end_s=10.0, speech=((0.2, 3.0), (4.0, 6.0), (7.0, 9.7)))
    ((first,), (second,)) = by_speaker([segment], turns_of([(0, 4.8, 0), (5.2, 10, 1)]), SETTINGS)
    assert first.speech == ((0.2, 3.0), (4.0, 5.0))
    assert second.speech == ((5.0, 6.0), (7.0, 9.7))
    ((unknown,), _) = by_speaker([replace(segment, speech=None)], turns_of([(0, 4.8, 0), (5.2, 10, 1)]), SETTINGS)
    assert unknown.speech is None
