"""Diarisation error rate by pyannote.metrics (NIST RT: missed speech, false alarm and confusion over speech)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.diarisation.diariser import SpeakerTurn
from pipeline.errors import ModelUnavailable

COLLAR_S = 0.25
"""Left out of the scoring on either side of each reference boundary, in seconds."""


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
        collar_s: seconds left out on either side of each reference boundary (pyannote.metrics halves its `collar`).
        skip_overlap: leave out where two people speak at once.

    Raises ModelUnavailable where pyannote.metrics is not installed.
    """
    try:
        from pyannote.core import Segment, Timeline
        from pyannote.metrics.diarization import DiarizationErrorRate
    except ImportError as error:
        raise ModelUnavailable("pyannote.metrics is not installed; install the extra `pyannote`") from error
    metric = DiarizationErrorRate(collar=2 * collar_s, skip_overlap=skip_overlap)
    spoken = metric(
        _annotation(reference), _annotation(found), uem=Timeline([Segment(span_s[0], span_s[1])]), detailed=True
    )
    return DiarisationErrors(
        missed_s=float(spoken["missed detection"]),
        false_alarm_s=float(spoken["false alarm"]),
        confusion_s=float(spoken["confusion"]),
        speech_s=float(spoken["total"]),
    )


def _annotation(turns: Iterable[SpeakerTurn]) -> Any:
    from pyannote.core import Annotation, Segment

    annotation = Annotation(uri="call")
    for track, turn in enumerate(turns):
        annotation[Segment(turn.start_s, turn.end_s), track] = str(turn.speaker)
    return annotation
