"""Silero v6 as an ONNX graph over many windows at once (Silero Team, github.com/snakers4/silero-vad, MIT).

The graph comes in the faster-whisper wheel. It runs its encoder over all windows of a run together, and only its LSTM
from window to window. One run over many windows costs about half as much as a run for each.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.audio.vad.detector import Samples, Scores, VoiceActivityStream
from pipeline.config.areas.speech.voice_activity import SileroSettings
from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ

WINDOW_SAMPLES = 512
CONTEXT_SAMPLES = 64
"""Each window is seen with the end of the one before it."""
_ONSET_LAG_SAMPLES = SAMPLE_RATE_HZ * 80 // 1000
"""Measured on three calls of Harper Valley: median 81 ms late, while ends are right within a window."""
_ONSET_SCORE = 0.1
"""Chosen on three calls of Harper Valley by talk time; others: decisions.md, "Talk"."""
_STATE = (1, 1, 128)
_EVERYTHING_DBFS = -200.0
_IN_WHEEL = Path("assets") / "silero_vad_v6.onnx"


class SileroDetector:
    """Loads the graph; runs on one thread."""

    name = "silero"
    step_samples = WINDOW_SAMPLES
    onset_lag_samples = _ONSET_LAG_SAMPLES
    onset_score: float | None = _ONSET_SCORE

    def __init__(self, settings: SileroSettings) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelUnavailable("onnxruntime is not installed; install the requirements again") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        model = _checked(find_graph(settings), settings.model_sha256)
        try:
            self._session = onnxruntime.InferenceSession(
                model, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has no public base class of its errors
            raise ModelUnavailable(f"onnxruntime cannot load the Silero graph: {error}") from error
        self._settings = settings

    def stream(self) -> VoiceActivityStream:
        return _SileroStream(self._session, self._settings)


class _SileroStream:
    """Scores come some windows late: whether a window is idle depends on those that follow."""

    def __init__(self, session: Any, settings: SileroSettings) -> None:
        self._session = session
        self._windows_per_run = settings.windows_per_run
        idle = settings.idle_below_dbfs
        self._idle_power = 10.0 ** (idle / 10.0) if idle > _EVERYTHING_DBFS else 0.0
        self._reach = round(settings.idle_margin_ms * SAMPLE_RATE_HZ / 1000 / WINDOW_SAMPLES)
        self._hidden = np.zeros(_STATE, dtype=np.float32)
        self._cell = np.zeros(_STATE, dtype=np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, dtype=np.float32)
        self._rest = np.zeros(0, dtype=np.float32)
        self._loud_before = np.zeros(self._reach, dtype=np.bool_)

    def push(self, samples: Samples) -> Scores:
        self._rest = np.concatenate((self._rest, samples))
        return self._score(len(self._rest) // WINDOW_SAMPLES - self._reach)

    def finish(self) -> Scores:
        short = -len(self._rest) % WINDOW_SAMPLES
        self._rest = np.pad(self._rest, (0, short))
        return self._score(len(self._rest) // WINDOW_SAMPLES)

    def _score(self, count: int) -> Scores:
        """Scores of the first `count` windows that remain."""
        if count <= 0:
            return np.zeros(0, dtype=np.float32)
        whole = self._rest[: len(self._rest) // WINDOW_SAMPLES * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)
        loud = np.concatenate((self._loud_before, np.square(whole).mean(axis=1) >= self._idle_power))
        reach = self._reach
        # A window counts as near when any of the 2 * reach + 1 around it is loud: the running count rises there.
        total = np.concatenate(([0], np.cumsum(np.pad(loud, (0, reach)))))
        near = total[2 * reach + 1 : 2 * reach + 1 + count] > total[:count]
        samples = self._rest[: count * WINDOW_SAMPLES]
        windows = with_context(samples, self._context)[near]
        self._rest = self._rest[count * WINDOW_SAMPLES :]
        self._context = samples[-CONTEXT_SAMPLES:].copy()
        self._loud_before = loud[count : count + reach]
        scores = np.zeros(count, dtype=np.float32)
        scores[near] = self._run(windows)
        return scores

    def _run(self, windows: npt.NDArray[np.float32]) -> Scores:
        scores: list[Scores] = [np.zeros(0, dtype=np.float32)]
        for first in range(0, len(windows), self._windows_per_run):
            part = windows[first : first + self._windows_per_run]
            score, self._hidden, self._cell = self._session.run(
                None, {"input": part, "h": self._hidden, "c": self._cell}
            )
            scores.append(score)
        return np.concatenate(scores)


def with_context(samples: Samples, context: Samples) -> npt.NDArray[np.float32]:
    """Whole windows, each preceded by the 64 samples before it: shape (windows, 576)."""
    windows = np.empty((len(samples) // WINDOW_SAMPLES, CONTEXT_SAMPLES + WINDOW_SAMPLES), dtype=np.float32)
    windows[:, CONTEXT_SAMPLES:] = samples.reshape(-1, WINDOW_SAMPLES)
    windows[0, :CONTEXT_SAMPLES] = context
    windows[1:, :CONTEXT_SAMPLES] = windows[:-1, -CONTEXT_SAMPLES:]
    return windows


def find_graph(settings: SileroSettings) -> Path:
    """Path of the graph. Its wheel is not imported: that would load a recogniser. Raises ModelUnavailable."""
    if settings.model_path is not None:
        return settings.model_path
    wheel = importlib.util.find_spec("faster_whisper")
    if wheel is None or wheel.origin is None:
        raise ModelUnavailable(
            "the Silero graph comes with faster-whisper, which is not installed; "
            "install the requirements again or name a graph in voice_activity.silero.model_path"
        )
    return Path(wheel.origin).parent / _IN_WHEEL


def _checked(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelUnavailable(
            f"the Silero graph {path.name} cannot be read ({error.strerror}); see voice_activity.silero.model_path"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if sha256 and found != sha256.lower():
        raise ModelUnavailable(
            f"{path.name} is not the pinned Silero graph: its SHA-256 is {found}; "
            "set voice_activity.silero.model_sha256 to accept it"
        )
    return content
