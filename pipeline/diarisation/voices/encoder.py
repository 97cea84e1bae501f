"""Voices as vectors: the generalised end-to-end speaker encoder (Wan et al. 2018, arXiv 1710.10467).

Three LSTM layers of 256 cells over 40 mel bands; the last hidden state, projected and of length 1, stands for the
voice. The published weights ("Resemblyzer", Apache-2.0) were trained on LibriSpeech and VoxCeleb with 1.6 s of speech.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.diarisation.voices.checkpoint import Tensors, read_tensors
from pipeline.diarisation.voices.weights import CHECKPOINT
from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ

FRAME_S = 0.01
BANDS = 40
_LAYERS = 3
_FFT = 400
_HOP = 160
_SPEECH_DBFS = -30.0
"""The level at which the weights were trained."""

Floats = npt.NDArray[np.float32]


class VoiceEncoder:
    def __init__(self, folder: Path) -> None:
        """Raises ModelUnavailable."""
        tensors = read_tensors(folder / CHECKPOINT, "model_state")
        try:
            self._layers = [_Layer.of(tensors, number) for number in range(_LAYERS)]
            self._projection = np.ascontiguousarray(tensors["linear.weight"].T)
            self._bias = tensors["linear.bias"]
        except KeyError as error:
            raise ModelUnavailable(f"{folder / CHECKPOINT}: no tensor {error}; it is another network") from None

    def vectors(self, spectra: Floats) -> Floats:
        """Shape (windows, frames, 40) to (windows, 256), each row of length 1, no value below 0."""
        sequence = spectra
        for layer in self._layers:
            sequence = layer.run(sequence)
        projected = np.maximum(sequence[:, -1] @ self._projection + self._bias, 0.0)
        return unit(projected)


class _Layer:
    """One LSTM layer; gates in PyTorch's order: input, forget, cell, output."""

    def __init__(self, from_input: Floats, from_hidden: Floats, bias: Floats) -> None:
        self._from_input, self._from_hidden, self._bias = from_input, from_hidden, bias
        self._cells = from_hidden.shape[0]

    @classmethod
    def of(cls, tensors: Tensors, number: int) -> _Layer:
        return cls(
            np.ascontiguousarray(tensors[f"lstm.weight_ih_l{number}"].T),
            np.ascontiguousarray(tensors[f"lstm.weight_hh_l{number}"].T),
            tensors[f"lstm.bias_ih_l{number}"] + tensors[f"lstm.bias_hh_l{number}"],
        )

    def run(self, sequence: Floats) -> Floats:
        windows, frames, width = sequence.shape
        cells = self._cells
        given = (sequence.reshape(windows * frames, width) @ self._from_input + self._bias).reshape(
            windows, frames, 4 * cells
        )
        hidden = np.zeros((windows, cells), dtype=np.float32)
        state = np.zeros((windows, cells), dtype=np.float32)
        out = np.empty((windows, frames, cells), dtype=np.float32)
        for frame in range(frames):
            gates = given[:, frame] + hidden @ self._from_hidden
            admit, forget = _logistic(gates[:, :cells]), _logistic(gates[:, cells : 2 * cells])
            state = forget * state + admit * np.tanh(gates[:, 2 * cells : 3 * cells])
            hidden = _logistic(gates[:, 3 * cells :]) * np.tanh(state)
            out[:, frame] = hidden
        return out


def unit(vectors: Floats) -> Floats:
    """Rows scaled to length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled


def level_gain(stretches: Iterable[Floats]) -> float:
    """The factor that brings this speech to the level of the training."""
    count, energy = 0, 0.0
    for stretch in stretches:
        count += stretch.size
        energy += float(np.dot(stretch, stretch))
    return float(10 ** (_SPEECH_DBFS / 20) / max((energy / max(count, 1)) ** 0.5, 1e-9))


def spectra(samples: Floats) -> Floats:
    """Power in 40 mel bands every 10 ms, shape (frames, 40); frame 0 is centred on the first sample."""
    import librosa

    spectrum = np.abs(librosa.stft(samples, n_fft=_FFT, hop_length=_HOP, pad_mode="constant")) ** 2
    bands: Floats = (_filters() @ spectrum).T.astype(np.float32)
    return bands


@cache
def _filters() -> Floats:
    import librosa

    filters: Floats = librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=_FFT, n_mels=BANDS)
    return filters


def _logistic(values: Floats) -> Floats:
    half: Floats = np.tanh(values * np.float32(0.5)) * np.float32(0.5) + np.float32(0.5)
    return half
