"""Diarisation error rate as NIST RT counts it: missed speech, false alarm and confusion over speech.

Exact, over the stretches between all boundaries. `pyannote.metrics`, with which the tests compare it, is not on every
machine that has to measure: it brings pandas, and the package name by which pyannote is found to be installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from pipeline.diarisation.diariser import SpeakerTurn

COLLAR_S = 0.25
"""Left out of the scoring on either side of each reference boundary, in seconds."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiarisationErrors:
    """Seconds, over one or many recordings. Add them up before taking the rate."""

    missed_s: float = 0.0
    false_alarm_s: float = 0.0
    confusion_s: float = 0.0
    speech_s: float = 0.0

    @property
    def rate(self) -> float | None:
        """Errors per second of reference speech, 0 and up; None without reference speech."""
        wrong_s = self.missed_s + self.false_alarm_s + self.confusion_s
        return wrong_s / self.speech_s if self.speech_s else None

    def __add__(self, other: DiarisationErrors) -> DiarisationErrors:
        return DiarisationErrors(
            missed_s=self.missed_s + other.missed_s,
            false_alarm_s=self.false_alarm_s + other.false_alarm_s,
            confusion_s=self.confusion_s + other.confusion_s,
            speech_s=self.speech_s + other.speech_s,
        )


def diarisation_errors(
    reference: Iterable[SpeakerTurn],
    found: Iterable[SpeakerTurn],
    span_s: Sequence[float],
    collar_s: float = COLLAR_S,
    skip_overlap: bool = False,
) -> DiarisationErrors:
    """Errors of `found` against what people marked, with the best match of speakers.

    Args:
        span_s: from when to when the recording was marked.
        collar_s: seconds left out on either side of each reference boundary.
        skip_overlap: leave out where two people speak at once.
    """
    from scipy.optimize import linear_sum_assignment

    marked, heard = list(reference), list(found)
    edges = _edges(marked)
    collars = [(edge - collar_s, edge + collar_s) for edge in edges] if collar_s else []
    cuts = np.unique(np.clip([*span_s, *edges, *_edges(heard), *chain.from_iterable(collars)], span_s[0], span_s[1]))
    middles, lengths = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts)
    said, got = _by_speaker(marked, middles), _by_speaker(heard, middles)
    people, voices = said.sum(axis=0), got.sum(axis=0)
    lengths = np.where(_inside(collars, middles), 0.0, lengths)
    if skip_overlap:
        lengths = np.where(people > 1, 0.0, lengths)
    together = (said * lengths) @ got.T.astype(float)
    right_s = float(together[linear_sum_assignment(together, maximize=True)].sum())
    both_s = float(lengths @ np.minimum(people, voices))
    return DiarisationErrors(
        missed_s=float(lengths @ np.maximum(people - voices, 0)),
        false_alarm_s=float(lengths @ np.maximum(voices - people, 0)),
        confusion_s=max(0.0, both_s - right_s),
        speech_s=float(lengths @ people),
    )


def _edges(turns: Sequence[SpeakerTurn]) -> list[float]:
    return [edge for turn in turns for edge in (turn.start_s, turn.end_s)]


def _by_speaker(turns: Sequence[SpeakerTurn], at_s: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Who speaks at each moment: shape (speakers, moments), 0 or 1."""
    speakers = sorted({turn.speaker for turn in turns})
    rows = [_inside([(t.start_s, t.end_s) for t in turns if t.speaker == speaker], at_s) for speaker in speakers]
    return np.array(rows, dtype=np.int64).reshape(len(rows), at_s.size)


def _inside(spans: Sequence[tuple[float, float]], at_s: npt.NDArray[np.float64]) -> Mask:
    """Which moments lie in one of the spans."""
    mask: Mask = np.zeros(at_s.size, dtype=np.bool_)
    for start_s, end_s in spans:
        mask[np.searchsorted(at_s, start_s) : np.searchsorted(at_s, end_s)] = True
    return mask
