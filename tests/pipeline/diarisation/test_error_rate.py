"""Diarisation error rate on cases counted by hand, and against pyannote.metrics where that is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.diarisation.diariser import SpeakerTurn
from pipeline.diarisation.error_rate import DiarisationErrors, diarisation_errors

TRUTH = [SpeakerTurn(0, 4, 0), SpeakerTurn(6, 10, 1)]


@pytest.mark.parametrize(
    ("found", "collar_s", "wanted"),
    [
        pytest.param(TRUTH, 0.0, (0, 0, 0, 8), id="right"),
        pytest.param([SpeakerTurn(0, 4, 1), SpeakerTurn(6, 10, 0)], 0.0, (0, 0, 0, 8), id="names do not matter"),
        pytest.param([SpeakerTurn(0, 10, 0)], 0.0, (0, 2, 4, 8), id="one speaker throughout"),
        pytest.param([], 0.0, (8, 0, 0, 8), id="nothing found"),
        pytest.param([SpeakerTurn(0, 5, 0), SpeakerTurn(5, 10, 1)], 0.0, (0, 2, 0, 8), id="no pause"),
        pytest.param([SpeakerTurn(0, 4.2, 0), SpeakerTurn(5.8, 10, 1)], 0.25, (0, 0, 0, 7), id="within the collar"),
        pytest.param([SpeakerTurn(0, 4.5, 0), SpeakerTurn(6, 10, 1)], 0.25, (0, 0.25, 0, 7), id="beyond the collar"),
    ],
)
def test_errors(found: list[SpeakerTurn], collar_s: float, wanted: tuple[float, ...]) -> None:
    """`wanted`: seconds missed, false alarm, confusion, speech."""
    errors = diarisation_errors(TRUTH, found, (0.0, 10.0), collar_s)
    counted = (errors.missed_s, errors.false_alarm_s, errors.confusion_s, errors.speech_s)
    assert counted == pytest.approx(wanted)
    assert errors.rate == pytest.approx(sum(wanted[:3]) / wanted[3])


def test_recordings_weigh_by_their_speech() -> None:
    both = DiarisationErrors(missed_s=1, speech_s=10) + DiarisationErrors(confusion_s=4, speech_s=40)
    assert both.rate == pytest.approx(0.1)
    assert DiarisationErrors().rate is None


def test_two_people_at_once_count_twice_or_not_at_all() -> None:
    truth = [SpeakerTurn(0, 4, 0), SpeakerTurn(2, 6, 1)]
    assert diarisation_errors(truth, [SpeakerTurn(0, 6, 0)], (0.0, 6.0), 0.0) == DiarisationErrors(
        missed_s=2, confusion_s=2, speech_s=8
    )
    assert diarisation_errors(truth, [SpeakerTurn(0, 6, 0)], (0.0, 6.0), 0.0, skip_overlap=True) == DiarisationErrors(
        confusion_s=2, speech_s=4
    )


def test_what_lies_outside_the_marked_span_does_not_count() -> None:
    assert diarisation_errors(TRUTH, [*TRUTH, SpeakerTurn(10, 20, 0)], (0.0, 10.0), 0.0).rate == 0


def drawn(generator: np.random.Generator) -> list[SpeakerTurn]:
    """Up to three speakers, who also speak at once; quarters of a second, one speaker's turns apart."""
    made = []
    for speaker in range(int(generator.integers(0, 4))):
        at_s = 0.0
        for _ in range(int(generator.integers(0, 6))):
            begin_s = at_s + 0.25 * float(generator.integers(1, 20))
            at_s = begin_s + 0.25 * float(generator.integers(1, 12))
            made.append(SpeakerTurn(begin_s, at_s, speaker))
    return made


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("collar_s", [0.0, 0.25])
@pytest.mark.parametrize("skip_overlap", [False, True])
def test_it_counts_as_pyannote_does(collar_s: float, skip_overlap: bool) -> None:
    core = pytest.importorskip("pyannote.core", reason="needs the extra `pyannote`")
    metrics = pytest.importorskip("pyannote.metrics.diarization", reason="needs the extra `pyannote`")

    def annotation(turns: list[SpeakerTurn]) -> Any:
        made = core.Annotation(uri="call")
        for track, turn in enumerate(turns):
            made[core.Segment(turn.start_s, turn.end_s), track] = str(turn.speaker)
        return made

    generator, span = np.random.default_rng(5), (0.0, 30.0)
    for _ in range(40):
        said, heard = drawn(generator), drawn(generator)
        errors = diarisation_errors(said, heard, span, collar_s, skip_overlap)
        theirs = metrics.DiarizationErrorRate(collar=2 * collar_s, skip_overlap=skip_overlap)(
            annotation(said), annotation(heard), uem=core.Timeline([core.Segment(*span)]), detailed=True
        )
        assert (errors.missed_s, errors.false_alarm_s, errors.confusion_s, errors.speech_s) == pytest.approx(
            tuple(theirs[name] for name in ("missed detection", "false alarm", "confusion", "total")), abs=1e-6
        )
