"""`train topics`: topics from what clients say, with a measure of what the model does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import SentenceEncoder
from analysis.feature_versions import ENCODED_FEATURE_VERSION, TEXT_FEATURE_VERSION
from analysis.model_folder import load_model, read_card
from analysis.sentiment.text_trained import ENCODED
from analysis.training.judging.crossvalidation import Choice, CrossValidated, PlainMaterial, Recipe, probabilities_of
from analysis.training.judging.held_out import Probabilities
from analysis.training.kinds.regression import regression, tempered_recipe, words_of_any_language
from analysis.training.labelled.splits import grouped_splits
from analysis.training.open_set import (
    SHARE_LEFT,
    WITHHELD_PARTS,
    OpenSetClassifier,
    Rows,
    centres_of,
    confidences_of,
    features_of,
    fit_weights,
    rows_of,
    vectors_of,
)
from analysis.training.task import Kind, Say, Task, TrainingRequest
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError, ModelUnavailable

LIMITS = (
    "Knows the topics of its labels only. What is about something else is told by a low confidence, not always: the "
    "figures say how often, on classes that were withheld.",
)
AUTO, ENCODER, PLAIN = "auto", "encoder", "plain"


def _words(choice: Choice, _seed: int) -> Any:
    """TF-IDF of words (1-2) and logistic regression, any language."""
    return regression(words_of_any_language(), C=choice["C"])


def _vectors_and_words(choice: Choice, _seed: int) -> Any:
    """The same words, and vectors of the sentence encoder."""
    from sklearn.pipeline import FeatureUnion, make_pipeline

    from analysis.training.text_features import LineWords, TextVectors

    union = FeatureUnion([("vectors", TextVectors()), ("words", make_pipeline(LineWords(), words_of_any_language()))])
    return regression(union, C=choice["C"])


_LEAST_DOUBT = 0.01
"""Mean doubt of held-out answers below which the temperature has run away: where all are right it has no bound, and
every share is 1, also of a text about nothing. Doubt then reads the shares as they are before it."""

RECIPES: Mapping[str, Recipe] = {
    PLAIN: tempered_recipe(
        name="words into a logistic regression",
        choices=({"C": 10.0},),
        build=_words,
    ),
    ENCODER: tempered_recipe(
        name="sentence vectors and words into a logistic regression",
        choices=({"C": 3.0},),
        build=_vectors_and_words,
    ),
}


def _prepare(request: TrainingRequest, model: str, say: Say) -> Task:
    """From a CSV with text, any label, group; `topic > subtopic` is a label like any other.

    The model that comes out has a column per entry of `classes_`, numbers into `card.classes`.
    """
    labels = request.read_labels("text", classes=None)
    classes = tuple(labels.balance())
    encoder = _encoder(request, model, say)
    kind = PLAIN if encoder is None else ENCODER
    texts = [item.text or "" for item in labels.items]
    numbers = np.asarray([classes.index(item.label) for item in labels.items])
    material = PlainMaterial(rows_of(texts, encoder), numbers, [item.group for item in labels.items])
    recipe = RECIPES[kind]
    in_use = request.settings.topics.trained.model_dir
    return Task(
        kind="topics",
        title=f"Topics from {labels.path.name}",
        classes=classes,
        features=("text",) if encoder is None else ("line",),
        feature_version=TEXT_FEATURE_VERSION if encoder is None else ENCODED_FEATURE_VERSION,
        material=material,
        recipe=recipe,
        labels=labels,
        config_keys=("topics.trained.model_dir",),
        limits=LIMITS,
        options={"languages": list(request.languages), **({ENCODED: encoder.space} if encoder else {})},
        libraries=() if encoder is None else ("onnxruntime", "tokenizers"),
        in_use=None if in_use is None else (in_use.name, lambda: _answers(in_use, classes, texts, request.settings)),
        in_use_folder=in_use,
        finish=lambda fitted, tell: _with_limits(material, recipe, fitted, request.seed, tell),
    )


def _encoder(request: TrainingRequest, model: str, say: Say) -> SentenceEncoder | None:
    """The encoder to train on; None for words alone. Raises ConfigurationError where one is asked for and missing."""
    if model == PLAIN:
        return None
    choice = open_encoder(request.settings.encoder)
    lack = choice.reason
    if choice.encoder is not None:
        unknown = [language for language in request.languages if not choice.encoder.knows(language)]
        if not unknown:
            return choice.encoder
        lack = f"the sentence encoder does not know {', '.join(unknown)} (encoder.languages)"
    if model == ENCODER:
        raise ConfigurationError(f"--model {ENCODER}: {lack}")
    say(f"on words alone: {lack}")
    return None


def _with_limits(
    material: PlainMaterial, recipe: Recipe, fitted: CrossValidated, seed: int, say: Say
) -> tuple[Any, Mapping[str, Any]]:
    """The fitted model with its measure of doubt: from its held-out answers, and from models that had not seen a third
    of the classes."""
    values, labels = material.values, material.labels
    order = np.asarray(fitted.model.classes_, dtype=int)
    with_vectors = hasattr(values[0], "vector")
    if len(order) <= WITHHELD_PARTS:
        return fitted.model, {}
    centres = centres_of(values, labels, order.tolist()) if with_vectors else None
    examples = vectors_of(values) if with_vectors else None
    column = {int(number): index for index, number in enumerate(order)}
    owners = np.asarray([column[int(number)] for number in labels], dtype=np.intp)
    held_out = fitted.probabilities[:, order]
    best = held_out.argmax(axis=1)
    untempered = bool(held_out.max(axis=1).mean() > 1 - _LEAST_DOUBT)
    if untempered:
        held_out = _untempered(material, recipe, fitted.choice, seed)[:, order]
    known = features_of(values, held_out, best, centres, examples=examples, owners=owners, held_out=True)
    withheld, parts = [], np.random.default_rng(seed).permutation(order)
    for number in range(WITHHELD_PARTS):
        out = np.isin(labels, parts[number::WITHHELD_PARTS])
        model = recipe.build(fitted.choice, seed).fit(values[~out], labels[~out])
        shares = probabilities_of(model, values[out], int(labels.max()) + 1)[:, order]
        seen = None if examples is None else examples[~out]
        chosen = shares.argmax(axis=1)
        withheld.append(features_of(values[out], shares, chosen, centres, examples=seen, owners=owners[~out]))
        say(f"without {len(parts[number::WITHHELD_PARTS])} of {len(order)} classes: {int(out.sum())} texts asked")
    weights, least = fit_weights(known, order[best] == labels, np.concatenate(withheld))
    model = OpenSetClassifier(
        fitted.model, centres, weights, least, examples=examples, owners=owners, untempered=untempered
    )
    given = confidences_of(known, weights) >= least
    return model, {
        "least_confidence": round(least, 4),
        "answered": round(float(given.mean()), 4),
        "right_where_answered": round(float((order[best] == labels)[given].mean()), 4) if given.any() else None,
        "withheld": f"at that confidence {SHARE_LEFT:.0%} of the texts of classes not seen in training get no topic",
    }


def _untempered(material: PlainMaterial, recipe: Recipe, choice: Choice, seed: int) -> Rows:
    """Held-out shares of models without a temperature, shape (items, classes)."""
    values, labels = material.values, material.labels
    classes = int(labels.max()) + 1
    shares = np.zeros((len(labels), classes))
    for train, test in grouped_splits(labels.tolist(), material.groups, WITHHELD_PARTS, seed + 3):
        model = recipe.build(choice, seed).fit(values[train], labels[train])
        shares[test] = probabilities_of(model, values[test], classes)
    return shares


def _answers(folder: Path, classes: Sequence[str], texts: Sequence[str], settings: Settings) -> Probabilities:
    """The model in use; topics it does not know get 0, topics only it knows are left out."""
    card = read_card(folder)
    space = card.options.get(ENCODED)
    encoder = open_encoder(settings.encoder).encoder if space else None
    if space and (encoder is None or encoder.space != space):
        raise ModelUnavailable(f"{folder}: was trained on another sentence encoder than the one there is")
    loaded = load_model(folder, kind="topics", feature_version=card.feature_version)
    found = np.asarray(loaded.pipeline.predict_proba(rows_of(texts, encoder)))
    whole = np.zeros((len(found), len(classes)))
    for column, number in enumerate(loaded.pipeline.classes_):
        name = card.classes[int(number)]
        if name in classes:
            whole[:, list(classes).index(name)] = found[:, column]
    return whole


TOPICS = Kind(_prepare, (AUTO, ENCODER, PLAIN))
