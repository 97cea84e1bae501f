"""A whole call through the audio half, in this process and in a spawned one."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio.decoding.spool import discard, read_samples, rewrite
from pipeline.audio.prepare import CallPreparer
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.errors import AudioUndecodable, SourceUnreadable, TransientError
from pipeline.records import CallMetadata, PreparedCall, Role
from tests.pipeline.audio.conftest import Prepare
from tests.pipeline.audio.sounds import RATE, Samples, float_wav, silence, write


def test_a_call_is_prepared_whole(tmp_path: Path, prepare: Prepare, both_sides: tuple[Samples, Samples]) -> None:
    path = write(tmp_path / "a.wav", *both_sides, rate=8000)
    call = prepare(path)
    assert call.audio_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert call.duration_s == pytest.approx(30.0, abs=0.01)
    assert (call.header.container, call.header.codec, call.header.sample_rate_hz) == ("wav", "pcm_s16le", 8000)
    assert (call.header.channels, call.header.duration_s, call.header.flags) == (2, call.duration_s, ())
    assert (call.notes, call.diariser) == ({}, None)
    assert [channel.role for channel in call.channels] == [Role.CLIENT, Role.AGENT]
    assert set(call.timings_s) == {"hash", "decode", "echo", "vad", "doctor"}
    assert call.flags == ("roles_from_map",)
    for channel, side in zip(call.channels, both_sides, strict=True):
        assert channel.samples * 4 == channel.samples_path.stat().st_size
        assert channel.segments
        for segment in channel.segments:
            samples = read_samples(channel.samples_path, segment.start_s, segment.end_s)
            assert len(samples) == round(segment.duration_s * RATE)
            assert segment.speech, "where somebody speaks within it is known"
            assert segment.start_s < segment.speech[0][0] or segment.start_s == 0.0, "padding is not speech"
            assert segment.speech[-1][1] < segment.end_s or segment.end_s == call.duration_s
            original = side[round(segment.start_s * RATE) :][: len(samples)]
            assert np.corrcoef(samples[: len(original)], original)[0, 1] > 0.99
    discard(call)
    assert not call.channels[0].samples_path.exists()


@pytest.mark.parametrize("count", [0, 1, 100])
def test_next_to_nothing_is_done_with_no_segments(tmp_path: Path, prepare: Prepare, count: int) -> None:
    call = prepare(float_wav(tmp_path / "a.wav", np.full((count, 2), 0.5, dtype=np.float32)))
    assert call.channels[0].samples == count
    assert not any(channel.segments for channel in call.channels)
    assert {"silence", "no_speech"} & set(call.flags)


def test_a_spawned_worker_answers_with_the_same(
    tmp_path: Path, both_sides: tuple[Samples, Samples], prepare: Prepare
) -> None:
    path = write(tmp_path / "a.wav", *both_sides, rate=8000)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(_prepared_anew, (path, tmp_path / "other"))
    here = prepare(path)
    assert there.audio_sha256 == here.audio_sha256
    assert [c.segments for c in there.channels] == [c.segments for c in here.channels]
    assert there.flags == here.flags


def _prepared_anew(path: Path, spool: Path) -> PreparedCall:
    return CallPreparer(AudioSettings(), VoiceActivitySettings()).prepare(path, CallMetadata(), spool)


def test_errors_leave_nothing_in_the_spool(tmp_path: Path, preparer: CallPreparer) -> None:
    spool = tmp_path / "spool"
    path = tmp_path / "a.wav"
    path.write_bytes(b"this is a letter, not a call\n" * 99)
    with pytest.raises(AudioUndecodable):
        preparer.prepare(path, CallMetadata(), spool)
    path.unlink()
    with pytest.raises(SourceUnreadable):
        preparer.prepare(path, CallMetadata(), spool)
    assert list(spool.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_spool_that_cannot_be_made_is_transient(tmp_path: Path, preparer: CallPreparer) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(TransientError, match="spool"):
        preparer.prepare(tmp_path / "a.wav", CallMetadata(), tmp_path / "spool")


def test_a_spool_under_a_file_is_transient(tmp_path: Path, preparer: CallPreparer) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TransientError, match="spool"):
        preparer.prepare(tmp_path / "a.wav", CallMetadata(), tmp_path / "file" / "spool")


def test_a_recording_that_grows_while_it_is_read_is_tried_again(tmp_path: Path, preparer: CallPreparer) -> None:
    path = write(tmp_path / "a.wav", silence(600, -30), rate=8000)
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            with path.open("ab") as file:
                file.write(bytes(1000))
            time.sleep(0.001)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        with pytest.raises(SourceUnreadable, match="changed while it was read"):
            preparer.prepare(path, CallMetadata(), tmp_path / "spool")
    finally:
        stop.set()
        writer.join()


def test_a_fallback_detector_is_flagged(tmp_path: Path, speech: Samples) -> None:
    settings = VoiceActivitySettings.model_validate({"silero": {"model_sha256": "0" * 64}})
    fallen = CallPreparer(AudioSettings(), settings)
    assert fallen.passed_over[0].startswith("silero: ")
    call = fallen.prepare(write(tmp_path / "a.wav", speech), CallMetadata(), tmp_path / "spool")
    assert "vad_fallback_energy" in call.flags
    assert call.channels[0].segments


def test_samples_are_read_by_seconds_and_rewritten_in_place(tmp_path: Path) -> None:
    path = tmp_path / "channel.f32"
    np.arange(RATE, dtype="<f4").tofile(path)
    assert read_samples(path, 0.5, 0.501).tolist() == list(range(8000, 8016))
    assert len(read_samples(path, 0.9, 5.0)) == 1600
    assert len(read_samples(path, 3.0, 5.0)) == 0
    rewrite(path, offset=8000.0, gain=1e-4, block_samples=999)
    assert read_samples(path, 0.0, 2.0) == pytest.approx((np.arange(RATE) - 8000) * 1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("area", "values", "message"),
    [
        (VoiceActivitySettings, {"neg_threshold": 0.9}, "neg_threshold"),
        (VoiceActivitySettings, {"max_segment_s": 2.0, "overlap_s": 1.0}, "overlap_s"),
        (VoiceActivitySettings, {"detectors": ["silero", "silero"]}, "detectors"),
        (VoiceActivitySettings, {"detectors": ["loud"]}, "silero"),
        (AudioSettings, {"gain": {"target_dbfs": -50}}, "target_dbfs"),
        (AudioSettings, {"channel_roles": ["boss"]}, "agent"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    area: type[AudioSettings | VoiceActivitySettings], values: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        area.model_validate(values)
