"""pyannote.audio 4: neural segmentation, speaker embeddings, clustering (Bredin 2023; Plaquet and Bredin 2023)."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.config.areas.speech.diarisation import PyannoteWeights
from pipeline.diarisation.checkpoints import load_pipeline
from pipeline.diarisation.diariser import SPEAKERS, DiarisationGivenUp, SpeakerTurn
from pipeline.encryption.here import mapped_samples
from pipeline.records import SAMPLE_RATE_HZ, SpeechSegment

SETTING = "diarisation.pyannote"


class PyannoteDiariser:
    """`Diariser` over one loaded pipeline."""

    name = "pyannote"

    def __init__(self, weights: PyannoteWeights) -> None:
        """Raises ModelUnavailable."""
        self._pipeline = load_pipeline(weights, SETTING)

    def diarise(
        self, samples_path: Path, samples: int, segments: Sequence[SpeechSegment], limit_s: float
    ) -> tuple[SpeakerTurn, ...]:
        """`segments` is not read: it finds speech itself."""
        del segments
        import torch

        if not samples:
            return ()
        # Copy-on-write pages: PyTorch wants a writable array, and nothing is read before it is needed.
        mapped = mapped_samples(samples_path, samples, mode="c").reshape(1, samples)
        file = {"waveform": torch.from_numpy(mapped), "sample_rate": SAMPLE_RATE_HZ, "uri": "call"}
        deadline = time.monotonic() + limit_s

        def watch(*_: Any, **__: Any) -> None:
            if time.monotonic() > deadline:
                raise DiarisationGivenUp(f"not finished after {limit_s:.0f} s (diarisation.time_limit_s)")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = self._pipeline(file, num_speakers=SPEAKERS, hook=watch)
        # Pipelines with `legacy: true` return the annotation itself; speakers may talk over each other in it.
        return numbered(getattr(answer, "exclusive_speaker_diarization", answer))


def numbered(annotation: Any) -> tuple[SpeakerTurn, ...]:
    """A pyannote annotation as turns without overlap, speakers numbered as they come."""
    numbers: dict[str, int] = {}
    turns: list[SpeakerTurn] = []
    reached = 0.0
    for stretch, _, label in annotation.itertracks(yield_label=True):
        start = max(float(stretch.start), reached)
        if float(stretch.end) <= start:
            continue
        reached = float(stretch.end)
        turns.append(SpeakerTurn(start, reached, numbers.setdefault(str(label), len(numbers))))
    return tuple(turns)
