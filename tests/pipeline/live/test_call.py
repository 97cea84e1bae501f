"""What a live call takes in, and when it says why it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from commands.serving.live import live_hearing
from pipeline.config.areas.live import LiveSettings
from pipeline.config.root import Settings
from pipeline.live.call import LiveCall
from pipeline.live.ports import LiveHeader
from pipeline.live.refusals import CallRefused, EndReason
from pipeline.live.sound import TrackSound
from tests.live_rooms import RATE_HZ, speech, start_of

SETTINGS = LiveSettings(buffer_bytes=65_536, max_gap_s=1.0, max_call_s=60.0)


@pytest.fixture
def call(tmp_path: Path) -> Iterator[LiveCall]:
    header = LiveHeader(session="one", started_at=datetime.now(UTC), start=start_of(), file_name="one.wav")
    made = LiveCall(header, tmp_path, SETTINGS, live_hearing(Settings()))
    yield made
    made.close_files()


def offer(call: LiveCall, first: int, samples: int, track: int = 0, spaces: list[str] | None = None) -> bool:
    content = np.full(samples, 7, dtype="<i2").tobytes()
    return call.offer(TrackSound(track, first, content), lambda: (spaces if spaces is not None else []).append("space"))


def recorded(call: LiveCall) -> list[int]:
    content = call.recording.path.read_bytes()[44:]
    return [int(sample) for sample in np.frombuffer(content, dtype="<i2").reshape(-1, 2)[:, 0]]


@pytest.mark.parametrize(
    ("first", "samples", "expected", "kept"),
    [
        (100, 50, 150, [7] * 150),
        (40, 60, 100, [7] * 100),
        (40, 61, 101, [7] * 101),
        (0, 100, 100, [7] * 100),
        (130, 20, 150, [7] * 100 + [0] * 30 + [7] * 20),
        (100, 0, 100, [7] * 100),
    ],
    ids=["the next", "sent before", "partly sent before", "all of it again", "with a gap", "nothing"],
)
def test_what_follows_a_hundred_samples(
    call: LiveCall, first: int, samples: int, expected: int, kept: list[int]
) -> None:
    assert offer(call, 0, 100)
    assert offer(call, first, samples)
    assert call.offered == (expected, 0)
    call.listen()
    assert call.recorded == (expected, 0)
    assert recorded(call) == kept


@pytest.mark.parametrize(("gap", "refused"), [(RATE_HZ, False), (RATE_HZ + 1, True)])
def test_a_gap_of_the_longest_length_is_filled(call: LiveCall, gap: int, refused: bool) -> None:
    if refused:
        with pytest.raises(CallRefused, match="max_gap_s"):
            offer(call, gap, 10)
        return
    assert offer(call, gap, 10)
    call.listen()
    assert recorded(call) == [0] * gap + [7] * 10


@pytest.mark.parametrize(("samples", "reason"), [(60 * RATE_HZ, None), (60 * RATE_HZ + 1, EndReason.TOO_LONG)])
def test_a_call_of_the_longest_length_is_taken(call: LiveCall, samples: int, reason: EndReason | None) -> None:
    assert offer(call, 0, samples)
    assert call.reason is reason
    assert call.offered == (samples if reason is None else 0, 0)


def test_a_full_buffer_takes_what_was_sent_before_and_tells_when_there_is_space(call: LiveCall) -> None:
    spaces: list[str] = []
    assert offer(call, 0, 16_384)
    assert offer(call, 0, 16_384, track=1)
    assert not offer(call, 16_384, 1, spaces=spaces)
    assert call.offered == (16_384, 16_384)
    assert offer(call, 16_000, 384), "it takes no room"
    assert spaces == []
    call.listen()
    assert spaces == ["space"]
    call.listen()
    assert spaces == ["space"]
    assert offer(call, 16_384, 40_000), "a block larger than the buffer is taken where that is empty"


def test_the_first_reason_counts_and_nothing_is_taken_after_it(call: LiveCall) -> None:
    call.end(EndReason.STOPPED)
    call.end(EndReason.LOST)
    assert call.reason is EndReason.STOPPED
    assert offer(call, 0, 100)
    assert call.offered == (0, 0)


def test_a_connection_that_was_replaced_leaves_nothing_behind(call: LiveCall) -> None:
    left: list[str] = []

    def first() -> None:
        left.append("first")

    def second() -> None:
        left.append("second")

    call.attach(first)
    assert call.left_at is None
    call.attach(second)
    assert left == ["first"]
    call.detach(first)
    assert call.left_at is None, "the second one serves it"
    call.detach(second)
    assert call.left_at is not None
    assert left == ["first"]


def test_silence_is_counted_from_the_last_speech_of_any_track(call: LiveCall) -> None:
    sound = np.ascontiguousarray(speech(24.0)[6 * RATE_HZ : 14 * RATE_HZ, 0])
    call.offer(TrackSound(0, 0, sound.astype("<i2").tobytes()), lambda: None)
    turns = call.listen()
    until_s = len(sound) / RATE_HZ
    before_s = call.silent_s
    assert before_s < until_s / 2
    call.offer(TrackSound(0, len(sound), bytes(2 * 8 * RATE_HZ)), lambda: None)
    turns += call.listen()
    assert call.silent_s >= 7.9
    last_s = max(turn.segment.end_s for turn in turns if turn.final)
    assert until_s + 8 - call.silent_s == pytest.approx(last_s, abs=1.0)
    call.offer(TrackSound(1, 0, bytes(2 * 4 * RATE_HZ)), lambda: None)
    silent_s = call.silent_s
    call.listen()
    assert call.silent_s == silent_s, "the track that has most counts"


def test_the_turn_that_the_end_cuts_off_is_told(call: LiveCall) -> None:
    sound = np.ascontiguousarray(speech(24.0)[6 * RATE_HZ : 24 * RATE_HZ, 0])
    whole = LiveCall(call.header, call.folder.joinpath("..").resolve(), SETTINGS, live_hearing(Settings()))
    whole.offer(TrackSound(0, 0, sound.astype("<i2").tobytes()), lambda: None)
    turn = next(one for one in whole.listen() if one.final)
    whole.close_files()
    middle = round((turn.segment.start_s + turn.segment.end_s) / 2 * RATE_HZ)
    call.offer(TrackSound(0, 0, sound[:middle].astype("<i2").tobytes()), lambda: None)
    assert [one for one in call.listen() if one.final] == []
    (last,) = (one for one in call.finish() if one.final)
    assert last.segment.start_s == turn.segment.start_s
    assert last.segment.end_s <= middle / RATE_HZ
    assert call.finished
