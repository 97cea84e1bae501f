"""From a fitted pipeline to the same model as numbers (`analysis.sentiment.as_numbers`).

    python -m analysis.training.as_numbers [FOLDER ...]

makes them anew for models in folders; without one, for the models that come with Earshot.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.calibration import (  # type: ignore[import-untyped,unused-ignore]
    CalibratedClassifierCV,
    _SigmoidCalibration,
    _TemperatureScaling,
)
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,unused-ignore]
from sklearn.pipeline import Pipeline  # type: ignore[import-untyped,unused-ignore]
from sklearn.preprocessing import MaxAbsScaler, StandardScaler  # type: ignore[import-untyped,unused-ignore]
from sklearn.svm import SVC  # type: ignore[import-untyped,unused-ignore]

from analysis.model_folder import load_model, read_card
from analysis.sentiment.as_numbers.file import NumbersModel, write_numbers
from analysis.sentiment.as_numbers.text import CuesModel
from analysis.sentiment.as_numbers.voice import VoiceModel
from analysis.sentiment.shipped_models import FOLDER
from analysis.training.attention import AttentionClassifier
from analysis.training.text_features import SentimentCues

SHIPPED_FOLDERS = tuple(FOLDER / name for name in ("text", "text_cues", "voice"))


class _OtherForm(Exception):
    """The pipeline has a part that has no form as numbers here."""


def numbers_of(model: Any) -> NumbersModel | None:
    """None for a pipeline of another make than those that `run.py train` chooses first: it is asked as it is."""
    if isinstance(model, AttentionClassifier):
        return model.numbers()
    try:
        inner, calibrators, classes = _calibrated(model)
        if isinstance(inner.steps[-1][1], SVC):
            return _voice(inner, calibrators, classes)
        return _cues(inner, calibrators, classes)
    except _OtherForm:
        return None


def _demand(holds: bool) -> None:
    if not holds:
        raise _OtherForm


def _calibrated(model: Any) -> tuple[Any, list[Any], Any]:
    """The pipeline under the only calibration, its calibrators, and the classes, of which there are more than two."""
    _demand(isinstance(model, CalibratedClassifierCV) and len(model.calibrated_classifiers_) == 1)
    (only,) = model.calibrated_classifiers_
    _demand(isinstance(only.estimator, Pipeline) and len(model.classes_) > 2)
    _demand(np.array_equal(only.estimator.classes_, model.classes_))
    return only.estimator, list(only.calibrators), model.classes_


def _cues(inner: Any, calibrators: list[Any], classes: Any) -> CuesModel:
    *parts, linear = [step for _, step in inner.steps]
    _demand(isinstance(linear, LogisticRegression) and len(linear.coef_) == len(classes))
    _demand(len(calibrators) == 1 and isinstance(calibrators[0], _TemperatureScaling))
    return CuesModel(
        cue_scale=_scaler(parts).scale_,
        coefficients=linear.coef_,
        intercept=linear.intercept_,
        sharpness=float(calibrators[0].beta_),
        classes_=np.asarray(classes, dtype=np.int64),
    )


def _scaler(steps: list[Any]) -> Any:
    """The scaler of cues that nothing but cues go into."""
    _demand(len(steps) == 2 and isinstance(steps[0], SentimentCues) and isinstance(steps[1], MaxAbsScaler))
    _demand(not steps[1].get_params().get("clip", False))
    return steps[1]


def _voice(inner: Any, calibrators: list[Any], classes: Any) -> VoiceModel:
    _demand(len(inner.steps) == 2)
    scaler, machine = (step for _, step in inner.steps)
    _demand(isinstance(scaler, StandardScaler) and scaler.with_mean and scaler.with_std)
    _demand(machine.kernel == "rbf" and machine.decision_function_shape == "ovr")
    _demand(
        len(calibrators) == len(classes)
        and all(isinstance(calibrator, _SigmoidCalibration) for calibrator in calibrators)
    )
    return VoiceModel(
        mean=scaler.mean_,
        scale=scaler.scale_,
        support=machine.support_vectors_,
        counts=np.asarray(machine.n_support_, dtype=np.int64),
        dual=np.asarray(machine.dual_coef_),
        intercept=np.asarray(machine.intercept_),
        gamma=float(machine._gamma),
        slope=np.asarray([float(calibrator.a_) for calibrator in calibrators]),
        offset=np.asarray([float(calibrator.b_) for calibrator in calibrators]),
        classes_=np.asarray(classes, dtype=np.int64),
    )


def main(folders: Sequence[str]) -> None:
    for folder in [Path(name) for name in folders] or SHIPPED_FOLDERS:
        card = read_card(folder)
        model = load_model(folder, kind=card.kind).pipeline
        numbers = numbers_of(model)
        write_numbers(folder, numbers, card.model_sha256)
        sys.stdout.write(f"{folder}: {'made' if numbers is not None else 'has no such form'}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
