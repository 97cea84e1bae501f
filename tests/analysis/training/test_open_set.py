"""How sure a topic model is that its answer is right, also of texts of none of its classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from analysis.training.labelled.neutral import read_neutral
from analysis.training.open_set import OpenSetClassifier, centres_of, features_of, fit_weights, rows_of, vectors_of
from pipeline.records import Role


@dataclass(frozen=True)
class Row:
    vector: tuple[float, ...]


ROWS = np.asarray([Row((1.0, 0.0)), Row((0.0, 2.0)), Row((0.6, 0.8))], dtype=object)
SHARES = np.asarray([[0.8, 0.2], [0.5, 0.5], [0.0, 1.0]])
CHOSEN = np.asarray([0, 1, 0])


def test_features_are_the_chosen_share_and_its_nearness() -> None:
    centres = np.asarray([[1.0, 0.0], [0.0, 1.0]])
    assert features_of(ROWS, SHARES, CHOSEN, None) == pytest.approx(np.log([[0.8], [0.5], [1e-9]]))
    both = features_of(ROWS, SHARES, CHOSEN, centres)
    assert both[:, 0] == pytest.approx(np.log([0.8, 0.5, 1e-9]))
    assert both[:, 1] == pytest.approx([1.0, 2.0, 0.6])


def test_a_text_is_compared_with_the_examples_of_its_class_and_of_others_but_not_with_itself() -> None:
    rows = np.asarray([Row((1.0, 0.0)), Row((0.8, 0.6)), Row((0.0, 1.0))], dtype=object)
    shares, centres, owners = np.full((3, 2), 0.5), np.eye(2), np.asarray([0, 0, 1])
    chosen = np.asarray([0, 0, 0])
    asked = features_of(rows, shares, chosen, centres, examples=vectors_of(rows), owners=owners)
    assert asked[:, 2] == pytest.approx([1.0, 1.0, 0.6])
    assert asked[:, 3] == pytest.approx([0.9, 0.9, 0.3])
    assert asked[:, 4] == pytest.approx([0.0, 0.6, 1.0])
    own = features_of(rows, shares, chosen, centres, examples=vectors_of(rows), owners=owners, held_out=True)
    assert own[:2, 2] == pytest.approx([0.8, 0.8])
    assert own[2, 4] == -1.0


def test_a_model_of_before_knows_no_examples() -> None:
    model = OpenSetClassifier(None, np.eye(2), np.asarray([1.0, 0.0, 0.0]), 0.5)
    del model.examples, model.owners
    assert model.confidences(ROWS, SHARES, CHOSEN)[0] == pytest.approx(0.8 / 1.8)


def test_centres_are_means_of_length_one() -> None:
    centres = centres_of(ROWS, np.asarray([0, 1, 0]), [0, 1])
    mean = np.asarray([0.8, 0.4])
    assert centres == pytest.approx(np.stack([mean / np.linalg.norm(mean), [0.0, 1.0]]))
    assert centres_of(np.asarray([Row((0.0, 0.0))], dtype=object), np.asarray([0]), [0]) == pytest.approx(
        np.zeros((1, 2))
    )


def test_confidence_is_logistic_in_the_features() -> None:
    model = OpenSetClassifier(None, None, np.asarray([2.0, 1.0]), 0.5)
    assert model.confidences(ROWS, SHARES, CHOSEN)[:2] == pytest.approx(
        [1 / (1 + np.exp(-(2 * np.log(share) + 1))) for share in (0.8, 0.5)]
    )


@dataclass(frozen=True)
class Told:
    """A calibrated classifier, or what it calibrates."""

    shares: np.ndarray
    estimator: Told | None = None

    @property
    def calibrated_classifiers_(self) -> list[Told]:
        return [self]

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        return self.shares[: len(rows)]


@pytest.mark.parametrize("untempered", [False, True])
def test_where_the_temperature_has_run_away_doubt_reads_the_shares_before_it(untempered: bool) -> None:
    sharp = np.asarray([[1.0, 0.0], [1.0, 0.0]])
    before = np.asarray([[0.9, 0.1], [0.51, 0.49]])
    model = OpenSetClassifier(Told(sharp, Told(before)), None, np.asarray([2.0, 1.0]), 0.5, untempered=untempered)
    found = model.confidences(ROWS[:2], model.predict_proba(ROWS[:2]), np.asarray([0, 0]))
    shares = (before if untempered else sharp)[:, 0]
    assert found == pytest.approx(1 / (1 + np.exp(-(2 * np.log(shares) + 1))))


@pytest.mark.parametrize(("right", "constant"), [(True, 50.0), (False, -50.0)])
def test_where_all_or_nothing_was_right_nothing_is_fitted(right: bool, constant: float) -> None:
    weights, least = fit_weights(np.zeros((3, 2)), np.asarray([right] * 3), np.zeros((0, 2)))
    assert weights.tolist() == [0.0, 0.0, constant]
    assert least == 0.0


def test_four_fifths_of_what_was_withheld_stay_below_the_least_confidence() -> None:
    generator = np.random.default_rng(3)
    known, withheld = generator.normal(1.0, 1.0, (400, 1)), generator.normal(-1.0, 1.0, (400, 1))
    right = known[:, 0] > 0
    weights, least = fit_weights(known, right, withheld)
    model = OpenSetClassifier(None, None, weights, least)
    assert model.least == least
    confidence = 1 / (1 + np.exp(-(withheld[:, 0] * weights[0] + weights[1])))
    assert (confidence < least).mean() == pytest.approx(0.8, abs=0.01)
    assert weights[0] > 0
    assert fit_weights(known, right, withheld[:0])[1] == 0.0


def test_texts_without_an_encoder_are_rows_themselves() -> None:
    assert rows_of(["a", "b"], None).tolist() == ["a", "b"]


def test_neutral_talk_is_drawn_by_its_seed(tmp_path: Path) -> None:
    path = tmp_path / "neutral.csv"
    path.write_text("text,role\nhello, Agent\n  ,client\n good day ,\nthere,boss\nso,client\n", encoding="utf-8")
    lines = read_neutral(path, 10, 1)
    assert [(line.text, line.role) for line in lines] == [
        ("hello", Role.AGENT), ("good day", Role.CLIENT), ("there", Role.CLIENT), ("so", Role.CLIENT),
    ]  # fmt: skip
    assert read_neutral(path, 4, 1) == lines
    drawn = read_neutral(path, 2, 1)
    assert len(drawn) == 2
    assert drawn == read_neutral(path, 2, 1)
    assert any(read_neutral(path, 2, seed) != drawn for seed in range(2, 9))
