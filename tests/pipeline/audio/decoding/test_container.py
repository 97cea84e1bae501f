"""Containers and raw sound as recorders write them: decoded, or refused with the reason; none is passed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.audio.decoding.container import look_at
from pipeline.audio.decoding.ingest import ingest
from pipeline.audio.decoding.joined import another_follows
from pipeline.audio.decoding.spool import read_range
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import RAW_FORMATS, InputSettings, RawFormat
from pipeline.errors import AudioUndecodable
from pipeline.sources.probe import NotAudio, probe_header
from tests.pipeline.audio.sounds import RATE, tone, write
from tests.pipeline.sources.helpers import calls, discover, put, wav_bytes

SECONDS = 2.0
PITCH_HZ = 440.0
ID3 = b"ID3\x03\0\0\0\0\1\0" + bytes(128)


def heard(path: Path, folder: Path, raw: dict[str, RawFormat] | None = None) -> list[float]:
    """Seconds, and the pitch of each channel."""
    folder.mkdir()
    call = ingest(path, folder, AudioSettings(), raw or RAW_FORMATS)
    pitches = []
    for channel in call.paths:
        samples = read_range(channel, RATE // 4, RATE)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        pitches.append(float(np.argmax(spectrum) * RATE / len(samples)))
    return [call.duration_s, *pitches]


def raw(path: Path, form: str, rate: int, *pitches: float) -> Path:
    """Sound without a header; `form` is FFmpeg's name of it."""
    return write(path, *(tone(SECONDS, pitch) for pitch in pitches), rate=rate, codec=f"pcm_{form}", form=form)


@pytest.mark.parametrize(
    ("suffix", "codec", "rate"),
    [
        ("ulaw", "mulaw", 8000),
        ("ul", "mulaw", 8000),
        ("alaw", "alaw", 8000),
        ("al", "alaw", 8000),
        ("sln", "s16le", 8000),
        ("sln16", "s16le", 16000),
        ("SLN44", "s16le", 44100),
        ("sln48", "s16le", 48000),
    ],
)
def test_sound_without_a_header_is_known_by_its_suffix(tmp_path: Path, suffix: str, codec: str, rate: int) -> None:
    path = put(tmp_path / f"raw.{suffix}", raw(tmp_path / "made", codec, rate, PITCH_HZ).read_bytes())
    assert heard(path, tmp_path / "spool") == pytest.approx([SECONDS, PITCH_HZ], abs=1)
    header = probe_header(path)
    assert (header.sample_rate_hz, header.channels) == (rate, 1)
    assert header.duration_s == pytest.approx(SECONDS)
    assert path.name in calls(discover(tmp_path)), "the default suffixes take it"


def test_g722_is_decoded(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.g722"
    with av.open(str(path), "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16000, layout="mono")
        samples = (tone(SECONDS, PITCH_HZ) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    assert heard(path, tmp_path / "spool") == pytest.approx([SECONDS, PITCH_HZ], abs=1)


def test_rate_and_channels_of_raw_sound_can_be_set(tmp_path: Path) -> None:
    settings = InputSettings.model_validate(
        {"raw_formats": {"vox2": {"format": "s16le", "sample_rate_hz": 11025, "channels": 2}}}
    )
    path = raw(tmp_path / "a.vox2", "s16le", 11025, PITCH_HZ, 1000.0)
    assert heard(path, tmp_path / "spool", settings.raw_formats) == pytest.approx([SECONDS, PITCH_HZ, 1000.0], abs=1)


def test_a_wav_is_a_wav_whatever_its_suffix_says(tmp_path: Path) -> None:
    path = put(tmp_path / "a.ulaw", wav_bytes(1.0))
    assert probe_header(path).codec == "pcm_s16le"


def test_loud_mu_law_that_looks_like_a_frame_of_mp3_is_mu_law(tmp_path: Path) -> None:
    path = put(tmp_path / "a.ulaw", b"\xff\xfb\x90\x64" * 4000)
    assert probe_header(path).codec == "pcm_mulaw"


@pytest.mark.parametrize(
    ("suffix", "form", "codec"),
    [
        ("w64", "w64", "pcm_s16le"),
        ("caf", "caf", "pcm_s16le"),
        ("au", "au", "pcm_mulaw"),
        ("aiff", "aiff", "pcm_s16be"),
        ("mov", "mov", "pcm_s16le"),
        ("3gp", "3gp", "aac"),
        ("3ga", "3gp", "aac"),
        ("mkv", "matroska", "libopus"),
        ("webm", "webm", "libopus"),
        ("m4a", "ipod", "aac"),
        ("ogg", "ogg", "libopus"),
    ],
)
@pytest.mark.parametrize("before", [b"", ID3], ids=["plain", "behind ID3"])
def test_each_container_is_taken_by_default_also_behind_a_tag(
    tmp_path: Path, suffix: str, form: str, codec: str, before: bytes
) -> None:
    made = write(tmp_path / "made", tone(SECONDS, PITCH_HZ), tone(SECONDS, 1000.0), codec=codec, form=form)
    path = put(tmp_path / f"a.{suffix}", before + made.read_bytes())
    assert path.name in calls(discover(tmp_path))
    assert probe_header(path).channels == 2
    assert heard(path, tmp_path / "spool") == pytest.approx([SECONDS, PITCH_HZ, 1000.0], abs=5, rel=0.05)


@pytest.mark.data
@pytest.mark.parametrize("name", ["id3_before.wav", "odd_list_before_nopad.wav", "two_data.wav"])
def test_the_cases_at_hand_are_decoded_whole(tmp_path: Path, request: pytest.FixtureRequest, name: str) -> None:
    path = Path(request.config.getoption("--data")) / "cases" / "audio" / name
    if not path.exists():
        pytest.skip(f"no {path}")
    call = ingest(path, tmp_path, AudioSettings())
    assert (call.duration_s, len(call.channels), call.flags) == (15.25, 2, frozenset())
    assert probe_header(path).duration_s == 15.25
    assert all(channel.levels.loudest_second_dbfs() > -40 for channel in call.channels)


@pytest.mark.parametrize(
    "content",
    [
        b"RIFF\x10\0\0\0WAVEjunk" * 100,
        b"OggS" + b"\x07" * 3000,
        b"fLaC" + b"\x07" * 3000,
        b"\0\0\0\x20ftypM4A " + b"\x07" * 3000,
        b"#!AMR\n" + b"\xff" * 3000,
        ID3 + b"RIFF\x10\0\0\0WAVE" + b"\x07" * 3000,
    ],
)
def test_a_broken_recording_is_failed_with_its_reason_and_not_passed_over(tmp_path: Path, content: bytes) -> None:
    path = put(tmp_path / "a.wav", content)

    def probe_and_decode() -> None:
        if probe_header(path):
            ingest(path, tmp_path, AudioSettings())

    with pytest.raises(AudioUndecodable) as caught:
        probe_and_decode()
    assert not isinstance(caught.value, NotAudio), caught.value


@pytest.mark.parametrize(("form", "codec"), [("w64", "pcm_s16le"), ("w64", "pcm_mulaw"), ("caf", "pcm_s16le")])
def test_a_second_file_behind_the_first_is_flagged_where_it_is_not_read(tmp_path: Path, form: str, codec: str) -> None:
    """FFmpeg reads the first, and nothing told that half of the recording was missing."""
    made = write(tmp_path / "made", tone(0.4567, PITCH_HZ), codec=codec, form=form).read_bytes()
    for content, flagged in ((made, False), (made + b"\0" * 40, False), (made + made, True), (made[:8], False)):
        path = put(tmp_path / f"a.{form}", content)
        assert another_follows(path) is flagged
    doubled = put(tmp_path / f"b.{form}", made + made)
    assert "truncated" in ingest(doubled, tmp_path, AudioSettings()).flags


@pytest.mark.parametrize("before", [b"", ID3], ids=["plain", "behind ID3"])
def test_a_wav_of_big_endian_numbers_is_refused_and_not_heard_as_noise(tmp_path: Path, before: bytes) -> None:
    path = put(tmp_path / "a.wav", before + b"RIFX" + wav_bytes(1.0)[4:])
    for read in (probe_header, lambda path: ingest(path, tmp_path, AudioSettings())):
        with pytest.raises(AudioUndecodable, match="big-endian"):
            read(path)


def test_a_text_is_no_recording(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav", b"nothing to hear\n" * 200)
    assert not look_at(path).has_magic
    with pytest.raises(NotAudio):
        probe_header(path)


def test_an_ogg_is_an_ogg_whatever_its_suffix_says(tmp_path: Path) -> None:
    made = write(tmp_path / "made", tone(SECONDS, PITCH_HZ), codec="libopus", form="ogg")
    path = put(tmp_path / "a.sln", made.read_bytes())
    assert heard(path, tmp_path / "spool") == pytest.approx([SECONDS, PITCH_HZ], abs=1)


@pytest.mark.parametrize(("flags", "extra"), [(0, 0), (0x10, 10)], ids=["no footer", "footer"])
def test_an_id3_tag_ends_where_it_says(tmp_path: Path, flags: int, extra: int) -> None:
    tag = b"ID3\x04\0" + bytes([flags]) + b"\0\0\1\2" + bytes(130 + extra)
    path = put(tmp_path / "a.ogg", tag + b"OggS" + bytes(2000))
    assert look_at(path).pieces == ((140 + extra, 2004),)


@pytest.mark.parametrize("before", [b"", b"\0"], ids=["first", "one byte later"])
@pytest.mark.parametrize(
    "mark",
    [
        b"OggS", b"fLaC", b"ID3", b"xxxxftyp", b"#!AMR", b"FORM", b".snd", b"caff",
        b"riff.\x91\xcf\x11", b"\x1aE\xdf\xa3", b"0&\xb2u\x8ef\xcf\x11", b"wvpk", b"MAC ", b".RMF", b"TTA1",
    ],
)  # fmt: skip
def test_a_container_is_known_by_what_it_begins_with(tmp_path: Path, mark: bytes, before: bytes) -> None:
    path = put(tmp_path / "a.ulaw", before + mark + bytes(40))
    layout = look_at(path)
    assert layout.has_magic is not bool(before)
    assert (layout.raw is None) is layout.has_magic, "what has a mark is not raw sound, whatever its suffix"
    assert not look_at(put(tmp_path / "cut.ulaw", (before + mark)[:-1])).has_magic


@pytest.mark.parametrize(
    ("head", "begins_at"),
    [
        pytest.param(b"ID3\x04\0\0\0\0\0\x20", 42, id="short"),
        pytest.param(b"ID3\x04\0\x10\0\0\0\x20", 52, id="with a footer"),
        pytest.param(b"ID3\x04\0\x20\0\0\0\x20", 42, id="another flag"),
        pytest.param(b"ID3\x04\0\0\0\0\x01\x05", 143, id="128 bytes and 5"),
        pytest.param(b"ID3\x04\0\0\0\x01\0\x05", 16399, id="16384 bytes and 5"),
        pytest.param(b"ID3\x04\0\0\x01\0\0\x05", 2097167, id="2 MiB and 5"),
        pytest.param(b"ID3\x04\0\0\0\0\0\x80", None, id="no length"),
        pytest.param(b"ID3\x04\0\0\x80\0\0\x20", None, id="no length either"),
        pytest.param(b"ID4\x04\0\0\0\0\0\x20", None, id="no tag"),
    ],
)
def test_sound_begins_behind_a_tag(tmp_path: Path, head: bytes, begins_at: int | None) -> None:
    at = 42 if begins_at is None else begins_at
    path = put(tmp_path / "a.ogg", head.ljust(at, b"\1") + b"OggS" + bytes(60))
    assert look_at(path).pieces == (None if begins_at is None else ((at, 64),))
