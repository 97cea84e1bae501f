"""From scores to probabilities: each label's share, and that of none of them.

A conditional logit (McFadden 1974) with an outside option: label i has utility w · features(i). "None of the labels"
has a constant, and parts for the number of labels, how alike they are, how many are nothing but a name, how near
the labels after the nearest are (what is a little like everything asks for nothing of it), and whether something else
that people call about is nearer than any label. The weights are fitted on questions of which some ask for labels that
were withheld (`python -m bench.topic_weights`), so the share of "none" means something. They were fitted twice: with an
encoder whose vectors point everywhere, and with one whose vectors all lie in a narrow cone, where a lead in likeness
says less (Ethayarajh 2019). Another encoder takes those of its kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float64]
"""Shape (labels, features)."""

WITH_ENCODER, WORDS_ALONE = "keywords and encoder", "keywords"
IN_A_CONE = "keywords and encoder in a narrow cone"
"""Fitted for another kind of encoder; the method is the same."""
_OF_BOTH = ("joined", "centre", "nearest", "example", "words", "keyword", "name", "apart")
FEATURES: Mapping[str, tuple[str, ...]] = {WITH_ENCODER: _OF_BOTH, IN_A_CONE: _OF_BOTH, WORDS_ALONE: ("words",)}
_RIVALS = 5
LEAST_NARROWNESS = 3.0
"""Of a few labels of different fields, which say little about what else is called about."""
WEIGHTS = Path(__file__).parent / "weights.json"


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Fitted weights of one method."""

    label: tuple[float, ...]
    """One per feature."""
    none: float
    none_per_log_label: float
    """Times the logarithm of the number of labels."""
    none_per_narrowness: float
    """Times how alike the labels are (`LabelLikeness.narrowness`)."""
    none_of_names: float = 0.0
    """Times the share of labels that are nothing but a name (`LabelLikeness.names_alone`)."""
    none_per_rivals: float = 0.0
    """Times how near the labels after the nearest are (`rivals`)."""
    none_per_elsewhere: float = 0.0
    """Times how far something that no label is about is ahead (`LabelLikeness.elsewhere`)."""

    def shares(
        self, features: Features, narrowness: float = 0.0, names_alone: float = 0.0, elsewhere: float = 0.0
    ) -> tuple[npt.NDArray[np.float64], float]:
        """Shape (labels,), and the share of none of them; together they sum to 1."""
        none = self.none + self.none_per_log_label * np.log(len(features))
        none += self.none_per_narrowness * narrowness + self.none_of_names * names_alone
        none += (
            self.none_per_rivals * float(rivals(features[None], narrowness)[0]) + self.none_per_elsewhere * elsewhere
        )
        utilities = np.append(features @ np.asarray(self.label), none)
        raised = np.exp(utilities - utilities.max())
        shares = raised / raised.sum()
        return shares[:-1], float(shares[-1])


def rivals(features: npt.NDArray[np.float64], narrowness: float) -> npt.NDArray[np.float64]:
    """The mean likeness of the five labels after the nearest, by their joined texts; 0 where there is one label.

    In a narrow catalogue all labels are near to what is asked of one, so it counts the less there.

    Args:
        features: shape (questions, labels, features), likeness first.

    Returns:
        Shape (questions,).
    """
    after = -np.sort(-features[:, :, 0], axis=1)[:, 1 : 1 + _RIVALS]
    near = after.mean(axis=1) if after.shape[1] else np.zeros(len(features))
    return np.asarray(near * LEAST_NARROWNESS / max(narrowness, LEAST_NARROWNESS))


def words_feature(score: float) -> float:
    """The lexical score on a scale that grows slowly: a second keyword adds less than the first."""
    return float(np.log1p(score))


def for_encoder(in_a_cone: bool) -> Likelihood:
    """The weights fitted with an encoder of this kind (`LabelLikeness.in_a_cone`)."""
    return fitted(IN_A_CONE if in_a_cone else WITH_ENCODER)


@lru_cache(maxsize=3)
def fitted(method: str) -> Likelihood:
    """The weights that come with Earshot."""
    found = json.loads(WEIGHTS.read_text(encoding="utf-8"))[method]
    by_name = found["label"]
    return Likelihood(
        tuple(float(by_name[name]) for name in FEATURES[method]),
        float(found["none"]),
        float(found["none_per_log_label"]),
        float(found["none_per_narrowness"]),
        float(found["none_of_names"]),
        float(found["none_per_rivals"]),
        float(found["none_per_elsewhere"]),
    )
