"""Where each word of a segment was said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline.overheard.said import said_in, timed, times_at
from pipeline.records import SegmentText, SpeechSpan, Word


def segment(text: str, *words: tuple[str, float, float]) -> SegmentText:
    found = tuple(Word(text=said, start_s=start_s, end_s=end_s) for said, start_s, end_s in words) or None
    return SegmentText(channel=1, ordinal=4, start_s=10.0, end_s=20.0, text=text, language="en", words=found)


@pytest.mark.parametrize(
    ("text", "speech", "spans"),
    [
        pytest.param("abc abc", None, [(10, 15), (15, 20)], id="the whole segment where nothing is known"),
        pytest.param("a abcde", [(10, 14)], [(10, 11), (11, 14)], id="by their letters and the space behind"),
        pytest.param("abc abc", [(10, 12), (16, 18)], [(10, 12), (12, 18)], id="over a pause"),
        pytest.param(
            "abc abc abc", [(10, 11), (14, 15), (19, 20)], [(10, 11), (11, 15), (15, 20)], id="over two pauses"
        ),
        pytest.param("abc abc abc abc", [(10, 11), (15, 18)], [(10, 11), (11, 16), (16, 17), (17, 18)], id="uneven"),
        pytest.param("", [(10, 12)], [], id="no words"),
    ],
)
def test_words_without_times_are_spread_over_the_speech(
    text: str, speech: Sequence[SpeechSpan] | None, spans: list[tuple[float, float]]
) -> None:
    found = said_in(segment(text), speech)
    assert [one.start_s for one in found] == pytest.approx([start_s for start_s, _ in spans])
    assert [one.end_s for one in found] == pytest.approx([end_s for _, end_s in spans])
    assert [(one.segment, one.place) for one in found] == [((1, 4), place) for place in range(len(spans))]
    assert [one.middle_s for one in found] == pytest.approx([sum(span) / 2 for span in spans])


def test_words_with_times_keep_them_and_are_compared_without_case_and_signs() -> None:
    words = [("It's", 10.0, 10.5), ("15", 11.0, 11.5), ("%.", 11.5, 12.0), ("—", 13.0, 13.1)]
    one = segment("It's 15%. —", *words)
    assert timed(one)
    assert [(said.key, said.start_s, said.end_s) for said in said_in(one, [(0.0, 1.0)])] == [
        ("its", 10.0, 10.5),
        ("15", 11.0, 12.0),
        ("—", 13.0, 13.1),
    ]
    taken = times_at(one, [1, 2])
    assert taken is not None
    assert [word.text for word in taken] == ["15", "%.", "—"]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (segment(""), True),
        (segment("a"), False),
        (segment("a", ("a", 1.0, 2.0)), True),
        (segment("a b", ("a", 1.0, 2.0)), False),
        (segment("a", ("b", 1.0, 2.0)), False),
    ],
    ids=["nothing was written", "no times", "times", "too few", "of another text"],
)
def test_whether_words_have_times(one: SegmentText, expected: bool) -> None:
    assert timed(one) is expected
    if one.text:
        assert (times_at(one, [0]) is not None) is expected
