"""Why a call gets no transcript, and what the recogniser is told of its segments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import (
    EarshotError,
    MemoryExhausted,
    RecognitionFailed,
    ServiceUnavailable,
    StageTimeout,
    WorkerCrashed,
)
from pipeline.records import PreparedChannel, SegmentText, SpeechSegment
from pipeline.run.stages.under_way import UnderWay, clearest_speech, window_task, windows_to_do
from pipeline.transcription.engine import OUT_OF_MEMORY, SERVICE_UNAVAILABLE, SegmentResult
from tests.pipeline.run.stages.test_recognise import FIRST, channel, found_call, work


def under_way(segments: int, *failed: tuple[str, str]) -> UnderWay:
    """That many segments are through, the failed ones with these flags and errors."""
    texts = [
        SegmentText(channel=0, ordinal=place, start_s=place, end_s=place + 0.9, text="", language=None)
        for place in range(segments)
    ]
    results = [
        SegmentResult(key=f"id/0/{place}", text="", language=None, flags=(flag,) if flag else (), error=error)
        for place, (flag, error) in enumerate(failed)
    ]
    return UnderWay(
        work=work("a.wav"), fingerprint="f", identity=FIRST, segments={}, finished=texts, began_s=0.0, failed=results
    )


@pytest.mark.parametrize(
    ("segments", "failed", "expected"),
    [
        (2, [], None),
        (0, [], None),
        (2, [("odd", "too long")], None),
        (2, [("", "e1"), ("", "e2")], RecognitionFailed("no segment could be recognised: e1")),
        (2, [("recogniser_crash", "e1"), ("", "e2")], WorkerCrashed("no segment could be recognised: e1")),
        (2, [("odd", "e1"), ("recogniser_timeout", "e2")], StageTimeout("no segment could be recognised: e1")),
        (1, [(SERVICE_UNAVAILABLE, "503")], ServiceUnavailable("no segment could be recognised: 503")),
        (1, [(OUT_OF_MEMORY, "full")], MemoryExhausted("no segment could be recognised: full")),
        (2, [(OUT_OF_MEMORY, "full")], RecognitionFailed("not all of it could be recognised: full")),
        (3, [("odd", "e1"), (SERVICE_UNAVAILABLE, "503")], RecognitionFailed("not all of it could be recognised: 503")),
        (2, [("recogniser_crash", "e1")], None),
    ],
)
def test_why_no_transcript_is_made(segments: int, failed: list[tuple[str, str]], expected: EarshotError | None) -> None:
    fault = under_way(segments, *failed).fault()
    assert (type(fault), str(fault)) == (type(expected), str(expected))


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        ([], None),
        ([("odd", "e1")], None),
        ([("odd", "e1"), (SERVICE_UNAVAILABLE, "503"), (SERVICE_UNAVAILABLE, "504")], "503"),
    ],
)
def test_what_a_service_that_could_not_serve_said(failed: list[tuple[str, str]], expected: str | None) -> None:
    assert under_way(3, *failed).unserved == expected


def lasting(number: int, *spans: tuple[float, float], same_as: int | None = None) -> PreparedChannel:
    segments = tuple(
        SpeechSegment(channel=number, ordinal=place, start_s=start_s, end_s=end_s)
        for place, (start_s, end_s) in enumerate(spans)
    )
    path = Path(f"{number}.f32")
    return replace(channel(number, 0), samples_path=path, segments=segments, same_as_channel=same_as)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        pytest.param([lasting(0)], [], id="silent"),
        pytest.param([lasting(0, (1, 3), (5, 9))], [("0/1", 5, 9), ("0/0", 1, 3)], id="the longest first"),
        pytest.param([lasting(0, (5, 9), (0, 4))], [("0/1", 0, 4), ("0/0", 5, 9)], id="of equal ones the earlier"),
        pytest.param([lasting(0, (0, 40), (50, 52))], [("0/0", 0, 29)], id="29 seconds at most"),
        pytest.param(
            [lasting(0, (0, 20), (30, 45), (60, 61))], [("0/0", 0, 20), ("0/1", 30, 39)], id="the rest of the next"
        ),
        pytest.param(
            [lasting(0, (0, 20)), lasting(1, (1, 40))], [("0/0", 0, 14.5), ("1/0", 1, 15.5)], id="two channels share"
        ),
        pytest.param([lasting(0, (0, 20)), lasting(1)], [("0/0", 0, 20)], id="a silent channel takes no share"),
        pytest.param([lasting(0, (0, 20)), lasting(1, (0, 20), same_as=0)], [("0/0", 0, 20)], id="a copy neither"),
    ],
)
def test_where_a_calls_language_is_heard(
    channels: list[PreparedChannel], expected: list[tuple[str, float, float]]
) -> None:
    prepared = work("a.wav", *channels).prepared
    assert prepared is not None
    heard = clearest_speech(prepared)
    assert [(task.key, task.start_s, task.end_s) for task in heard] == expected
    assert all(task.samples_path == Path(f"{task.key[0]}.f32").resolve() for task in heard)
    assert all(task.language is None for task in heard)


def test_a_window_says_where_in_the_call_it_lies() -> None:
    """The longest channel, as windows join it: 4 s and 3 s with half a second of the pause between."""
    prepared = work("a.wav", lasting(0, (1, 3)), lasting(1, (1, 5), (9, 12)), sha256="sha of a").prepared
    assert prepared is not None
    task = window_task("id", found_call("a.wav"), prepared, prepared.channels[1].segments[1:], None)
    (segment,) = task.segments
    assert (segment.key, segment.samples_path, segment.start_s, segment.end_s, segment.language) == (
        "id/1/1",
        Path("1.f32").resolve(),
        9,
        12,
        None,
    )
    place = segment.place
    assert place is not None
    assert (place.audio_sha256, place.file_name, place.channel, place.start_s) == ("sha of a", "a.wav", 1, 9)
    assert (task.call_id, task.longest_s) == ("id", 7.5)
    assert [heard.key for heard in task.clearest] == ["0/0", "1/0", "1/1"]


def test_a_call_whose_language_is_known_is_not_searched_for_it() -> None:
    found = found_call("a.wav")
    found = replace(found, metadata=replace(found.metadata, language="cy"))
    prepared = work("a.wav").prepared
    assert prepared is not None
    task = window_task("id", found, prepared, prepared.channels[0].segments, None)
    assert task.clearest == ()
    assert {segment.language for segment in task.segments} == {"cy"}


def test_windows_with_nothing_new_are_left_out_and_so_are_copies() -> None:
    prepared = work("a.wav", channel(0, 2), channel(1, 2, same_as=0), channel(2, 1)).prepared
    assert prepared is not None
    keys = [
        [(segment.channel, segment.ordinal) for segment in window]
        for window in windows_to_do(prepared, {(0, 1), (1, 0)}, None)
    ]
    assert keys == [[(0, 0)], [(2, 0)]]
