"""`train text` and `train topics`: sentiment and topics from the words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.feature_versions import TEXT_FEATURE_VERSION
from analysis.model_folder import load_model
from analysis.sentiment.shipped_models import model_folder
from analysis.sentiment.text import build_text_engines
from analysis.sentiment.text_trained import SHIPPED_TEXT
from analysis.training.judging.crossvalidation import Choice, PlainMaterial, Recipe
from analysis.training.judging.held_out import Probabilities, shares_of
from analysis.training.labelled.labels import SENTIMENTS, LabelledItem
from analysis.training.task import Kind, Say, Task, TrainingRequest
from pipeline.config.areas.sentiment import SentimentSettings, TextEngine
from pipeline.errors import ConfigurationError, ModelUnavailable
from pipeline.records import Role

TEXT_LIMITS = ("Judges words alone: irony without a telling word, and what is said by tone, are missed.",)
TOPIC_LIMITS = ("Knows the topics of its labels only; every text gets one of them, so look at the probability.",)


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
    """The cues alone into a logistic regression: for little training text, from other domains than in use."""
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


def _material(items: Sequence[LabelledItem], classes: Sequence[str]) -> PlainMaterial:
    labels = np.asarray([classes.index(item.label) for item in items])
    texts = np.asarray([item.text or "" for item in items], dtype=object)
    return PlainMaterial(texts, labels, [item.group for item in items])


def _prepare_text(request: TrainingRequest, model: str, _say: Say) -> Task:
    """From a CSV with text, label, group."""
    languages = list(request.languages)
    if model != "plain" and languages != ["en"]:
        raise ConfigurationError(f"--model {model}: knows English only; take --model plain for {', '.join(languages)}")
    labels = request.read_labels("text")
    material = _material(labels.items, SENTIMENTS)
    sentiment = request.settings.sentiment
    engine = sentiment.text.engine
    trained = model_folder(sentiment.text.sklearn.client_model, SHIPPED_TEXT)
    return Task(
        kind="text",
        title=f"Text sentiment ({model}) from {labels.path.name}",
        classes=SENTIMENTS,
        features=("text",),
        feature_version=TEXT_FEATURE_VERSION,
        material=material,
        recipe=TEXT_RECIPES[model],
        labels=labels,
        config_keys=("sentiment.text.sklearn.agent_model", "sentiment.text.sklearn.client_model"),
        limits=TEXT_LIMITS,
        options={"languages": languages},
        libraries=("vaderSentiment",),
        in_use=None
        if engine is TextEngine.OFF
        else (f"the {engine.value} engine in use", lambda: _engine_answers(sentiment, languages, material)),
        in_use_folder=trained if engine is TextEngine.SKLEARN else None,
    )


def _engine_answers(settings: SentimentSettings, languages: Sequence[str], material: PlainMaterial) -> Probabilities:
    engine = build_text_engines(settings)[Role.CLIENT]
    if engine.languages is not None and not set(languages) <= engine.languages:
        raise ModelUnavailable(f"{engine.name} knows {', '.join(sorted(engine.languages))} only")
    return shares_of(engine.predict(material.values.tolist()))


def _prepare_topics(request: TrainingRequest, _model: str, _say: Say) -> Task:
    """From a CSV with text, any label, group; `topic > subtopic` is a label like any other.

    The model that comes out has a column per entry of `pipeline.classes_`, numbers into `card.classes`.
    """
    labels = request.read_labels("text", classes=None)
    classes = tuple(labels.balance())
    material = _material(labels.items, classes)
    in_use = request.settings.topics.trained.model_dir
    return Task(
        kind="topics",
        title=f"Topics from {labels.path.name}",
        classes=classes,
        features=("text",),
        feature_version=TEXT_FEATURE_VERSION,
        material=material,
        recipe=TOPIC_RECIPE,
        labels=labels,
        config_keys=("topics.trained.model_dir",),
        limits=TOPIC_LIMITS,
        options={"languages": list(request.languages)},
        in_use=None if in_use is None else (in_use.name, lambda: _topic_answers(in_use, classes, material)),
        in_use_folder=in_use,
    )


def _topic_answers(folder: Path, classes: Sequence[str], material: PlainMaterial) -> Probabilities:
    """The model in use; topics it does not know get 0, topics only it knows are left out."""
    loaded = load_model(folder, kind="topics", feature_version=TEXT_FEATURE_VERSION)
    found = np.asarray(loaded.pipeline.predict_proba(material.values))
    whole = np.zeros((len(found), len(classes)))
    for column, number in enumerate(loaded.pipeline.classes_):
        name = loaded.card.classes[int(number)] if loaded.card else str(number)
        if name in classes:
            whole[:, list(classes).index(name)] = found[:, column]
    return whole


TEXT = Kind(_prepare_text, tuple(TEXT_RECIPES))
TOPICS = Kind(_prepare_topics, ("plain",))
