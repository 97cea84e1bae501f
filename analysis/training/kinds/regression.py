"""Logistic regressions: what the kinds of training that end in one have in common."""

from __future__ import annotations

from functools import partial
from typing import Any

from analysis.training.judging.crossvalidation import Recipe

tempered_recipe = partial(Recipe, calibration="temperature", inner_folds=3, select_by="macro_f1")


def regression(*steps: Any, C: float, most_steps: int = 500, weight: str | None = "balanced") -> Any:  # noqa: N803
    """An unfitted pipeline: transformers, then a logistic regression of inverse regularisation `C`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(*steps, LogisticRegression(C=C, class_weight=weight, max_iter=most_steps))


def words_of_any_language() -> Any:
    """TF-IDF of words (1-2)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, strip_accents="unicode")
