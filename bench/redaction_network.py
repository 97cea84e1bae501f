"""Fits a network of one hidden layer that forgets a part of its inputs and of itself at each step (dropout, Srivastava
et al. 2014), by Adam (Kingma & Ba 2015).

Scikit-learn's has no dropout: as many words of strangers found, it took half as many more everyday words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
HIDDEN, EPOCHS, BATCH, RATE, DECAY = 64, 12, 256, 2e-3, 1e-4
FORGET_INPUT, FORGET_HIDDEN = 0.2, 0.5
_SEED, _FIRST, _SECOND, _LEAST = 13, 0.9, 0.999, 1e-8
_INPUTS_AT_ONCE = 0.25
"""Share of the inputs that count at once, by reckoning: sets the size of the first weights."""


@dataclass(frozen=True, slots=True)
class Network:
    hidden: Array
    """Shape (inputs, hidden)."""
    constant: Array
    out: Array
    """Shape (hidden, classes)."""
    out_constant: Array


def fit_network(inputs: Array, labels: npt.NDArray[np.int64], classes: int) -> Network:
    """`inputs`: a row for each word; `labels`: the place of its class. The same rows give the same network."""
    generator = np.random.default_rng(_SEED)
    size = inputs.shape[1]
    scale = 0.3 * np.sqrt(2 / (size * _INPUTS_AT_ONCE))
    found = Network(
        (generator.standard_normal((size, HIDDEN)) * scale).astype(np.float32),
        np.zeros(HIDDEN, np.float32),
        (generator.standard_normal((HIDDEN, classes)) / np.sqrt(HIDDEN)).astype(np.float32),
        np.zeros(classes, np.float32),
    )
    adam = _Adam((found.hidden, found.constant, found.out, found.out_constant))
    steps = EPOCHS * -(-len(inputs) // BATCH)
    for _ in range(EPOCHS):
        order = generator.permutation(len(inputs))
        for first in range(0, len(inputs), BATCH):
            chosen = order[first : first + BATCH]
            slopes = _slopes(found, inputs[chosen], labels[chosen], generator)
            adam.step(slopes, RATE * (1 - adam.taken / steps))
    return found


def _slopes(found: Network, rows: Array, labels: npt.NDArray[np.int64], generator: np.random.Generator) -> list[Array]:
    """Of the mean cross-entropy and the weights' squares, in the order of `Network`."""
    rows = rows * _kept(rows.shape, FORGET_INPUT, generator)
    kept = _kept((len(rows), HIDDEN), FORGET_HIDDEN, generator)
    raw = rows @ found.hidden + found.constant
    hidden = np.maximum(raw, 0) * kept
    scores = hidden @ found.out + found.out_constant
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    wrong = raised / raised.sum(axis=1, keepdims=True)
    wrong[np.arange(len(rows)), labels] -= 1
    wrong /= len(rows)
    back = (wrong @ found.out.T) * kept * (raw > 0)
    return [
        rows.T @ back + DECAY * found.hidden,
        back.sum(axis=0),
        hidden.T @ wrong + DECAY * found.out,
        wrong.sum(axis=0),
    ]


def _kept(shape: tuple[int, ...], forget: float, generator: np.random.Generator) -> Array:
    """Zero for what is forgotten, the rest so large that the mean is 1."""
    kept: Array = (generator.random(shape, dtype=np.float32) > forget).astype(np.float32) / np.float32(1 - forget)
    return kept


class _Adam:
    def __init__(self, weights: tuple[Array, ...]) -> None:
        """Changes them in place."""
        self._weights = weights
        self._means = [np.zeros_like(array) for array in weights]
        self._squares = [np.zeros_like(array) for array in weights]
        self.taken = 0

    def step(self, slopes: list[Array], rate: float) -> None:
        self.taken += 1
        rate *= float(np.sqrt(1 - _SECOND**self.taken) / (1 - _FIRST**self.taken))
        for index, slope in enumerate(slopes):
            self._means[index] += (1 - _FIRST) * (slope - self._means[index])
            self._squares[index] += (1 - _SECOND) * (slope * slope - self._squares[index])
            self._weights[index][...] -= rate * self._means[index] / (np.sqrt(self._squares[index]) + _LEAST)
