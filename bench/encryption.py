"""What encryption at rest costs, in processor seconds: each piece of work with it, by the same work without.

    python -m bench.encryption [--minutes 10] [--repeats 7]

The spool: a channel written block by block, 400 stretches of 1 to 20 s read at random places, and all of it read in
blocks. Recordings: a two-channel call, as mu-law and as 16-bit WAV, decoded to its spool (`ingest`), with both
encrypted. With and without alternate; a ratio is the median over the repeats, with the lowest and the highest.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np

from bench.decode import transcode
from bench.materials.recordings import write_wav
from bench.options import options_of
from pipeline.audio.decoding.ingest import ingest
from pipeline.audio.decoding.spool import SpoolWriter, read_blocks, read_samples
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.encryption.here import seal, use_keys
from pipeline.encryption.keys import new_key
from pipeline.records import SAMPLE_RATE_HZ

STRETCHES = 400
_BLOCK = 1 << 16
_KEY = "EARSHOT_BENCH_KEY"


def spent_s(work: Callable[[], object]) -> float:
    """Processor seconds of this process, kernel included."""
    began = time.process_time()
    work()
    return time.process_time() - began


def spool_work(folder: Path, samples: np.ndarray) -> Mapping[str, Callable[[], object]]:
    """The three pieces of work with a spooled channel, in the order in which they depend on each other."""
    path = folder / "channel_0.f32"
    seconds = samples.size / SAMPLE_RATE_HZ
    random = Random(7)
    stretches = [(random.uniform(0, seconds - 21), random.uniform(1, 20)) for _ in range(STRETCHES)]

    def write() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        writer = SpoolWriter(folder, 1)
        for first in range(0, samples.size, _BLOCK):
            writer.write(samples[None, first : first + _BLOCK])
        writer.close()

    return {
        "spool_write": write,
        "spool_read_at_random": lambda: [read_samples(path, start, start + length) for start, length in stretches],
        "spool_read_whole": lambda: sum(len(block) for block in read_blocks(path, _BLOCK)),
    }


def decode_work(recording: Path, folder: Path) -> Callable[[], object]:
    def decode() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        ingest(recording, folder, AudioSettings())

    return decode


def compared(plain: Callable[[], object], sealed: Callable[[], object], repeats: int) -> dict[str, float]:
    """Both, in turns; the keys are in use for the second alone."""
    on = EncryptionSettings(recordings=True, spool=True, key=f"env:{_KEY}")
    pairs = []
    for _ in range(repeats + 1):  # the first warms up
        use_keys(EncryptionSettings(key=f"env:{_KEY}"))
        without_s = spent_s(plain)
        use_keys(on)
        pairs.append((without_s, spent_s(sealed)))
    ratios = [with_s / without_s for without_s, with_s in pairs[1:]]
    return {
        "ratio": round(statistics.median(ratios), 3),
        "lowest": round(min(ratios), 3),
        "highest": round(max(ratios), 3),
        "without_s": round(statistics.median(pair[0] for pair in pairs[1:]), 4),
        "with_s": round(statistics.median(pair[1] for pair in pairs[1:]), 4),
    }


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=7)
    chosen = parser.parse_args()
    os.environ[_KEY] = new_key()
    found: dict[str, object] = {"minutes": chosen.minutes, "repeats": chosen.repeats}
    with tempfile.TemporaryDirectory(prefix="earshot-encryption-") as name:
        here = Path(name)
        count = round(chosen.minutes * 60 * SAMPLE_RATE_HZ)
        noise = np.random.default_rng(7).standard_normal(count, dtype=np.float32) * np.float32(0.1)
        plain, sealed = spool_work(here / "plain", noise), spool_work(here / "sealed", noise)
        for what in plain:
            found[what] = compared(plain[what], sealed[what], chosen.repeats)
        call = (np.clip(noise[: count // 2], -1, 1) * 32767).astype(np.int16)
        source = write_wav(here / "call.wav", np.stack([call, call[::-1]], axis=1))
        for codec in ("wav", "mu-law"):
            recording, kept = here / f"{codec}.wav", here / f"{codec}.kept.wav"
            transcode(source, recording, codec, chosen.minutes * 60)
            use_keys(EncryptionSettings(recordings=True, key=f"env:{_KEY}"))
            seal(recording, kept)
            found[f"decode_{codec}"] = compared(
                decode_work(recording, here / "a"), decode_work(kept, here / "b"), chosen.repeats
            )
            found[f"file_growth_{codec}"] = round(kept.stat().st_size / recording.stat().st_size, 5)
    with suppress(KeyError):
        del os.environ[_KEY]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
