"""A stored call whose recording lies on the disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.materials.recordings import RATE_HZ, write_wav
from db.ledger.store import PostgresStore
from pipeline.records import AudioHeader
from pipeline.sources.addresses import file_uri
from tests.db.samples import found, outcome, prepared, transcript


def write_two_sides(path: Path) -> Path:
    """Two seconds at 16 kHz, the right channel silent."""
    tone = (12_000 * np.sin(np.arange(RATE_HZ * 2) / 20)).astype(np.int16)
    return write_wav(path, np.stack([tone, np.zeros_like(tone)], axis=1))


def store_recorded(store: PostgresStore, run_id: str, recording: Path, sha256: str = "aa") -> str:
    """The call_id of tests.db.samples' call, as if it were of this recording."""
    call = replace(found(), source_uri=file_uri(str(recording)), file_name=recording.name,
                   size_bytes=recording.stat().st_size)  # fmt: skip
    call_id = store.claim_call(call, sha256, None)
    header = AudioHeader(container="wav", codec="pcm_s16le", sample_rate_hz=RATE_HZ, channels=2, duration_s=2.0)
    audio = replace(prepared(sha256), header=header)
    store.save_call(outcome(call_id, run_id, call, audio=audio, words=transcript(sha256)))
    return call_id
