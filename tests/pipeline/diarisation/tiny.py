"""A pyannote pipeline small enough to train in a test: its speakers are two hums of different pitch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RATE = 16_000
PITCHES_HZ = (220.0, 900.0)
WINDOW_S = 2.0
_DIMENSION = 16
_CONFIG = """\
dependencies: {pyannote.audio: 4.0.0}
pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    clustering: VBxClustering
    segmentation: $model/segmentation
    segmentation_step: 0.5
    embedding: $model/embedding
    plda: $model/plda
params:
  clustering: {threshold: 0.6, Fa: 0.07, Fb: 0.8}
  segmentation: {min_duration_off: 0.0}
"""

Samples = npt.NDArray[np.float32]


def hum(speaker: int, seconds: float, seed: int = 0) -> Samples:
    """A harmonic tone of the speaker's pitch with a little noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal(len(time)) * 1e-3
    tones = [np.sin(2 * np.pi * PITCHES_HZ[speaker] * k * time) / k for k in (1, 2, 3)]
    return np.asarray(0.2 * np.sum(tones, axis=0) + noise, dtype=np.float32)


def pause(seconds: float, seed: int = 0) -> Samples:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 1e-3
    return np.asarray(noise, dtype=np.float32)


def build(folder: Path) -> Path:
    """Train, save as pyannote saves, and lay out like a published pipeline."""
    import torch

    torch.manual_seed(7)
    (folder / "config.yaml").write_text(_CONFIG, encoding="utf-8")
    save(_segmentation(), folder / "segmentation")
    save(_embedding(), folder / "embedding")
    (folder / "plda").mkdir()
    eye, zeros = np.eye(_DIMENSION), np.zeros(_DIMENSION)
    np.savez(folder / "plda" / "xvec_transform.npz", mean1=zeros, mean2=zeros, lda=eye)
    np.savez(folder / "plda" / "plda.npz", mu=zeros, tr=eye, psi=np.linspace(2.0, 1.0, _DIMENSION))
    return folder


def save(model: Any, folder: Path) -> Path:
    import torch

    folder.mkdir()
    checkpoint: dict[str, Any] = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": "2.6.0",
    }
    model.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, folder / "pytorch_model.bin")
    return folder


def _embedding() -> Any:
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding.xvector import XVectorMFCC

    model = XVectorMFCC(dimension=_DIMENSION)
    model.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=WINDOW_S, min_duration=0.5
    )
    model.setup()
    return model.eval()


def _segmentation(steps: int = 60) -> Any:
    """Frames are silence, the first speaker or the second: a set of at most one of two speakers."""
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation.debug import SimpleSegmentationModel

    model = SimpleSegmentationModel()
    model.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=WINDOW_S,
        classes=["first", "second"],
        powerset_max_classes=1,
        permutation_invariant=True,
    )
    model.setup()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    random = np.random.default_rng(3)
    for step in range(steps):
        heard, truth = zip(*(_window(random, step * 8 + i) for i in range(8)), strict=True)
        scores = model(torch.from_numpy(np.stack(heard))[:, None])
        middles = np.linspace(0, len(truth[0]) - 1, scores.shape[1]).astype(int)
        wanted = torch.from_numpy(np.stack(truth)[:, middles])
        loss = torch.nn.functional.nll_loss(scores.reshape(-1, 3), wanted.reshape(-1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.2, "the tiny model did not learn"
    return model.eval()


def _window(random: np.random.Generator, seed: int) -> tuple[Samples, npt.NDArray[np.int64]]:
    """Two seconds of pauses and hums; the class of every sample."""
    parts: list[Samples] = []
    truth: list[int] = []
    while len(truth) < WINDOW_S * RATE:
        kind, seconds = int(random.integers(3)), float(random.uniform(0.3, 1.2))
        part = pause(seconds, seed) if kind == 0 else hum(kind - 1, seconds, seed)
        parts.append(part)
        truth.extend([kind] * len(part))
    length = round(WINDOW_S * RATE)
    return np.concatenate(parts)[:length], np.asarray(truth[:length], dtype=np.int64)
