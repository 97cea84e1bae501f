"""Decoding: how fast, and how much memory a four-hour call takes.

    python -m bench.decode [--data ../shared/data] [--repeats 5] [--hours 4] [--skip-memory]

Speed is seconds of call (all channels together) per core-second, on one two-channel call coded as WAV, mu-law, MP3
and Opus: decoding, resampling, hashing and spooling (`ingest`), and everything up to the planned segments
(`prepare`), each against plain PyAV decoding of the same file in the same run. Memory is the peak resident set of a
spawned process that prepares a generated call of `--hours`.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.options import options_of
from pipeline.audio.decoding.ingest import ingest
from pipeline.audio.decoding.spool import discard
from pipeline.audio.prepare import CallPreparer
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.records import CallMetadata

CODECS = {
    "wav": ("wav", "pcm_s16le", 8_000),
    "mu-law": ("wav", "pcm_mulaw", 8_000),
    "mp3": ("mp3", "libmp3lame", 16_000),
    "opus": ("ogg", "libopus", 16_000),
}
PIECE_S = 300
MEGABYTE = 1e6


def plain_decode(path: Path) -> None:
    """The cost of PyAV alone: every frame as an array."""
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            frame.to_ndarray()


def transcode(source: Path, target: Path, codec: str, seconds: float) -> None:
    """`source` in another coding, repeated up to `seconds`."""
    import av

    container_format, encoder, rate = CODECS[codec]
    with av.open(str(target), "w", format=container_format) as out:
        stream = out.add_stream(encoder, rate=rate, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        written = 0.0
        while written < seconds:
            resampler = av.AudioResampler(format=stream.format, layout="stereo", rate=rate)
            with av.open(str(source)) as container:
                for frame in container.decode(audio=0):
                    frame.pts = None
                    for piece in resampler.resample(frame):
                        piece.pts = None
                        out.mux(stream.encode(piece))
                        written += piece.samples / rate
        out.mux(stream.encode(None))


def timed(work: Callable[[], None], seconds: float, repeats: int) -> tuple[float, float]:
    """Median of x real time per core-second, and the spread."""
    rates = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        rates.append(seconds / (time.process_time() - start))
    return statistics.median(rates), max(rates) - min(rates)


def speeds(source: Path, repeats: int) -> dict[str, dict[str, float]]:
    results: dict[str, dict[str, float]] = {}
    settings = AudioSettings()
    preparer = CallPreparer(settings, VoiceActivitySettings())
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder)
        for codec in CODECS:
            path = spool / f"call.{CODECS[codec][0]}"
            transcode(source, path, codec, PIECE_S)

            def prepared(path: Path = path) -> None:
                discard(preparer.prepare(path, CallMetadata(), spool / "spool"))

            def ingested(path: Path = path) -> None:
                hashlib.file_digest(path.open("rb"), "sha256")
                with tempfile.TemporaryDirectory(dir=spool) as inner:
                    ingest(path, Path(inner), settings)

            with tempfile.TemporaryDirectory(dir=spool) as inner:
                seconds = ingest(path, Path(inner), settings).duration_s
            row: dict[str, float] = {}
            for name, work in (
                ("plain", lambda path=path: plain_decode(path)),
                ("ingest", ingested),
                ("prepare", prepared),
            ):
                row[name], row[f"{name}_spread"] = timed(work, seconds, repeats)
            row["ingest_to_plain"] = row["ingest"] / row["plain"]
            row["prepare_to_plain"] = row["prepare"] / row["plain"]
            results[codec] = row
    return results


def _prepare_and_report(path: str, spool: str, answers: multiprocessing.Queue[dict[str, float]]) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    call = CallPreparer(AudioSettings(), VoiceActivitySettings()).prepare(Path(path), CallMetadata(), Path(spool))
    discard(call)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    answers.put(
        {
            "peak_rss_mb": peak / MEGABYTE,
            "hours": call.duration_s / 3600,
            "segments": sum(len(channel.segments) for channel in call.channels),
            "x_real_time_per_core": call.duration_s / (time.process_time() - cpu),
            "wall_s": time.perf_counter() - start,
        }
    )


def idle_rss() -> float:
    """Resident set of a spawned process that has only imported this module, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def memory(source: Path, hours: float) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.wav"
        transcode(source, path, "wav", hours * 3600)
        with context.Pool(1) as pool:
            idle = pool.apply(idle_rss)
        answers: multiprocessing.Queue[dict[str, float]] = context.Queue()
        process = context.Process(target=_prepare_and_report, args=(str(path), folder, answers))
        process.start()
        answer = answers.get(timeout=3600)
        process.join()
    return answer | {"idle_rss_mb": idle / MEGABYTE, "times_idle": answer["peak_rss_mb"] * MEGABYTE / idle}


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--skip-memory", action="store_true")
    options = parser.parse_args()
    source = options.data / "calls" / "garage" / "Auto_Repairs_40.wav"
    if not source.is_file():
        raise SystemExit(f"no reference call {source}; give --data DIR")
    table = speeds(source, options.repeats)
    print(f"{'x real time per core':24}{'plain PyAV':>12}{'ingest':>10}{'prepare':>10}{'ingest/plain':>14}")
    for codec, row in table.items():
        print(
            f"{codec:24}{row['plain']:12.0f}{row['ingest']:10.0f}{row['prepare']:10.0f}{row['ingest_to_plain']:14.2f}"
        )
    result: dict[str, object] = {"bench": "decode", "speed": table}
    if not options.skip_memory:
        result["memory"] = found = memory(source, options.hours)
        print(
            f"{found['hours']:.2f} h, two channels: peak RSS {found['peak_rss_mb']:.0f} MB (idle process "
            f"{found['idle_rss_mb']:.0f} MB), {found['x_real_time_per_core']:.0f} x real time per core"
        )
    print(json.dumps(result, default=lambda value: float(np.asarray(value))))


if __name__ == "__main__":
    main()
