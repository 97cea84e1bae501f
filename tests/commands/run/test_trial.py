"""A trial of the stages within a limit of time."""

from __future__ import annotations

import time

import pytest

from commands.run.trial import _started
from pipeline.errors import ModelUnavailable, StageTimeout
from pipeline.run.processes.recogniser_child import Recogniser
from pipeline.run.processes.recogniser_process import RecogniserProcess


def _loads_for_minutes(skip: object = None) -> Recogniser:
    time.sleep(600)
    raise AssertionError("nobody waits for that")


def _has_no_weights(skip: object = None) -> Recogniser:
    raise ModelUnavailable("no weights")


def test_a_recogniser_that_loads_longer_than_the_trial_lasts_is_late_and_not_broken() -> None:
    """The doctor had 4 s left on a busy machine, and said that a run could not start."""
    process = RecogniserProcess(_loads_for_minutes, (), 0.2, 0.2)
    try:
        with pytest.raises(StageTimeout):
            _started(process)
    finally:
        process.kill()


def test_a_recogniser_that_cannot_load_is_broken() -> None:
    process = RecogniserProcess(_has_no_weights, (), 60.0, 60.0)
    try:
        with pytest.raises(ModelUnavailable, match="no weights"):
            _started(process)
    finally:
        process.kill()
