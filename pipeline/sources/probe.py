"""What a recording's header says, checked against the file. Read only of files that are new or changed.

We read WAV headers ourselves (see `audio.decoding.riff`): FFmpeg silently clamps forged sizes and refuses a rate of 0.
Everything else is opened by PyAV's demuxer; no samples are decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.audio.decoding.container import Layout, look_at, open_container
from pipeline.audio.decoding.riff import FORMAT_ALAW, FORMAT_FLOAT, FORMAT_MULAW, FORMAT_PCM, RiffReport
from pipeline.config.areas.sources import RAW_FORMATS, InputSettings, RawFormat
from pipeline.encryption.here import open_file
from pipeline.errors import AudioUndecodable, EarshotError, SourceUnreadable
from pipeline.records import AudioHeader, FoundCall, SkippedFile
from pipeline.sources.source import CallSource, fetch_files

_PLAIN_CODECS = {
    (FORMAT_PCM, 8): "pcm_u8",
    (FORMAT_PCM, 16): "pcm_s16le",
    (FORMAT_PCM, 24): "pcm_s24le",
    (FORMAT_PCM, 32): "pcm_s32le",
    (FORMAT_FLOAT, 32): "pcm_f32le",
    (FORMAT_FLOAT, 64): "pcm_f64le",
    (FORMAT_ALAW, 8): "pcm_alaw",
    (FORMAT_MULAW, 8): "pcm_mulaw",
}

_GSM_MAGIC = 0xD
"""High four bits of each frame of GSM 06.10 (RFC 3551, 4.5.8); a headerless file has no other mark."""


class NotAudio(AudioUndecodable):
    """No demuxer knows the bytes, or there is no sound in them. It is skipped; undecodable sound is a failure."""


def probe_header(path: Path, raw_formats: Mapping[str, RawFormat] = RAW_FORMATS) -> AudioHeader:
    """Container, duration and channels of all audio tracks; codec and rate of the first that FFmpeg knows.

    Raises:
        NotAudio: the bytes are no recording.
        AudioUndecodable: the first bytes are those of a recording, but it cannot be opened.
        SourceUnreadable: the file vanished or cannot be read.
    """
    try:
        layout = look_at(path, raw_formats)
    except OSError as error:
        raise SourceUnreadable(f"{path}: cannot be read now: {error.strerror}; it is tried again later") from None
    riff = layout.riff
    if riff is not None:
        codec = _PLAIN_CODECS.get((riff.format_tag, riff.bits_per_sample))
        if codec is not None and riff.channels > 0 and riff.duration_s is not None:
            return _of_riff(riff, codec, riff.channels)
    return _of_demuxer(path, layout)


def probe_call(call: FoundCall, paths: Sequence[Path], settings: InputSettings) -> AudioHeader | SkippedFile:
    """The header, or why the call is skipped: `not_audio`, `too_short`, `too_long`.

    Of a call in two files, one that cannot be opened is left to the decoder, which flags it.
    Raises SourceUnreadable, AudioUndecodable.
    """
    headers: list[AudioHeader] = []
    faults: list[AudioUndecodable] = []
    for path in paths:
        try:
            headers.append(probe_header(path, settings.raw_formats))
        except AudioUndecodable as error:
            faults.append(error)
    if not headers:
        undecodable = next((fault for fault in faults if not isinstance(fault, NotAudio)), None)
        if undecodable is not None:
            raise undecodable
        return call.skipped("not_audio", "; ".join(str(fault) for fault in faults))
    header = _of_all(headers)
    return header if header.duration_s is None else outside_limits(call, header.duration_s, settings) or header


def outside_limits(call: FoundCall, duration_s: float, settings: InputSettings) -> SkippedFile | None:
    """Why a recording of this length is skipped: `too_short`, `too_long`; None to take it."""
    if duration_s < settings.min_duration_s:
        return call.skipped("too_short", f"{duration_s:.3f} s; input.min_duration_s is {settings.min_duration_s:g}")
    if settings.max_duration_s is not None and duration_s > settings.max_duration_s:
        return call.skipped("too_long", f"{duration_s:.0f} s; input.max_duration_s is {settings.max_duration_s:g}")
    return None


_LENGTH_IN_FRONT = frozenset({"flac", "mov", "mp4", "matroska", "webm", "asf"})
"""Containers whose beginning tells the length of the whole; a piece of any other tells only its own length."""
_VARIABLE_RATE_TAGS = (b"Xing", b"Info", b"VBRI")
"""An MP3 that holds one of these in its first frame tells the whole length, too."""


def bytes_per_second(piece: Path, size_bytes: int) -> float:
    """Bytes of file for a second of sound, from the beginning of a recording of `size_bytes` bytes.

    Raises NotAudio where the beginning does not tell, SourceUnreadable.
    """
    header = probe_header(piece)
    with open_file(piece) as file:
        beginning = file.read()
    whole = bool(_LENGTH_IN_FRONT & set(header.container.split(","))) or (
        header.container == "mp3" and any(tag in beginning[:4096] for tag in _VARIABLE_RATE_TAGS)
    )
    if not header.duration_s:
        raise NotAudio(f"{piece.name}: its beginning does not tell its length")
    return (size_bytes if whole else len(beginning)) / header.duration_s


def probe_many(
    calls: Iterable[FoundCall],
    source: CallSource,
    spool: Path,
    settings: InputSettings,
    *,
    workers: int,
    fetch_limit_s: float | None = None,
) -> Iterator[tuple[FoundCall, AudioHeader | SkippedFile | EarshotError]]:
    """Headers of many calls over `workers` threads, in the order of `calls`; at most 4 x `workers` are under way."""

    def probe(call: FoundCall) -> AudioHeader | SkippedFile | EarshotError:
        try:
            with fetch_files(source, call, spool, fetch_limit_s) as paths:
                return probe_call(call, paths, settings)
        except EarshotError as error:
            return error

    with ThreadPoolExecutor(workers, thread_name_prefix="probe") as pool:
        yield from _windowed(pool, probe, calls, 4 * workers)


def _windowed(
    pool: ThreadPoolExecutor,
    probe: Callable[[FoundCall], AudioHeader | SkippedFile | EarshotError],
    calls: Iterable[FoundCall],
    ahead: int,
) -> Iterator[tuple[FoundCall, AudioHeader | SkippedFile | EarshotError]]:
    under_way: list[tuple[FoundCall, Future[AudioHeader | SkippedFile | EarshotError]]] = []
    for call in calls:
        under_way.append((call, pool.submit(probe, call)))
        if len(under_way) >= ahead:
            first, answer = under_way.pop(0)
            yield first, answer.result()
    for call, answer in under_way:
        yield call, answer.result()


def _of_riff(riff: RiffReport, codec: str, channels: int) -> AudioHeader:
    return AudioHeader(
        container="wav",
        codec=codec,
        sample_rate_hz=riff.sample_rate_hz,
        channels=channels,
        duration_s=riff.duration_s,
        flags=riff.flags,
    )


def _of_demuxer(path: Path, layout: Layout) -> AudioHeader:
    import av

    riff = layout.riff
    try:
        with open_container(path, layout) as container:
            streams = list(container.streams.audio)
            if not streams:
                raise NotAudio(f"{path.name}: no sound in it (container {container.format.name})")
            # A codec FFmpeg does not know has no rate and no name either.
            known = [stream for stream in streams if stream.codec_context is not None]
            if not known:
                if riff is None or riff.channels <= 0:
                    raise AudioUndecodable(f"{path.name}: FFmpeg does not know its codec; convert the file")
                return _of_riff(riff, f"wav_0x{riff.format_tag:04x}", riff.channels)
            headers = [_of_stream(container, stream, riff) for stream in known]
            sound = [header for header in headers if header.sample_rate_hz > 0 and header.channels > 0]
            if not sound:
                raise NotAudio(
                    f"{path.name}: not a recording: no rate or no channels in what may be {headers[0].codec}"
                )
            header = _of_all(sound)
            if header.container == "gsm" and _first_byte(path) >> 4 != _GSM_MAGIC:
                raise NotAudio(f"{path.name}: not a recording: its frames are not GSM 06.10")
            return header
    except FileNotFoundError:
        raise SourceUnreadable(f"{path}: vanished since it was found; it is tried again in the next run") from None
    except PermissionError:
        raise SourceUnreadable(f"{path}: not readable by this user; check its permissions") from None
    except (av.FFmpegError, UnicodeDecodeError, ValueError) as error:
        if riff is not None and riff.channels > 0 and riff.format_tag:
            # A header that is there but that FFmpeg refuses: the decoder says what is wrong with it.
            return _of_riff(riff, f"wav_0x{riff.format_tag:04x}", riff.channels)
        reason = getattr(error, "strerror", None) or str(error)
        if layout.has_magic:
            raise AudioUndecodable(f"{path.name}: a recording that cannot be opened ({reason}); replace it") from None
        raise NotAudio(f"{path.name}: not a recording: {reason}") from None


def _first_byte(path: Path) -> int:
    with open_file(path) as file:
        return (file.read(1) or b"\0")[0]


def _of_stream(container: Any, stream: Any, riff: RiffReport | None) -> AudioHeader:
    duration_s: float | None = None
    if stream.duration is not None and stream.time_base is not None:
        duration_s = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        duration_s = container.duration / 1_000_000
    flags = set(riff.flags) if riff else set()
    if stream.rate is None or stream.rate <= 0 or (duration_s is not None and duration_s < 0):
        flags.add("bad_header")
        duration_s = None if duration_s is not None and duration_s < 0 else duration_s
    return AudioHeader(
        container=container.format.name,
        codec=stream.codec_context.name,
        sample_rate_hz=riff.sample_rate_hz if riff else int(stream.rate or 0),
        channels=int(stream.channels or 0),
        duration_s=riff.duration_s if riff and riff.duration_s is not None else duration_s,
        flags=tuple(sorted(flags)),
    )


def _of_all(headers: Sequence[AudioHeader]) -> AudioHeader:
    """Of one call: all channels, as long as the longest; what else a header says comes from the first."""
    lengths = [header.duration_s for header in headers if header.duration_s is not None]
    return replace(
        headers[0],
        channels=sum(header.channels for header in headers),
        duration_s=max(lengths, default=None),
        flags=tuple(sorted({flag for header in headers for flag in header.flags})),
    )
