"""The network against PyTorch's published equations, worked out one number at a time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.diarisation.voices.encoder import Floats, VoiceEncoder, level_gain, spectra, unit
from pipeline.errors import ModelUnavailable
from tests.pipeline.diarisation.voices.test_checkpoint import Stored, checkpoint

CELLS, OUT = 3, 4


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def lstm(sequence: list[list[float]], weights: dict[str, Floats], layer: int) -> list[list[float]]:
    w_in, w_hid = weights[f"lstm.weight_ih_l{layer}"], weights[f"lstm.weight_hh_l{layer}"]
    b_in, b_hid = weights[f"lstm.bias_ih_l{layer}"], weights[f"lstm.bias_hh_l{layer}"]
    hidden, cell = [0.0] * CELLS, [0.0] * CELLS
    states = []
    for given in sequence:
        gates = [
            sum(float(w_in[row, n]) * value for n, value in enumerate(given))
            + sum(float(w_hid[row, n]) * value for n, value in enumerate(hidden))
            + float(b_in[row] + b_hid[row])
            for row in range(4 * CELLS)
        ]
        for n in range(CELLS):
            admit, forget = logistic(gates[n]), logistic(gates[CELLS + n])
            cell[n] = forget * cell[n] + admit * math.tanh(gates[2 * CELLS + n])
        hidden = [logistic(gates[3 * CELLS + n]) * math.tanh(cell[n]) for n in range(CELLS)]
        states.append(hidden)
    return states


@pytest.fixture
def weights() -> dict[str, Floats]:
    chance = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (OUT, CELLS), "linear.bias": (OUT,)}
    for layer in range(3):
        shapes[f"lstm.weight_ih_l{layer}"] = (4 * CELLS, 40 if layer == 0 else CELLS)
        shapes[f"lstm.weight_hh_l{layer}"] = (4 * CELLS, CELLS)
        shapes[f"lstm.bias_ih_l{layer}"] = shapes[f"lstm.bias_hh_l{layer}"] = (4 * CELLS,)
    return {name: chance.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def encoder(folder: Path, weights: dict[str, Floats]) -> VoiceEncoder:
    checkpoint(folder / "pretrained.pt", {name: Stored(name, values) for name, values in weights.items()})
    return VoiceEncoder(folder)


def test_vectors_are_those_of_the_published_equations(tmp_path: Path, weights: dict[str, Floats]) -> None:
    windows = np.random.default_rng(2).random((2, 6, 40), dtype=np.float32)
    found = encoder(tmp_path, weights).vectors(windows)
    for window, vector in zip(windows, found, strict=True):
        sequence = [[float(value) for value in frame] for frame in window]
        for layer in range(3):
            sequence = lstm(sequence, weights, layer)
        last = np.maximum(weights["linear.weight"] @ np.array(sequence[-1]) + weights["linear.bias"], 0)
        np.testing.assert_allclose(vector, last / np.linalg.norm(last), atol=1e-5)


def test_another_network_is_refused(tmp_path: Path, weights: dict[str, Floats]) -> None:
    del weights["lstm.weight_hh_l2"]
    with pytest.raises(ModelUnavailable, match=r"no tensor 'lstm\.weight_hh_l2'"):
        encoder(tmp_path, weights)


def test_spectra_have_a_frame_each_10_ms_and_follow_the_level() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)
    bands = spectra(tone)
    assert bands.shape == (101, 40)
    np.testing.assert_allclose(spectra(2 * tone)[50], 4 * bands[50], rtol=1e-4)
    assert level_gain([tone]) == pytest.approx(10 ** (-30 / 20) * 2**0.5, rel=1e-3)
    assert np.isfinite(level_gain([np.zeros(10, np.float32)]))
    assert np.isfinite(unit(np.zeros((1, 3), np.float32))).all()
