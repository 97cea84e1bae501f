"""Diarisation error rate by pyannote.metrics, on cases counted by hand."""

from __future__ import annotations

import pytest

from pipeline.diarisation.diariser import SpeakerTurn
from pipeline.diarisation.error_rate import DiarisationErrors, diarisation_errors

pytest.importorskip("pyannote.metrics", reason="needs the extra `pyannote`")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

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
