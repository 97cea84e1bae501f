"""Live calls from their first sample to their rows."""

from __future__ import annotations

import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import DatabaseUnavailable, TerminalError
from pipeline.live.call import LiveCall
from pipeline.live.events import Analysis, Ended, Turn
from pipeline.live.kept import KeptCalls
from pipeline.live.refusals import CallRefused, EndReason, Refusal
from pipeline.live.sound import TrackSound
from tests.live_rooms import RATE_HZ, LiveBed, SaysItsPlace, live_bed, speech, start_of
from tests.waiting import until

PATIENCE_S = 60.0


@pytest.fixture
def beds() -> Iterator[list[LiveBed]]:
    opened: list[LiveBed] = []
    yield opened
    for bed in opened:
        bed.room.close()


@pytest.fixture
def bed(beds: list[LiveBed], tmp_path: Path) -> LiveBed:
    return made(beds, tmp_path)


def made(
    beds: list[LiveBed],
    folder: Path,
    recogniser: SaysItsPlace | None = None,
    fault: Exception | None = None,
    **live: float,
) -> LiveBed:
    one = live_bed(folder, recogniser, fault=fault, live=live)
    beds.append(one)
    return one


def begin(bed: LiveBed) -> LiveCall:
    call = bed.room.start(start_of())
    call.attach(lambda: None)
    return call


def send(bed: LiveBed, call: LiveCall, seconds: float, block: int = 3200) -> None:
    sound, space = speech(seconds), threading.Event()
    for first in range(0, len(sound), block):
        for track in (0, 1):
            content = np.ascontiguousarray(sound[first : first + block, track]).tobytes()
            while not call.offer(TrackSound(track, first, content), space.set):
                bed.room.wake()
                assert space.wait(PATIENCE_S)
                space.clear()
        bed.room.wake()


def end(bed: LiveBed, call: LiveCall, reason: EndReason = EndReason.STOPPED) -> Ended:
    call.end(reason)
    bed.room.wake()
    return ended(call)


def ended(call: LiveCall) -> Ended:
    assert call.done.wait(PATIENCE_S)
    last = call.events.after(0)[-1][1]
    assert isinstance(last, Ended)
    return last


def turns_of(call: LiveCall) -> list[Turn]:
    return [event for _, event in call.events.after(0) if isinstance(event, Turn)]


def test_a_call_is_heard_told_stored_and_handed_over(bed: LiveBed) -> None:
    call = begin(bed)
    send(bed, call, 16.0)
    last = end(bed, call)
    turns = turns_of(call)
    assert {turn.role for turn in turns} == {"client", "agent"}
    assert all(turn.text.startswith("heard from") and turn.mood.label == "positive" for turn in turns)
    assert (last.reason, last.duration_s, last.job) == ("stopped", 16.0, f"job of {call.session}")
    kinds = [event.type for _, event in call.events.after(0)]
    assert kinds[-2:] == ["analysis", "ended"]
    with wave.open(str(bed.recordings.taken[call.session])) as file:
        recorded = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    assert (recorded == speech(16.0)).all()
    bed.room.close()
    assert bed.rows.begun[call.session].start.roles == ("client", "agent")
    assert sorted(bed.rows.turns[call.session], key=lambda t: t.start_s) == sorted(turns, key=lambda t: t.start_s)
    reason, duration_s, analysis = bed.rows.ended[call.session]
    assert (reason, duration_s) == ("stopped", 16.0)
    assert analysis == Analysis(topic="testing", summary=f"{len(turns)} turns", moods={"client": "positive"})
    assert bed.rows.handed[call.session][1] == last.job
    assert bed.closed == ["tools"]
    assert not list(bed.directory.iterdir())


def test_a_turn_under_way_is_told(bed: LiveBed) -> None:
    call = begin(bed)
    send(bed, call, 3.0)  # the agent is still greeting
    until(lambda: any(event.type == "partial" for _, event in call.events.after(0)))
    assert not turns_of(call)


def test_one_call_more_than_there_is_room_for_is_refused(beds: list[LiveBed], tmp_path: Path) -> None:
    bed = made(beds, tmp_path, max_calls=2)
    first, _ = begin(bed), begin(bed)
    with pytest.raises(CallRefused, match=r"live.max_calls") as refused:
        begin(bed)
    assert refused.value.refusal is Refusal.FULL
    end(bed, first)
    begin(bed)


def test_no_call_is_taken_while_the_recogniser_is_far_behind(beds: list[LiveBed], tmp_path: Path) -> None:
    recogniser = SaysItsPlace()
    bed = made(beds, tmp_path, recogniser, max_backlog_s=10.0)
    recogniser.backlog_s = 10.0
    begin(bed)
    recogniser.backlog_s = 10.1
    with pytest.raises(CallRefused, match=r"live.max_backlog_s"):
        begin(bed)


@pytest.mark.parametrize(
    ("settings", "attached", "reason"),
    [
        ({"idle_s": 0.1}, True, "idle"),
        ({"resume_s": 0.1}, False, "lost"),
        ({"silence_s": 0.5}, True, "silence"),
        ({"max_call_s": 1.0}, True, "too_long"),
    ],
)
def test_a_call_ends_by_itself(
    beds: list[LiveBed], tmp_path: Path, settings: dict[str, float], attached: bool, reason: str
) -> None:
    bed = made(beds, tmp_path, None, None, **settings)
    call = bed.room.start(start_of())
    if attached:
        call.attach(lambda: None)
    for first in range(0, RATE_HZ * 2, RATE_HZ):
        call.offer(TrackSound(0, first, bytes(2 * RATE_HZ)), lambda: None)
    bed.room.wake()
    assert ended(call).reason == reason
    assert call.session in bed.recordings.taken


@pytest.mark.parametrize(
    ("sound", "says"),
    [
        (TrackSound(2, 0, b"ab"), "no track 2"),
        (TrackSound(0, 0, b"abc"), "no whole samples"),
        (TrackSound(0, RATE_HZ * 61, b"ab"), "live.max_gap_s"),
    ],
)
def test_sound_that_cannot_be_of_the_call_is_refused(bed: LiveBed, sound: TrackSound, says: str) -> None:
    call = begin(bed)
    with pytest.raises(CallRefused, match=says):
        call.offer(sound, lambda: None)
    assert call.offered == (0, 0)


def test_what_was_sent_before_is_left_out_and_what_was_left_out_is_silence(bed: LiveBed) -> None:
    call = begin(bed)
    samples = np.arange(1, 101, dtype="<i2")
    for first, last in ((0, 50), (0, 50), (25, 75), (90, 100)):
        call.offer(TrackSound(0, first, samples[first:last].tobytes()), lambda: None)
    end(bed, call)
    with wave.open(str(bed.recordings.taken[call.session])) as file:
        recorded = np.frombuffer(file.readframes(200), dtype="<i2").reshape(-1, 2)
    expected = samples.copy()
    expected[75:90] = 0
    assert recorded[:, 0].tolist() == expected.tolist()
    assert not recorded[:, 1].any()


def test_a_full_buffer_makes_the_client_wait(beds: list[LiveBed], tmp_path: Path) -> None:
    bed = made(beds, tmp_path, buffer_bytes=4096)
    call, space = begin(bed), threading.Event()
    taken = [call.offer(TrackSound(0, first, bytes(2048)), space.set) for first in range(0, 1024 * 3, 1024)]
    if not all(taken):  # the listening thread may have been as fast
        bed.room.wake()
        assert space.wait(PATIENCE_S)
    assert taken[:2] == [True, True]


def test_a_call_without_words_or_recogniser_ends_too(beds: list[LiveBed], tmp_path: Path) -> None:
    recogniser = SaysItsPlace()
    recogniser.identity = None
    bed = made(beds, tmp_path, recogniser)
    call = begin(bed)
    send(bed, call, 0.5)
    end(bed, call)
    bed.room.close()
    analysis = bed.rows.ended[call.session][2]
    assert analysis is not None
    assert analysis.missing["summary"] == "no words"


def test_only_its_owner_takes_a_call_up_again(bed: LiveBed) -> None:
    call = bed.room.start(start_of(owner="dialler"))
    assert bed.room.resume(call.session, "dialler") is call
    for session, owner in ((call.session, "another"), ("unknown", "dialler")):
        with pytest.raises(CallRefused, match="can be resumed") as refused:
            bed.room.resume(session, owner)
        assert refused.value.refusal is Refusal.UNKNOWN_SESSION


def test_the_events_of_an_ended_call_can_still_be_asked_for(beds: list[LiveBed], tmp_path: Path) -> None:
    bed = made(beds, tmp_path, resume_s=0.2)
    call = begin(bed)
    end(bed, call)
    until(lambda: bed.room.find(call.session) is None)
    until(lambda: not list(bed.directory.iterdir()))


def test_another_connection_takes_the_call_over(bed: LiveBed) -> None:
    call, left = begin(bed), []
    call.attach(lambda: left.append("first"))
    call.attach(second := lambda: left.append("second"))
    assert left == ["first"]
    call.detach(lambda: None)
    assert call.left_at is None
    call.detach(second)
    assert call.left_at is not None


def test_the_recording_of_a_full_disk_is_kept_so_far(bed: LiveBed, monkeypatch: pytest.MonkeyPatch) -> None:
    call = begin(bed)
    send(bed, call, 1.0)
    until(lambda: call.recorded == (RATE_HZ, RATE_HZ))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call.recording, "write", full)
    call.offer(TrackSound(0, RATE_HZ, bytes(320)), lambda: None)
    bed.room.wake()
    assert ended(call).reason == "disk"
    with wave.open(str(bed.recordings.taken[call.session])) as file:
        assert file.getnframes() == RATE_HZ


def test_an_outage_at_the_end_keeps_the_recording_for_the_next_start(beds: list[LiveBed], tmp_path: Path) -> None:
    bed = made(beds, tmp_path, fault=DatabaseUnavailable("away"))
    call = begin(bed)
    send(bed, call, 1.0)
    assert end(bed, call).job is None
    bed.room.close()
    after = made(beds, tmp_path)
    (header,) = after.room.recover()
    assert header == call.header
    assert after.recordings.taken[call.session].stat().st_size == 44 + RATE_HZ * 4
    assert after.room.recover() == []
    assert not list(bed.directory.iterdir())


def test_a_recording_that_nobody_can_use_is_not_offered_again(beds: list[LiveBed], tmp_path: Path) -> None:
    bed = made(beds, tmp_path, fault=TerminalError("too short"))
    call = begin(bed)
    send(bed, call, 1.0)
    end(bed, call)
    bed.room.close()
    assert made(beds, tmp_path).room.recover() == []
    assert not list(bed.directory.iterdir())


def test_a_call_that_is_held_elsewhere_is_left_alone(bed: LiveBed) -> None:
    call = begin(bed)
    send(bed, call, 1.0)
    assert list(KeptCalls(bed.directory).left_behind()) == []
    assert call.recording.path.exists()


def test_turns_that_are_late_are_waited_for(beds: list[LiveBed], tmp_path: Path) -> None:
    recogniser = SaysItsPlace()
    recogniser.silent = True
    bed = made(beds, tmp_path, recogniser)
    call = begin(bed)
    send(bed, call, 9.0)
    call.end(EndReason.STOPPED)
    bed.room.wake()
    until(lambda: call.session in bed.recordings.taken and call.finished)
    assert not call.done.is_set()
    recogniser.answer_all()
    ended(call)
    assert turns_of(call)


def test_closing_ends_every_call(bed: LiveBed) -> None:
    calls = [begin(bed), begin(bed)]
    for call in calls:
        send(bed, call, 0.5)
    bed.room.close()
    assert [ended(call).reason for call in calls] == ["shutdown", "shutdown"]
    assert set(bed.recordings.taken) == {call.session for call in calls}
    with pytest.raises(CallRefused, match="shutting down"):
        begin(bed)
