"""The choice of hyper-parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analysis.training.judging.crossvalidation import Choice, PlainMaterial, Recipe, choose


class Threshold:
    """Answers 1 above a threshold; learns nothing."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold

    def fit(self, inputs: Any, targets: Any) -> Threshold:
        return self

    def predict(self, inputs: Any) -> Any:
        return (np.asarray(inputs)[:, 0] > self._threshold).astype(int)


def build(choice: Choice, seed: int) -> Threshold:
    return Threshold(choice["threshold"])


@pytest.mark.parametrize("select_by", ["recall", "macro_f1"])
@pytest.mark.parametrize(("thresholds", "best"), [((5.0, 0.5, -5.0), 0.5), ((0.5, 5.0), 0.5), ((0.5, 0.4), 0.5)])
def test_the_best_choice_is_taken_and_of_equals_the_first(
    thresholds: tuple[float, ...], best: float, select_by: str
) -> None:
    labels = np.asarray([0, 1] * 12)
    material = PlainMaterial(labels[:, None].astype(float), labels, [f"g{number // 2}" for number in range(24)])
    choices = tuple({"threshold": threshold} for threshold in thresholds)
    recipe = Recipe(name="x", choices=choices, build=build, select_by=select_by)
    assert choose(material, np.arange(24), 2, recipe, 0) == {"threshold": best}
