"""Small networks with attention: they find the one word that tells, and the same lines make the same model."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.model_folder import TRUSTED_TYPES
from analysis.sentiment.as_numbers.attention import AttentionModel
from analysis.sentiment.encoded_lines import HeardLine
from analysis.training.as_numbers import numbers_of
from analysis.training.attention import AttentionClassifier

DIMENSIONS = 16


def drawn_lines(many: int, seed: int) -> tuple[list[HeardLine], list[int]]:
    """Up to twelve words of nothing in particular, and one that says which of three classes it is."""
    random = np.random.default_rng(seed)
    telling = 6 * np.eye(3, DIMENSIONS, dtype=np.float32)
    lines, labels = [], []
    for number in range(many):
        label = number % 3
        words = random.standard_normal((int(random.integers(1, 13)), DIMENSIONS)).astype(np.float32)
        words = np.insert(words, int(random.integers(0, len(words) + 1)), telling[label], axis=0)
        lines.append(
            HeardLine(text="so", agent=bool(number % 2), words=words, before=np.zeros(DIMENSIONS, dtype=np.float32))
        )
        labels.append(label)
    return lines, labels


@pytest.fixture(scope="module")
def fitted() -> AttentionClassifier:
    return AttentionClassifier(queries=3, units=8, networks=1, epochs=30, seed=4).fit(*drawn_lines(300, 1))


def test_one_telling_word_among_many_is_found(fitted: AttentionClassifier) -> None:
    lines, labels = drawn_lines(90, 2)
    assert np.mean(fitted.predict(lines) == labels) >= 0.95
    # A mean drowns it: without attention the same networks are right less often.
    blind = AttentionClassifier(queries=3, units=8, networks=1, epochs=30, seed=4).fit(*drawn_lines(300, 1))
    blind.weights_["queries"] = np.zeros_like(blind.weights_["queries"])
    assert np.mean(blind.predict(lines) == labels) < np.mean(fitted.predict(lines) == labels)


def test_the_same_lines_make_the_same_model_and_another_seed_another(fitted: AttentionClassifier) -> None:
    again = AttentionClassifier(queries=3, units=8, networks=1, epochs=30, seed=4).fit(*drawn_lines(300, 1))
    other = AttentionClassifier(queries=3, units=8, networks=1, epochs=30, seed=5).fit(*drawn_lines(300, 1))
    for name, weights in fitted.weights_.items():
        assert np.array_equal(weights, again.weights_[name])
    assert not np.array_equal(fitted.weights_["queries"], other.weights_["queries"])


def test_a_line_is_answered_alike_whatever_it_is_asked_with(fitted: AttentionClassifier) -> None:
    lines, _ = drawn_lines(9, 3)
    together = fitted.predict_proba(lines)
    assert np.array_equal(together, np.concatenate([fitted.predict_proba([line]) for line in lines]))
    assert together.sum(axis=1) == pytest.approx(np.ones(9))


def test_what_is_answered_and_whose_line_it_is_counts() -> None:
    """Words alone say nothing here: the line before tells two classes apart, the role the third."""
    random = np.random.default_rng(6)
    lines, labels = [], []
    for number in range(300):
        before = np.zeros(DIMENSIONS, dtype=np.float32)
        before[number % 2] = 1.0
        agent = number % 3 == 0
        words = random.standard_normal((4, DIMENSIONS)).astype(np.float32)
        lines.append(HeardLine(text="so", agent=agent, words=words, before=before))
        labels.append(2 if agent else number % 2)
    model = AttentionClassifier(queries=2, units=8, networks=1, epochs=30).fit(lines[:200], labels[:200])
    assert np.mean(model.predict(lines[200:]) == labels[200:]) >= 0.85


def test_it_has_a_form_as_numbers_and_may_be_read_from_a_folder(fitted: AttentionClassifier) -> None:
    lines, _ = drawn_lines(6, 5)
    numbers = numbers_of(fitted)
    assert isinstance(numbers, AttentionModel)
    assert np.array_equal(numbers.predict_proba(lines), fitted.predict_proba(lines))
    assert f"{AttentionClassifier.__module__}.{AttentionClassifier.__name__}" in TRUSTED_TYPES
