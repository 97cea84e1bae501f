"""Training material and recipes for texts: sentiment and topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.training.judging.crossvalidation import Choice, Recipe
from analysis.training.labelled.labels import LabelledItem
from analysis.training.labelled.splits import Indices


@dataclass(slots=True)
class TextMaterial:
    """Texts with labels and groups."""

    texts: list[str]
    labels: npt.NDArray[np.intp]
    groups: Sequence[str]

    def fitting(self, train: Indices) -> tuple[list[str], npt.NDArray[np.intp], list[str]]:
        return self.inputs(train, train), self.labels[train], [self.groups[at] for at in train]

    def inputs(self, train: Indices, rows: Indices) -> list[str]:  # noqa: ARG002 - part of the Protocol
        return [self.texts[at] for at in rows]


def text_material(items: Sequence[LabelledItem], classes: Sequence[str]) -> TextMaterial:
    labels = np.asarray([classes.index(item.label) for item in items])
    return TextMaterial([item.text or "" for item in items], labels, [item.group for item in items])


def _words_and_cues(choice: Choice, _seed: int) -> Any:
    """Negation-marked words (1-2), character n-grams (2-5) and cues into one logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import MaxAbsScaler

    from analysis.training.text_features import SentimentCues, mark_negation, plain_words

    words = TfidfVectorizer(
        preprocessor=mark_negation,
        token_pattern=r"\S+",  # noqa: S106 - a pattern of words, no secret
        ngram_range=(1, 2),
        min_df=2,
        sublinear_tf=True,
    )
    characters = TfidfVectorizer(
        preprocessor=plain_words, analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True
    )
    cues = make_pipeline(SentimentCues(), MaxAbsScaler())
    union = make_union(words, characters, cues)
    return make_pipeline(union, LogisticRegression(C=choice["C"], class_weight=choice["weight"], max_iter=500))


def _cues_only(choice: Choice, _seed: int) -> Any:
    """The cues alone into a logistic regression: for little text of other domains than it will meet."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler

    from analysis.training.text_features import SentimentCues

    return make_pipeline(
        SentimentCues(), MaxAbsScaler(), LogisticRegression(C=choice["C"], class_weight="balanced", max_iter=1000)
    )


def _plain(choice: Choice, _seed: int) -> Any:
    """TF-IDF of words (1-2) and logistic regression, any language."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, strip_accents="unicode")
    return make_pipeline(words, LogisticRegression(C=choice["C"], class_weight="balanced", max_iter=500))


TEXT_RECIPES: dict[str, Recipe] = {
    "words": Recipe(
        name="negation-marked words, characters and cues into a logistic regression",
        choices=({"C": 2.0, "weight": None}, {"C": 2.0, "weight": "balanced"}),
        build=_words_and_cues,
        calibration="temperature",
        inner_folds=3,
        select_by="macro_f1",
    ),
    "cues": Recipe(
        name="lexicon scores and cues into a logistic regression",
        choices=tuple({"C": c} for c in (0.1, 1.0, 10.0)),
        build=_cues_only,
        calibration="temperature",
        select_by="macro_f1",
    ),
    "plain": Recipe(
        name="words into a logistic regression",
        choices=tuple({"C": c} for c in (2.0, 10.0)),
        build=_plain,
        calibration="temperature",
        inner_folds=3,
        select_by="macro_f1",
    ),
}
"""`words` and `cues` are for English, `plain` for any language written with spaces."""

TOPIC_RECIPE = Recipe(
    name="words into a logistic regression",
    choices=({"C": 10.0},),
    build=_plain,
    calibration="temperature",
    inner_folds=3,
    select_by="macro_f1",
)
