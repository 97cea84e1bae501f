"""Are there two voices, and which window is whose?

Windows are divided in two by spectral clustering (Ng, Jordan, Weiss 2001) and k-means on the unit sphere. Any
recording can be divided so; whether there are two voices is judged on windows that had no part in the division.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.diarisation.voices.encoder import Floats, unit
from pipeline.diarisation.voices.windows import WINDOW_S, Windows

Labels = npt.NDArray[np.int64]
_SPECTRAL_AT_MOST = 600
"""Windows that are clustered by their similarities; more are given to the nearest of the two voices."""
_NEIGHBOURS = 0.3
"""Share of each window's similarities that are kept."""
_FOLDS = 4
_BLOCK_WINDOWS = 10
_PERSISTENCE_WEIGHT = 3.0
_LAGS_S = (1.0, 1.4)
_PRIOR_PAIRS = 10
"""Pairs without correlation that are added, so that a few sentences prove little."""
_CHANGE_COST, _CHANGE_COST_AT_PAUSE = 0.5, 0.25
"""What a change of speaker costs, in windows that speak clearly for the other."""
_CLEAR = 1.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """Signs of two voices, on windows the division has not seen."""

    separation: float = 0.0
    """Distance of the two halves' means along the line between the voices, in standard deviations within a half.
    Near 2.7 for the halves of one normal distribution."""
    persistence: float = 0.0
    """Correlation of a window's place on this line with that of a window 1 s later in the same stretch of speech:
    a speaker remains the same through a sentence, the sounds of one voice do not."""

    @property
    def total(self) -> float:
        return self.separation + _PERSISTENCE_WEIGHT * self.persistence


def divide(vectors: Floats) -> Floats | None:
    """Two unit vectors, one for each voice, shape (2, dimensions); None where nothing can be divided."""
    count = len(vectors)
    if count < 2:
        return None
    some = vectors
    if count > _SPECTRAL_AT_MOST:
        some = vectors[np.linspace(0, count - 1, _SPECTRAL_AT_MOST).round().astype(int)]
    voices = _means(some, _spectral(some))
    for _ in range(20):
        if voices is None:
            return None
        nearest = (vectors @ voices.T).argmax(axis=1)
        moved = _means(vectors, nearest)
        if moved is None or np.array_equal(moved, voices):
            return voices
        voices = moved
    return voices


def places(vectors: Floats, voices: Floats) -> npt.NDArray[np.float64]:
    """Where each window lies on the line between the voices: -1 at the first, +1 at the second."""
    line = (voices[1] - voices[0]).astype(np.float64)
    middle = voices.mean(axis=0)
    on_line: npt.NDArray[np.float64] = (vectors - middle) @ line / max(line @ line / 2, 1e-12)
    return on_line


def evidence(windows: Windows, voices: Floats) -> Evidence:
    """Judged by cross-validation: each block of windows on voices divided without it and its neighbourhood."""
    seen = _unseen_places(windows, voices)
    known = ~np.isnan(seen)
    on_line = seen[known]
    first, second = on_line[on_line < 0], on_line[on_line >= 0]
    if min(first.size, second.size) < 2:
        return Evidence()
    within = (first.var() * first.size + second.var() * second.size) / on_line.size
    separation = float((second.mean() - first.mean()) / np.sqrt(within + 1e-9))
    return Evidence(separation, _persistence(on_line, windows.centre_s[known], windows.segment[known]))


def speakers(windows: Windows, voices: Floats) -> Labels:
    """0 or 1 for each window: the likeliest course of the call when a change of speaker has its price (Viterbi)."""
    for _ in range(3):
        labels = _course(windows, np.clip(places(windows.vectors, voices), -_CLEAR, _CLEAR))
        moved = _means(windows.vectors, labels)
        if moved is None or np.array_equal(moved, voices):
            return labels
        voices = moved
    return labels


def _spectral(vectors: Floats) -> Labels:
    similar = np.clip(vectors @ vectors.T, 0.0, 1.0).astype(np.float64)
    least = np.quantile(similar, 1.0 - _NEIGHBOURS, axis=1, keepdims=True)
    kept = np.where(similar >= least, similar, similar * 0.01)
    kept = (kept + kept.T) / 2
    root = np.sqrt(kept.sum(axis=1))
    _, axes = np.linalg.eigh(kept / root[:, None] / root[None, :])
    labels: Labels = (axes[:, -2] * axes[:, -1] > 0).astype(np.int64)
    return labels


def _means(vectors: Floats, labels: Labels) -> Floats | None:
    if labels.min() == labels.max():
        return None
    return unit(np.stack([vectors[labels == voice].mean(axis=0) for voice in (0, 1)]))


def _unseen_places(windows: Windows, voices: Floats) -> npt.NDArray[np.float64]:
    count = len(windows.centre_s)
    block = np.arange(count) // min(_BLOCK_WINDOWS, max(2, count // _FOLDS))
    on_line = np.full(count, np.nan)
    for fold in np.unique(block % _FOLDS):
        judged = block % _FOLDS == fold
        apart = _distance_s(windows.centre_s, windows.centre_s[judged]) >= WINDOW_S
        without = divide(windows.vectors[apart]) if apart.any() else None
        if without is not None:
            alike = np.vdot(without[1] - without[0], voices[1] - voices[0]) >= 0
            on_line[judged] = places(windows.vectors[judged], without if alike else without[::-1])
    return on_line


def _distance_s(moments: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """From each moment to the nearest of the others, both in order."""
    after = np.searchsorted(others, moments)
    nearest: npt.NDArray[np.float64] = np.minimum(
        np.abs(moments - others[np.minimum(after, others.size - 1)]), np.abs(moments - others[np.maximum(after - 1, 0)])
    )
    return nearest


def _persistence(on_line: npt.NDArray[np.float64], centre_s: npt.NDArray[np.float64], segment: Labels) -> float:
    """-1..1, shrunk towards 0 where few windows have another one 1 s later."""
    clear = np.clip(on_line, -2.0, 2.0)
    clear = clear - clear.mean()
    products: list[Any] = []
    for lag_s in _LAGS_S:
        later = np.searchsorted(centre_s, centre_s + lag_s - 0.01)
        pair = np.flatnonzero(later < centre_s.size)
        pair = pair[segment[later[pair]] == segment[pair]]
        pair = pair[centre_s[later[pair]] - centre_s[pair] < lag_s + 0.35]
        products.append(clear[pair] * clear[later[pair]])
    together = np.concatenate(products)
    variance = float(clear.var())
    return float(together.sum() / (together.size + _PRIOR_PAIRS) / variance) if variance > 0 else 0.0


def _course(windows: Windows, on_line: npt.NDArray[np.float64]) -> Labels:
    count = on_line.size
    gains = np.stack([-on_line, on_line], axis=1)
    pause = np.diff(windows.segment, prepend=windows.segment[0]) > 0
    cost = np.where(pause, _CHANGE_COST_AT_PAUSE, _CHANGE_COST) * 2
    came_from = np.zeros((count, 2), dtype=np.int64)
    best = gains[0].copy()
    for window in range(1, count):
        changed = best[::-1] - cost[window]
        came_from[window] = np.where(best >= changed, (0, 1), (1, 0))
        best = np.maximum(best, changed) + gains[window]
    labels = np.empty(count, dtype=np.int64)
    labels[-1] = int(best.argmax())
    for window in range(count - 1, 0, -1):
        labels[window - 1] = came_from[window, labels[window]]
    return labels
