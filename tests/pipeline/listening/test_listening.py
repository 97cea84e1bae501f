"""Recordings for listening."""

from __future__ import annotations

import wave
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.materials.recordings import RATE_HZ, write_wav
from pipeline.audio.decoding.ingest import ingest
from pipeline.audio.decoding.spool import read_range
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.encryption.here import open_file
from pipeline.encryption.sealed import is_sealed
from pipeline.errors import SourceUnreadable
from pipeline.listening.decoded import ListenTask, SoundFile, build_listener, flat_within, peaks_of
from pipeline.listening.muted import MARGIN_S
from pipeline.listening.recordings import StoredRecording, media_type, why_gone
from pipeline.listening.room import ListeningRoom
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.sources.addresses import file_uri, zip_uri
from tests.encrypting import key_file, keys_here

__all__ = ["key_file", "keys_here"]


def stored(path: Path, **changes: object) -> StoredRecording:
    recording = StoredRecording(
        source_uri=file_uri(str(path)),
        file_name=path.name,
        size_bytes=path.stat().st_size,
        modified_at=None,
        etag=None,
        container="wav",
        codec="pcm_s16le",
        channels=2,
    )
    return replace(recording, **changes)  # type: ignore[arg-type]


@pytest.fixture
def two_sides(tmp_path: Path) -> Path:
    """The left channel sounds in the first second, the right one in the second."""
    tone = (16_000 * np.sin(np.arange(RATE_HZ) / 10)).astype(np.int16)
    nothing = np.zeros_like(tone)
    return write_wav(
        tmp_path / "a.wav", np.stack([np.concatenate([tone, nothing]), np.concatenate([nothing, tone])], axis=1)
    )


def test_peaks_show_when_each_channel_sounds(two_sides: Path, tmp_path: Path) -> None:
    listen = build_listener(InputSettings(), AudioSettings())
    one_side = tmp_path / "right.wav"
    peaks = listen(
        ListenTask(
            recording=stored(two_sides), spool=tmp_path / "spool", files=(SoundFile(path=one_side, channels=(1,)),)
        )
    )
    assert peaks.duration_s == pytest.approx(2.0, abs=0.01)
    for channel, first_half in zip(peaks.channels, (True, False), strict=True):
        halves = channel[: len(channel) // 2 - 2], channel[len(channel) // 2 + 2 :]
        loud, quiet = halves if first_half else halves[::-1]
        assert min(loud) > 0.4
        assert max(quiet) < 0.05
    with wave.open(str(one_side)) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, SAMPLE_RATE_HZ)
        assert file.getnframes() == pytest.approx(2 * SAMPLE_RATE_HZ, abs=50)
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("form", ["wav", "m4a"])
@pytest.mark.parametrize("channels", [(), (0,), (1, 0)])
def test_where_nothing_may_be_heard_a_copy_is_silent(
    two_sides: Path, tmp_path: Path, form: str, channels: tuple[int, ...]
) -> None:
    copy = tmp_path / f"copy.{form}"
    listen = build_listener(InputSettings(), AudioSettings())
    peaks = listen(
        ListenTask(
            recording=stored(two_sides),
            spool=tmp_path / "spool",
            files=(SoundFile(path=copy, channels=channels),),
            quiet=((0.4, 0.6), (1.4, 9.0)),
        )
    )
    decoded = tmp_path / "decoded"
    decoded.mkdir()
    heard = ingest(copy, decoded, AudioSettings())
    samples = [read_range(path, 0, heard.samples) for path in heard.paths]
    kept = channels or (0, 1)
    assert len(samples) == len(kept)
    assert heard.duration_s == pytest.approx(2.0, abs=0.15)
    for channel, sound in zip(kept, samples, strict=True):
        loud = [bool(np.abs(sound[round(s * SAMPLE_RATE_HZ) :][:800]).max() > 0.3) for s in (0.05, 0.5, 0.9, 1.05, 1.6)]
        assert loud == ([True, False, True, False, False] if channel == 0 else [False, False, False, True, False])
    middle = [channel[len(channel) // 4] for channel in peaks.channels]
    assert middle == [0.0, 0.0]
    assert max(peaks.channels[1][len(peaks.channels[1]) * 3 // 4 :]) == 0.0
    assert max(peaks.channels[0]) > 0.4


def test_peaks_are_flat_where_a_stretch_touches_them() -> None:
    peaks = (0.5,) * 10
    flat = flat_within(peaks, [(3.0, 4.0)], 10.0)
    margin = int(MARGIN_S) + 1
    first, last = 3 - margin, 4 + margin
    assert flat == tuple(0.0 if first <= place < last else 0.5 for place in range(10))
    assert flat_within(peaks, [], 10.0) == peaks
    assert flat_within((), [(3.0, 4.0)], 10.0) == ()


def test_what_was_drawn_is_known_and_the_oldest_copies_go(
    two_sides: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.listening.room.MOST_PEAKS", 1)
    monkeypatch.setattr("pipeline.listening.room.MOST_BYTES", 100_000)
    recording, quiet = stored(two_sides), ((0.4, 0.6),)
    with ListeningRoom(InputSettings(), AudioSettings(), tmp_path / "spool") as room:
        assert room.playable(recording) == (two_sides, "audio/wav")
        first, media = room.playable(recording, quiet)
        assert (first.is_file(), media) == (True, "audio/wav")
        assert room.peaks(recording, quiet) is room.peaks(recording, quiet), "it is not decoded again"
        second, _ = room.playable(recording, ((0.1, 0.2),))
        assert (first.is_file(), second.is_file()) == (False, True)
        again, _ = room.playable(recording, quiet)
        assert again == first
        assert again.is_file()


@pytest.mark.parametrize(("frames", "points"), [(0, 0), (1, 1), (7, 7), (1_000, 1_000), (123_457, 1_000)])
def test_there_are_never_more_peaks_than_can_be_drawn(frames: int, points: int) -> None:
    values = np.linspace(0, 2, frames, dtype=np.float32)
    found = peaks_of(values)
    assert len(found) == points
    assert all(0 <= value <= 1 for value in found)
    assert list(found) == sorted(found)


def test_a_member_of_an_archive_is_heard(two_sides: Path, tmp_path: Path) -> None:
    archive = tmp_path / "delivery.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.write(two_sides, "in/a.wav")
    recording = stored(two_sides, source_uri=zip_uri(str(archive), "in/a.wav"))
    assert why_gone(recording) is None
    assert media_type(recording) is None
    peaks = build_listener(InputSettings(), AudioSettings())(ListenTask(recording=recording, spool=tmp_path / "spool"))
    assert len(peaks.channels) == 2


def test_a_call_in_two_files_is_heard_whole(two_sides: Path, tmp_path: Path) -> None:
    tone = (16_000 * np.sin(np.arange(RATE_HZ) / 10)).astype(np.int16)
    first = write_wav(tmp_path / "20260915-1001-in.wav", tone)
    second = write_wav(tmp_path / "20260915-1001-out.wav", tone)
    recording = stored(first, etag="pair:aa+bb", channels=2)
    listen = build_listener(InputSettings(), AudioSettings())
    assert media_type(recording) is None
    assert len(listen(ListenTask(recording=recording, spool=tmp_path / "spool")).channels) == 2
    second.unlink()
    with pytest.raises(SourceUnreadable, match="other side"):
        listen(ListenTask(recording=recording, spool=tmp_path / "spool"))


@pytest.mark.parametrize(
    ("changes", "media"),
    [
        ({}, "audio/wav"),
        ({"codec": "adpcm_ima_wav"}, None),
        ({"codec": "gsm_ms"}, None),
        ({"container": "ogg", "codec": "opus"}, "audio/ogg"),
        ({"container": "amr", "codec": "amrnb"}, None),
        ({"channels": 3}, None),
        ({"channels": None}, None),
        ({"flags": ("several_tracks",)}, None),
        ({"etag": "pair:x+y"}, None),
        ({"source_uri": "s3://bucket/a.wav"}, None),
    ],
)
def test_what_a_browser_cannot_play_is_decoded(two_sides: Path, changes: dict[str, object], media: str | None) -> None:
    assert media_type(stored(two_sides, **changes)) == media


def test_gone_and_changed_recordings_say_so(two_sides: Path) -> None:
    recording = stored(two_sides)
    assert why_gone(recording) is None
    with two_sides.open("ab") as file:
        file.write(b"more")
    assert "no longer the one that was transcribed" in str(why_gone(recording))
    two_sides.unlink()
    assert "no longer at" in str(why_gone(recording))
    assert why_gone(replace(recording, source_uri="s3://bucket/a.wav")) is None


def test_a_decoded_copy_is_encrypted_where_the_spool_is(
    two_sides: Path, tmp_path: Path, keys_here: EncryptionSettings
) -> None:
    """It lay plain in the spool folder, for as long as the server ran."""
    with ListeningRoom(InputSettings(), AudioSettings(), tmp_path / "spool") as room:
        path, media = room.playable(stored(two_sides), ((0.0, 0.4),))
        assert media == "audio/wav"
        assert is_sealed(path)
        with open_file(path) as sealed, wave.open(sealed) as file:
            assert (file.getnchannels(), file.getnframes()) == (2, 2 * SAMPLE_RATE_HZ)
    assert keys_here.spool
