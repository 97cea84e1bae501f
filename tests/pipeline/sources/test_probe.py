from __future__ import annotations

import os
import struct
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.audio.decoding.ingest import ingest
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.errors import AudioUndecodable, SourceUnreadable
from pipeline.records import AudioHeader, FoundCall, SkippedFile
from pipeline.sources.probe import NotAudio, bytes_per_second, outside_limits, probe_call, probe_header, probe_many
from pipeline.sources.source import build_source
from tests.pipeline.sources.helpers import MEDIA, calls, put, wav_bytes


@pytest.mark.parametrize(
    ("name", "container", "codec", "rate", "channels"),
    [
        ("pcm_u8.wav", "wav", "pcm_u8", 8000, 2),
        ("pcm_s16.wav", "wav", "pcm_s16le", 8000, 2),
        ("pcm_s24.wav", "wav", "pcm_s24le", 8000, 2),
        ("pcm_f32.wav", "wav", "pcm_f32le", 8000, 2),
        ("mulaw.wav", "wav", "pcm_mulaw", 8000, 2),
        ("alaw.wav", "wav", "pcm_alaw", 8000, 2),
        ("adpcm_ima.wav", "wav", "adpcm_ima_wav", 8000, 2),
        ("adpcm_ms.wav", "wav", "adpcm_ms", 8000, 2),
        ("gsm.wav", "wav", "gsm_ms", 8000, 1),
        ("opus.ogg", "ogg", "opus", 48000, 2),
        ("opus.opus", "ogg", "opus", 48000, 2),
        ("mp3.mp3", "mp3", "mp3float", 16000, 2),
        ("flac.flac", "flac", "flac", 16000, 2),
        ("aac.m4a", "mov,mp4,m4a,3gp,3g2,mj2", "aac", 16000, 2),
        ("wma.wma", "asf", "wmav2", 16000, 2),
        ("amr.amr", "amr", "amrnb", 8000, 1),
    ],
)
def test_every_codec_is_recognised(name: str, container: str, codec: str, rate: int, channels: int) -> None:
    header = probe_header(MEDIA / name)
    assert header == AudioHeader(
        container=container, codec=codec, sample_rate_hz=rate, channels=channels, duration_s=header.duration_s
    )
    assert header.duration_s == pytest.approx(2.0, abs=0.1)


def test_every_codec_is_offered_by_the_default_settings() -> None:
    source = build_source(InputSettings(path=str(MEDIA), min_age_s=0))
    assert set(calls(source.discover())) == {path.name for path in MEDIA.iterdir()}


@pytest.mark.parametrize(
    "suffix", ["wav", "mp3", "flac", "ogg", "m4a", "wma", "amr", "gsm", "aac", "opus", "au", "webm"]
)
@pytest.mark.parametrize(
    "content",
    [
        b"this is a text file, whatever its name says\n" * 50,
        b"#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n" + b"#\n" * 600,
        b"ffconcat version 1.0\nfile '/etc/passwd'\n" + b"#\n" * 600,
        b"\0" * 3000,
    ],
    ids=["text", "play list", "concat", "zeros"],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    with pytest.raises(NotAudio, match=r"not a recording|no sound"):
        probe_header(put(tmp_path / f"a.{suffix}", content))


def header_of(tmp_path: Path, content: bytes) -> AudioHeader:
    return probe_header(put(tmp_path / "a.wav", content))


def test_a_truncated_wav_is_what_is_there(tmp_path: Path) -> None:
    header = header_of(tmp_path, wav_bytes(10.0)[: 44 + 8000 * 4 * 4])
    assert header.duration_s == 4.0
    assert header.flags == ("truncated",)


def test_a_header_that_claims_hours_is_clamped(tmp_path: Path) -> None:
    content = bytearray(wav_bytes(2.0))
    content[40:44] = struct.pack("<I", 0x7FFFFFF0)
    header = header_of(tmp_path, bytes(content))
    assert header.duration_s == 2.0
    assert "bad_header" in header.flags


def test_a_rate_of_zero_is_repaired(tmp_path: Path) -> None:
    content = bytearray(wav_bytes(2.0))
    content[24:28] = struct.pack("<I", 0)
    header = header_of(tmp_path, bytes(content))
    assert (header.sample_rate_hz, header.duration_s) == (8000, 2.0)
    assert header.flags == ("bad_header",)


def test_no_channels_is_no_recording(tmp_path: Path) -> None:
    content = bytearray(wav_bytes(2.0))
    content[22:24] = struct.pack("<H", 0)
    with pytest.raises(NotAudio):
        header_of(tmp_path, bytes(content))


@pytest.mark.parametrize("tag", [0x0004, 0x0009, 0x7FFF])
def test_a_codec_nobody_knows_is_left_to_the_decoder_to_refuse(tmp_path: Path, tag: int) -> None:
    """Found by 1,000 damaged files: PyAV tells no rate of such a stream: an AttributeError, tried again nightly."""
    content = bytearray(wav_bytes(2.0))
    content[20:22] = struct.pack("<H", tag)
    path = tmp_path / "odd.wav"
    path.write_bytes(content)
    assert probe_header(path).codec == f"wav_0x{tag:04x}"
    with pytest.raises(AudioUndecodable, match="codec is unknown"):
        ingest(path, tmp_path, AudioSettings())


def test_three_channels_are_seen(tmp_path: Path) -> None:
    assert header_of(tmp_path, wav_bytes(1.0, channels=3)).channels == 3


def test_a_vanished_recording_is_transient(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable):
        probe_header(tmp_path / "gone.mp3")


def found(path: Path) -> FoundCall:
    return FoundCall(
        source_uri=path.as_uri(), file_name=path.name, size_bytes=1, modified_at=datetime(2026, 9, 14, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("content", "settings", "reason"),
    [
        (wav_bytes(0.000125), {}, "too_short"),
        (wav_bytes(5.0), {"min_duration_s": 6}, "too_short"),
        (wav_bytes(5.0), {"max_duration_s": 4}, "too_long"),
        (b"text " * 1000, {}, "not_audio"),
    ],
)
def test_calls_are_skipped_with_a_reason(
    tmp_path: Path, content: bytes, settings: dict[str, float], reason: str
) -> None:
    path = put(tmp_path / "a.wav", content)
    skipped = probe_call(found(path), (path,), InputSettings.model_validate(settings))
    assert isinstance(skipped, SkippedFile)
    assert skipped.reason == reason
    assert skipped.message


def test_many_are_probed_in_order_and_a_bad_one_stops_nothing(tmp_path: Path) -> None:
    for place in range(30):
        put(tmp_path / f"{place:02}.wav", wav_bytes(1 + place / 10))
    put(tmp_path / "text.wav", b"text " * 1000)
    settings = InputSettings(path=str(tmp_path))
    source = build_source(settings)
    offered = [item for item in source.discover() if isinstance(item, FoundCall)]
    os.unlink(tmp_path / "07.wav")
    answers = list(probe_many(offered, source, tmp_path / "spool", settings, workers=3))
    assert [call for call, _ in answers] == offered
    kinds = {call.file_name: answer for call, answer in answers}
    assert isinstance(kinds["07.wav"], SourceUnreadable)
    assert isinstance(kinds["text.wav"], SkippedFile)
    header = kinds["29.wav"]
    assert isinstance(header, AudioHeader)
    assert header.duration_s == pytest.approx(3.9)


def test_a_film_without_a_sound_track_is_no_recording(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w", format="mp4") as film:
        stream = film.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        film.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))
        film.mux(stream.encode(None))
    with pytest.raises(NotAudio, match="no sound in it"):
        probe_header(tmp_path / "a.mp4")


def test_a_codec_nobody_knows_outside_a_wav_is_no_fault_of_the_bytes(tmp_path: Path) -> None:
    content = (MEDIA / "aac.m4a").read_bytes().replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz")
    path = put(tmp_path / "a.m4a", content)
    with pytest.raises(AudioUndecodable, match="does not know its codec") as caught:
        probe_call(found(path), (path,), InputSettings())
    assert not isinstance(caught.value, NotAudio)


@pytest.mark.parametrize(
    ("name", "whole"),
    [("pcm_s16.wav", False), ("flac.flac", True), ("aac.m4a", True), ("wma.wma", True), ("mulaw.wav", False)],
)
def test_bytes_of_a_second_by_the_beginning_of_a_recording(tmp_path: Path, name: str, whole: bool) -> None:
    content = (MEDIA / name).read_bytes()
    piece = put(tmp_path / name, content)
    duration_s = probe_header(piece).duration_s
    assert duration_s
    assert bytes_per_second(piece, 1_000_000) == pytest.approx((1_000_000 if whole else len(content)) / duration_s)


def test_a_beginning_without_a_length_tells_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotAudio, match="does not tell its length"):
        bytes_per_second(put(tmp_path / "a.wav", wav_bytes(0.0)), 1_000_000)


@pytest.mark.parametrize(("duration_s", "reason"), [(0.99, "too_short"), (1.0, None), (2.0, None), (2.01, "too_long")])
def test_a_recording_at_a_limit_is_taken(tmp_path: Path, duration_s: float, reason: str | None) -> None:
    settings = InputSettings(min_duration_s=1.0, max_duration_s=2.0)
    outside = outside_limits(found(tmp_path / "a.wav"), duration_s, settings)
    assert (outside and outside.reason) == reason


def test_a_call_in_two_files_has_all_channels_and_the_longest_length(tmp_path: Path) -> None:
    agent = put(tmp_path / "agent.wav", wav_bytes(3.0, channels=1))
    cut = put(tmp_path / "client.wav", wav_bytes(9.0)[: 44 + 8000 * 4 * 5])
    settings = InputSettings(max_duration_s=5.0)
    header = probe_call(found(agent), (agent, cut), settings)
    assert isinstance(header, AudioHeader)
    assert (header.channels, header.duration_s, header.codec, header.flags) == (3, 5.0, "pcm_s16le", ("truncated",))
    text = put(tmp_path / "text.wav", b"text " * 1000)
    assert probe_call(found(agent), (text, agent), settings) == probe_header(agent)
    odd = put(tmp_path / "odd.m4a", (MEDIA / "aac.m4a").read_bytes()[:40] + b"\0" * 500)
    with pytest.raises(AudioUndecodable, match=r"odd\.m4a") as caught:
        probe_call(found(agent), (text, odd), settings)
    assert not isinstance(caught.value, NotAudio)
    skipped = probe_call(found(agent), (text, text), settings)
    assert isinstance(skipped, SkippedFile)
    assert skipped.message.count("text.wav: not a recording") == 2
