"""Silero v6 as an ONNX graph over many windows at once (Silero Team, github.com/snakers4/silero-vad, MIT).

The graph comes in the faster-whisper wheel. It runs its encoder over all windows of a run together and only
its LSTM from window to window, so a run of many windows costs about half of as many runs of one.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.audio.vad.detector import Samples, Scores, VoiceActivityStream
from pipeline.config.voice_activity import SileroSettings
from pipeline.errors import ModelUnavailable

WINDOW_SAMPLES = 512
CONTEXT_SAMPLES = 64
"""Each window is seen with the end of the one before it."""
_STATE = (1, 1, 128)
_IN_WHEEL = Path("assets") / "silero_vad_v6.onnx"


class SileroDetector:
    """Loads the graph; runs on one thread."""

    name = "silero"
    step_samples = WINDOW_SAMPLES

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
        self._windows_per_run = settings.windows_per_run

    def stream(self) -> VoiceActivityStream:
        return _SileroStream(self._session, self._windows_per_run)


class _SileroStream:
    def __init__(self, session: Any, windows_per_run: int) -> None:
        self._session = session
        self._windows_per_run = windows_per_run
        self._hidden = np.zeros(_STATE, dtype=np.float32)
        self._cell = np.zeros(_STATE, dtype=np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, dtype=np.float32)
        self._rest = np.zeros(0, dtype=np.float32)

    def push(self, samples: Samples) -> Scores:
        waiting = np.concatenate((self._rest, samples))
        whole = len(waiting) // WINDOW_SAMPLES * WINDOW_SAMPLES
        self._rest = waiting[whole:]
        return self._score(waiting[:whole])

    def finish(self) -> Scores:
        if not len(self._rest):
            return np.zeros(0, dtype=np.float32)
        last = np.zeros(WINDOW_SAMPLES, dtype=np.float32)
        last[: len(self._rest)] = self._rest
        self._rest = self._rest[:0]
        return self._score(last)

    def _score(self, samples: Samples) -> Scores:
        if not len(samples):
            return np.zeros(0, dtype=np.float32)
        windows = with_context(samples, self._context)
        self._context = samples[-CONTEXT_SAMPLES:].copy()
        scores: list[Scores] = []
        for first in range(0, len(windows), self._windows_per_run):
            part = windows[first : first + self._windows_per_run]
            score, self._hidden, self._cell = self._session.run(
                None, {"input": part, "h": self._hidden, "c": self._cell}
            )
            scores.append(score)
        return np.concatenate(scores)


def with_context(samples: Samples, context: Samples) -> npt.NDArray[np.float32]:
    """Whole windows, each behind the last 64 samples before it: shape (windows, 576)."""
    windows = np.empty((len(samples) // WINDOW_SAMPLES, CONTEXT_SAMPLES + WINDOW_SAMPLES), dtype=np.float32)
    windows[:, CONTEXT_SAMPLES:] = samples.reshape(-1, WINDOW_SAMPLES)
    windows[0, :CONTEXT_SAMPLES] = context
    windows[1:, :CONTEXT_SAMPLES] = windows[:-1, -CONTEXT_SAMPLES:]
    return windows


def find_graph(settings: SileroSettings) -> Path:
    """Where the graph lies; its wheel is not imported, which would load a recogniser. Raises ModelUnavailable."""
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
