"""What people call about anywhere, against what a glossary lists: how near what is asked is to something else.

`reasons.yaml` holds everyday reasons with sentences of callers. Those that a label is about too are left out, so the
same reasons serve every glossary: what is nearer to one of the rest than to any label asks for nothing of it. Such
background classes stand for the unknown in open-set recognition (Geng, Huang and Chen 2021).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.encoder.vectors import SentenceEncoder, Vectors
from pipeline.config.yaml_reader import read_yaml_file

_FILE = Path(__file__).parent / "reasons.yaml"
OWN_FROM = 2.0
"""A reason that is nearer to a label than this, in standard deviations above everyday talk, is less of another matter
by as much as it is nearer."""
FROM_BEHIND = 2.0
"""Standard deviations that it may be behind the best label and still speak against it."""


@lru_cache(maxsize=1)
def everyday_reasons() -> dict[str, tuple[str, ...]]:
    """Each reason's name with what callers say."""
    return {name: tuple(said) for name, said in read_yaml_file(_FILE, as_text=True).value.items()}


def reason_vectors(encoder: SentenceEncoder) -> Vectors:
    """Shape (reasons, dimensions): of each the mean of its name and sentences, brought to length 1."""
    told = [(name, *said) for name, said in everyday_reasons().items()]
    vectors = encoder.encode_fixed([text for texts in told for text in texts])
    ends = np.cumsum([len(texts) for texts in told])
    means = np.stack([rows.mean(axis=0) for rows in np.split(vectors, ends[:-1])])
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))


def elsewhere_ahead(
    likeness: npt.NDArray[np.float64], near_labels: npt.NDArray[np.float64], best_label: float
) -> float:
    """By how much the nearest reason that no label is about is ahead of the best label, from a little behind it on.

    Args:
        likeness: of what is asked and each reason, shape (reasons,).
        near_labels: how near each reason is to the nearest label, on the same scale.
        best_label: how near what is asked is to the nearest label.

    Returns:
        0 where it is far behind.
    """
    nearest = float((likeness - np.maximum(near_labels - OWN_FROM, 0.0)).max())
    return max(nearest - best_label + FROM_BEHIND, 0.0)
