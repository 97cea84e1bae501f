"""Recordings of every kind, and what is no recording at all."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio.decoding.decode import Decoding, _Clock, sounding_frames
from pipeline.audio.decoding.ingest import Ingested, ingest
from pipeline.audio.decoding.spool import read_range
from pipeline.config.areas.audio import AudioSettings
from pipeline.errors import AudioUndecodable, SourceUnreadable, TransientError
from tests.pipeline.audio.sounds import RATE, Samples, float_wav, music, silence, tone, write

LOW, HIGH = 440.0, 1000.0
PLAY_LIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n" * 20


def take(path: Path, folder: Path, **values: object) -> tuple[Ingested, list[Samples]]:
    folder.mkdir(exist_ok=True)
    call = ingest(path, folder, AudioSettings.model_validate(values))
    return call, [read_range(channel, 0, call.samples) for channel in call.paths]


def pitch(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE / len(samples))


class Packet:
    """Frames of so many samples; `None` for one that makes no sense."""

    def __init__(self, *sizes: int, sense: bool = True) -> None:
        self._sizes = sizes
        self._sense = sense

    def decode(self) -> list[SimpleNamespace]:
        if not self._sense:
            raise ValueError("no sense")
        return [SimpleNamespace(samples=size) for size in self._sizes]


ODD = Packet(sense=False)


@pytest.mark.parametrize(
    ("packets", "sizes", "errors"),
    [
        pytest.param([Packet(1, 2), Packet(0), Packet(3)], [1, 2, 3], 0, id="without empty frames"),
        pytest.param([Packet(1), ODD, ODD, Packet(2)], [1, 2], 2, id="as many as may be"),
        pytest.param([Packet(1), ODD, ODD, ODD, Packet(2)], [1], 3, id="too many"),
        pytest.param([ODD, ODD, Packet(), ODD, ODD, Packet(2)], [2], 4, id="not in a row"),
    ],
)
def test_packets_that_make_no_sense_are_counted_and_end_it_when_too_many_follow_each_other(
    packets: Any, sizes: list[int], errors: int
) -> None:
    told: list[None] = []
    found = [frame.samples for frame in sounding_frames(packets, 2, lambda: told.append(None))]
    assert (found, len(told)) == (sizes, errors)


@pytest.mark.parametrize(
    ("codec", "form", "rate"),
    [
        ("pcm_s16le", "wav", 8000),
        ("pcm_s24le", "wav", 44100),
        ("pcm_u8", "wav", 11025),
        ("pcm_f32le", "wav", 16000),
        ("pcm_f64le", "wav", 16000),
        ("pcm_mulaw", "wav", 8000),
        ("pcm_alaw", "wav", 8000),
        ("adpcm_ima_wav", "wav", 8000),
        ("adpcm_ms", "wav", 8000),
        ("flac", "flac", 16000),
        ("libmp3lame", "mp3", 16000),
        ("libopus", "ogg", 16000),
        ("aac", "ipod", 16000),
        ("wmav2", "asf", 22050),
    ],
)
def test_each_codec_gives_each_channel_its_own_samples(tmp_path: Path, codec: str, form: str, rate: int) -> None:
    path = write(tmp_path / "call", tone(2, LOW), tone(2, HIGH), rate=rate, codec=codec, form=form)
    call, channels = take(path, tmp_path / "spool")
    assert len(call.channels) == 2
    assert call.duration_s == pytest.approx(2.0, abs=0.15)
    assert not call.flags
    for samples, expected in zip(channels, (LOW, HIGH), strict=True):
        middle = samples[RATE // 2 : RATE // 2 + RATE]
        assert pitch(middle) == pytest.approx(expected, abs=3)
        assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.2 / np.sqrt(2), rel=0.1)


def test_a_third_channel_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1, LOW), tone(1, HIGH), tone(1, 2000.0))
    _, channels = take(path, tmp_path / "spool")
    assert [round(pitch(samples), -1) for samples in channels] == [440, 1000, 2000]


@pytest.mark.parametrize("block_s", [0.1, 0.37, 5.0, 60.0])
def test_the_blocks_make_no_difference(tmp_path: Path, block_s: float) -> None:
    path = write(tmp_path / "a.wav", music(3), tone(3, 300.0, amplitude=1.2), rate=8000)
    whole, expected = take(path, tmp_path / "whole", block_s=7.3)
    call, channels = take(path, tmp_path / "blocks", block_s=block_s)
    for samples, other in zip(channels, expected, strict=True):
        np.testing.assert_array_equal(samples, other)
    np.testing.assert_array_equal(call.channels[0].levels.power, whole.channels[0].levels.power)
    assert [c.clipped for c in call.channels] == [c.clipped for c in whole.channels]
    assert call.channels[1].clipped > 0


@pytest.mark.parametrize(
    "content", [b"", PLAY_LIST, b"just a letter to somebody\n" * 100, b"RIFF\0\0\0\0WAVE", b"\0" * 5000]
)
def test_what_is_no_recording_is_undecodable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AudioUndecodable, match=r"a\.wav"):
        take(path, tmp_path / "spool")


def test_a_recording_that_vanished_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"gone\.wav"):
        take(tmp_path / "gone.wav", tmp_path / "spool")
    with pytest.raises(SourceUnreadable):
        list(Decoding(tmp_path / "gone.ogg").blocks(1.0))


def test_a_spool_that_cannot_be_written_is_not_the_recordings_fault(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1, LOW))
    with pytest.raises(TransientError, match="spool") as raised:
        ingest(path, tmp_path / "absent" / "folder", AudioSettings())
    assert not isinstance(raised.value, SourceUnreadable)


def test_broken_packets_cost_only_themselves(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", music(12, seed=1), codec="flac", form="flac")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    call, _ = take(path, tmp_path / "spool")
    assert "decode_errors" in call.flags
    assert "truncated" not in call.flags
    assert call.duration_s == pytest.approx(12.0, abs=0.05), "the clock goes on over the gap"


@pytest.mark.parametrize(
    ("stamps", "missing"),
    [
        ([0.0, 0.1, 0.2, 0.3], [0, 0, 0, 0]),
        ([5.0, 5.1, 5.6, 5.7], [0, 0, 400, 0]),
        ([0.0, 0.14, 0.24], [0, 0, 0]),
        ([0.0, 60.0, 60.1], [0, 59_900, 0]),
        ([0.0, None, 0.2, 0.8], [0, 0, 0, 500]),
        ([None, None, 7.0, 7.6], [0, 0, 0, 500]),
        # a jump of more than a minute is no missing sound, and the clock follows it
        ([0.0, 100.0, 100.1, 100.7], [0, 0, 0, 500]),
        ([500.0, 2.0, 2.1, 2.6], [0, 0, 0, 400]),
    ],
)
def test_the_clock_tells_missing_sound_from_rounding_and_from_jumps(
    stamps: list[float | None], missing: list[int]
) -> None:
    clock, rate = _Clock(), 1000
    found = []
    for stamp in stamps:
        frame = av.AudioFrame(format="s16", layout="mono", samples=100)
        frame.sample_rate = rate
        frame.time_base = Fraction(1, 1000)
        frame.pts = None if stamp is None else round(stamp * 1000)
        found.append(clock.missing(frame, rate))
    assert found == missing


@pytest.mark.parametrize(
    ("codec", "form"), [("pcm_s16le", "wav"), ("flac", "flac"), ("libmp3lame", "mp3"), ("libopus", "ogg")]
)
def test_what_a_cut_recording_still_holds_is_used(tmp_path: Path, codec: str, form: str) -> None:
    path = write(tmp_path / f"a.{form}", music(10), codec=codec, form=form)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    call, _ = take(path, tmp_path / "spool")
    assert "truncated" in call.flags
    assert 3.0 < call.duration_s < 7.0


def test_a_header_without_a_rate_is_repaired(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(2, LOW), rate=8000)
    content = bytearray(path.read_bytes())
    place = content.index(b"fmt ") + 12
    content[place : place + 4] = bytes(4)
    path.write_bytes(content)
    call, channels = take(path, tmp_path / "spool")
    assert call.flags == {"bad_header"}
    assert call.tracks[0].sample_rate_hz == 8000
    assert pitch(channels[0][:RATE]) == pytest.approx(LOW, abs=3)


def test_a_header_that_claims_hours_gives_what_is_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(2, LOW), rate=8000)
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = (8000 * 2 * 3600 * 9).to_bytes(4, "little")
    path.write_bytes(content)
    call, _ = take(path, tmp_path / "spool")
    assert call.flags == {"bad_header"}
    assert call.duration_s == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("count", [0, 1, 2, 159, 161])
def test_next_to_nothing_is_decoded(tmp_path: Path, count: int) -> None:
    path = float_wav(tmp_path / "a.wav", np.full((count, 2), 0.5, dtype=np.float32))
    call, channels = take(path, tmp_path / "spool")
    assert call.samples == count
    assert [len(samples) for samples in channels] == [count, count]


def test_garbage_samples_are_zeroed_and_counted(tmp_path: Path) -> None:
    samples = np.zeros((RATE, 2), dtype=np.float32)
    samples[:, 0] = tone(1, LOW)
    samples[100:110, 0] = np.nan
    samples[5000, 0] = np.inf
    samples[5001, 0] = -1e30
    call, (first, second) = take(float_wav(tmp_path / "a.wav", samples), tmp_path / "spool")
    assert [channel.non_finite for channel in call.channels] == [12, 0]
    assert np.isfinite(first).all()
    assert not first[100:110].any()
    assert not second.any()


def test_a_codec_nobody_knows_is_undecodable(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1, LOW))
    content = bytearray(path.read_bytes())
    place = content.index(b"fmt ") + 8
    content[place : place + 2] = b"\x99\x77"
    path.write_bytes(content)
    with pytest.raises(AudioUndecodable):
        take(path, tmp_path / "spool")


def test_a_header_with_hundreds_of_channels_is_refused(tmp_path: Path) -> None:
    path = float_wav(tmp_path / "a.wav", np.zeros((1000, 200), dtype=np.float32))
    with pytest.raises(AudioUndecodable, match="max_channels"):
        take(path, tmp_path / "spool")


BLOCK_S = 4 * 0.256
"""What PyAV's frames make of a block of a second."""


@pytest.mark.parametrize(
    ("most_s", "seconds", "kept_s", "is_cut"),
    [
        (10 * BLOCK_S, 30.0, 10 * BLOCK_S, True),
        (10 * BLOCK_S, 10 * BLOCK_S + 0.1, 10 * BLOCK_S, True),
        (10 * BLOCK_S, 10 * BLOCK_S, 10 * BLOCK_S, False),
        (10.0, 30.0, 10 * BLOCK_S, True),
        (10.0, 9.9, 9.9, False),
    ],
)
def test_endless_sound_is_cut(tmp_path: Path, most_s: float, seconds: float, kept_s: float, is_cut: bool) -> None:
    path = write(tmp_path / "a.wav", tone(seconds, LOW))
    call, _ = take(path, tmp_path / "spool", max_duration_h=most_s / 3600, block_s=1.0)
    assert ("cut_at_max_duration" in call.flags) is is_cut
    assert call.duration_s == pytest.approx(kept_s, abs=0.001)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("recordings")
    kinds = [("pcm_s16le", "wav"), ("adpcm_ms", "wav"), ("flac", "flac"), ("libmp3lame", "mp3"), ("libopus", "ogg")]
    sound = music(0.6)
    return [
        write(folder / codec, sound, sound, rate=16000, codec=codec, form=form).read_bytes() for codec, form in kinds
    ]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_ends_in_samples_or_in_an_error_of_ours(
    recordings: list[bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(data.draw(st.sampled_from(recordings)))
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.one_of(st.integers(0, 60), st.integers(0, len(content) - 1)))
        damage = data.draw(st.binary(max_size=8))
        content[place : place + len(damage)] = damage
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "a.wav"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        call, channels = take(path, folder / "spool")
    except (AudioUndecodable, SourceUnreadable):
        return
    assert all(len(samples) == call.samples and np.isfinite(samples).all() for samples in channels)


def test_an_mp3_that_does_not_state_its_length_is_not_short_of_a_guess(tmp_path: Path) -> None:
    """Its first frames are of silence at a low rate: by them it would be several times as long."""
    path = tmp_path / "a.mp3"
    sound = np.concatenate((np.zeros(RATE, dtype=np.float32), silence(8, -12)))
    with av.open(str(path), "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as out:
        stream = out.add_stream(
            "libmp3lame", rate=RATE, layout="mono", options={"flags": "+qscale", "global_quality": "0"}
        )
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        out.mux([*stream.encode(frame), *stream.encode(None)])
    with av.open(str(path)) as opened:
        stream = opened.streams.audio[0]
        assert float((stream.duration or 0) * (stream.time_base or 0)) > 12, "what the test is about"
    call, _ = take(path, tmp_path / "spool")
    assert "truncated" not in call.flags
    assert call.duration_s == pytest.approx(9.0, abs=0.2)


def test_a_recording_whose_rate_changes_loses_nothing(tmp_path: Path) -> None:
    parts = [
        write(tmp_path / f"{rate}", tone(2, pitch_hz), rate=rate, codec="aac", form="adts")
        for rate, pitch_hz in ((8000, LOW), (16000, HIGH))
    ]
    whole = tmp_path / "whole.aac"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    alone = [take(part, tmp_path / f"spool{index}")[0].samples for index, part in enumerate(parts)]
    call, (samples,) = take(whole, tmp_path / "spool")
    assert "format_change" in call.flags
    assert call.samples == sum(alone)
    assert pitch(samples[RATE // 2 : RATE]) == pytest.approx(LOW, abs=3)
    assert pitch(samples[-RATE : -RATE // 2]) == pytest.approx(HIGH, abs=3)


@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1)])
def test_a_recording_whose_channels_change_keeps_those_it_began_with(tmp_path: Path, first: int, then: int) -> None:
    parts = [
        write(tmp_path / f"{place}", *[tone(2, pitch_hz)] * count, rate=16000, codec="aac", form="adts")
        for place, (count, pitch_hz) in enumerate(((first, LOW), (then, HIGH)))
    ]
    whole = tmp_path / "whole.aac"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    call, channels = take(whole, tmp_path / "spool")
    assert "format_change" in call.flags
    assert len(channels) == first
    for place, samples in enumerate(channels):
        assert pitch(samples[RATE // 2 : RATE]) == pytest.approx(LOW, abs=3)
        if place < then:
            assert pitch(samples[-RATE : -RATE // 2]) == pytest.approx(HIGH, abs=3)
        else:
            assert not samples[-RATE:].any(), "silence stands for a channel that is gone"


def test_a_film_without_a_sound_track_is_undecodable(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w", format="mp4") as film:
        stream = film.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        film.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))
        film.mux(stream.encode(None))
    with pytest.raises(AudioUndecodable, match="no audio stream in it"):
        take(tmp_path / "a.mp4", tmp_path / "spool")
