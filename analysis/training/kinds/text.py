"""`train text`: sentiment from the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import EncoderChoice, SentenceEncoder
from analysis.feature_versions import ENCODED_FEATURE_VERSION, TEXT_FEATURE_VERSION
from analysis.sentiment.encoded_lines import EncodedLine, HeardLine, encode_lines, hear_lines
from analysis.sentiment.lines import SpokenLine
from analysis.sentiment.text import build_text_engines
from analysis.sentiment.text_trained import ENCODED, HEARD, text_model
from analysis.training.judging.crossvalidation import Choice, PlainMaterial, Recipe
from analysis.training.judging.engine_answers import spoken_line
from analysis.training.judging.held_out import Probabilities, shares_of
from analysis.training.kinds.regression import regression, tempered_recipe, words_of_any_language
from analysis.training.labelled.labels import SENTIMENTS, LabelledItem
from analysis.training.labelled.neutral import read_neutral
from analysis.training.labelled.splits import Indices
from analysis.training.task import Kind, Say, Task, TrainingRequest
from pipeline.config.areas.sentiment import SentimentSettings, TextEngine
from pipeline.errors import ConfigurationError, ModelUnavailable, UntrustedModel
from pipeline.hashes import sha256_of
from pipeline.records import Role

TEXT_LIMITS = ("Judges words alone: irony without a telling word, and what is said by tone, are missed.",)


def _words_and_characters() -> tuple[Any, Any]:
    """Negation-marked words (1-2) and character n-grams (2-5)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from analysis.training.text_features import mark_negation, plain_words

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
    return words, characters


def _cues() -> tuple[Any, Any]:
    from sklearn.preprocessing import MaxAbsScaler

    from analysis.training.text_features import SentimentCues

    return SentimentCues(), MaxAbsScaler()


def _words_and_cues(choice: Choice, _seed: int) -> Any:
    """Negation-marked words (1-2), character n-grams (2-5) and cues into one logistic regression."""
    from sklearn.pipeline import make_pipeline, make_union

    union = make_union(*_words_and_characters(), make_pipeline(*_cues()))
    return regression(union, C=choice["C"], weight=choice["weight"])


def _cues_only(choice: Choice, _seed: int) -> Any:
    """The cues alone into a logistic regression: for little training text, from other domains than in use."""
    return regression(*_cues(), C=choice["C"], most_steps=1000)


def _plain(choice: Choice, _seed: int) -> Any:
    """TF-IDF of words (1-2) and logistic regression, any language."""
    return regression(words_of_any_language(), C=choice["C"])


def _heard(_choice: Choice, seed: int) -> Any:
    """What the sentence encoder makes of each word, the line before, and cues into small networks with attention."""
    from analysis.training.attention import AttentionClassifier

    return AttentionClassifier(seed=seed)


def _vectors(choice: Choice, _seed: int) -> Any:
    """Vectors of the sentence encoder alone: for any language it knows, whatever the language of the labels."""
    from analysis.training.text_features import LineVectors

    return regression(LineVectors(), C=choice["C"], most_steps=3000)


TEXT_RECIPES: dict[str, Recipe] = {
    "words": tempered_recipe(
        name="negation-marked words, characters and cues into a logistic regression",
        choices=({"C": 2.0, "weight": None}, {"C": 2.0, "weight": "balanced"}),
        build=_words_and_cues,
    ),
    "cues": tempered_recipe(
        name="lexicon scores and cues into a logistic regression",
        choices=tuple({"C": c} for c in (0.1, 1.0, 10.0)),
        build=_cues_only,
        inner_folds=4,
    ),
    "plain": tempered_recipe(
        name="words into a logistic regression",
        choices=tuple({"C": c} for c in (2.0, 10.0)),
        build=_plain,
    ),
    "encoder": Recipe(
        name="word vectors by attention, the line before and cues into small networks",
        choices=({},),
        build=_heard,
        calibration="none",
    ),
    "vectors": tempered_recipe(
        name="sentence vectors into a logistic regression",
        choices=({"C": 0.15},),
        build=_vectors,
    ),
}
"""`words`, `cues` and `encoder` are for English, `plain` for any language written with spaces, `vectors` for those of
the sentence encoder."""


def _material(items: Sequence[LabelledItem], classes: Sequence[str]) -> PlainMaterial:
    labels = np.asarray([classes.index(item.label) for item in items])
    texts = np.asarray([item.text or "" for item in items], dtype=object)
    return PlainMaterial(texts, labels, [item.group for item in items])


ON_ENCODER = ("encoder", "vectors")
"""Models that read the sentence encoder's vectors."""


def _prepare_text(request: TrainingRequest, model: str, _say: Say) -> Task:
    """From a CSV with text, label, group; optionally role and what was said before."""
    languages = list(request.languages)
    if model not in ("plain", "vectors") and languages != ["en"]:
        raise ConfigurationError(
            f"--model {model}: knows English only; take --model vectors (on an encoder of these languages) or plain "
            f"for {', '.join(languages)}"
        )
    labels = request.read_labels("text")
    choice = open_encoder(request.settings.encoder)
    on_encoder = model in ON_ENCODER
    encoder = _encoder_for(choice, model, languages) if on_encoder else None
    if request.neutral is not None and encoder is None:
        raise ConfigurationError(f"--neutral: for --model {' and '.join(ON_ENCODER)} only, not {model}")
    reads = hear_lines if model == "encoder" else encode_lines
    neutral = read_neutral(request.neutral, request.neutral_items, request.seed) if request.neutral else ()
    lines = [spoken_line(item) for item in labels.items]
    sentiment = request.settings.sentiment
    engine = sentiment.text.engine
    data: dict[str, Any] = {}
    if request.neutral is not None:
        data["neutral_talk"] = f"{len(neutral)} lines of {request.neutral.name}, taken as neutral, in no figure"
        data["neutral_sha256"] = sha256_of(request.neutral)
    return Task(
        kind="text",
        title=f"Text sentiment ({model}) from {labels.path.name}",
        classes=SENTIMENTS,
        features=_features(model),
        feature_version=ENCODED_FEATURE_VERSION if on_encoder else TEXT_FEATURE_VERSION,
        material=_line_material(labels.items, reads(lines, encoder), reads(neutral, encoder))
        if encoder is not None
        else _material(labels.items, SENTIMENTS),
        recipe=TEXT_RECIPES[model],
        labels=labels,
        config_keys=("sentiment.text.sklearn.agent_model", "sentiment.text.sklearn.client_model"),
        limits=TEXT_LIMITS,
        options={"languages": languages, **({ENCODED: encoder.space} if encoder else {})},
        data=data,
        libraries=("vaderSentiment", "onnxruntime", "tokenizers") if on_encoder else ("vaderSentiment",),
        in_use=None
        if engine is TextEngine.OFF
        else (f"the {engine.value} engine in use", lambda: _engine_answers(sentiment, languages, lines, choice)),
        in_use_folder=_in_use_folder(sentiment, choice),
    )


def _features(model: str) -> tuple[str, ...]:
    if model == "encoder":
        return (HEARD,)
    return ("line",) if model in ON_ENCODER else ("text",)


def _in_use_folder(settings: SentimentSettings, encoder: EncoderChoice) -> Path | None:
    """None for another engine, and where the model no longer loads: asking it says why."""
    if settings.text.engine is not TextEngine.SKLEARN:
        return None
    try:
        return text_model(settings.text.sklearn.client_model, settings.trusted_models, encoder)[0].path
    except (ModelUnavailable, UntrustedModel):
        return None


def _encoder_for(choice: EncoderChoice, model: str, languages: Sequence[str]) -> SentenceEncoder:
    if choice.encoder is None:
        raise ConfigurationError(f"--model {model}: needs a sentence encoder: {choice.reason}")
    if unknown := [language for language in languages if not choice.encoder.knows(language)]:
        raise ConfigurationError(
            f"--model {model}: the sentence encoder does not know {', '.join(unknown)} (encoder.languages); set "
            "encoder.model to one that does"
        )
    return choice.encoder


@dataclass(frozen=True, slots=True)
class LineMaterial(PlainMaterial):
    """Encoded lines, and neutral talk that is learned from and never asked about."""

    neutral: npt.NDArray[Any] = field(default_factory=lambda: np.empty(0, dtype=object))

    def fitting(self, train: Indices) -> tuple[Any, npt.NDArray[np.intp], list[str]]:
        # Not `super()`: a class with slots is made a second time.
        values, labels, groups = PlainMaterial.fitting(self, train)
        neutral = np.full(len(self.neutral), SENTIMENTS.index("neutral"), dtype=labels.dtype)
        more = [f"neutral talk {number % NEUTRAL_GROUPS}" for number in range(len(neutral))]
        return np.concatenate([values, self.neutral]), np.concatenate([labels, neutral]), groups + more


NEUTRAL_GROUPS = 20


def _line_material(
    items: Sequence[LabelledItem],
    lines: Sequence[EncodedLine] | Sequence[HeardLine],
    neutral: Sequence[EncodedLine] | Sequence[HeardLine],
) -> LineMaterial:
    labels = np.asarray([SENTIMENTS.index(item.label) for item in items])
    return LineMaterial(_objects(lines), labels, [item.group for item in items], _objects(neutral))


def _objects(lines: Sequence[EncodedLine] | Sequence[HeardLine]) -> npt.NDArray[Any]:
    rows = np.empty(len(lines), dtype=object)
    rows[:] = lines
    return rows


def _engine_answers(
    settings: SentimentSettings, languages: Sequence[str], lines: Sequence[SpokenLine], encoder: EncoderChoice
) -> Probabilities:
    engine = build_text_engines(settings, encoder)[Role.CLIENT]
    if engine.languages is not None and not set(languages) <= engine.languages:
        raise ModelUnavailable(f"{engine.name} knows {', '.join(sorted(engine.languages))} only")
    return shares_of(engine.predict(lines))


TEXT = Kind(_prepare_text, tuple(TEXT_RECIPES))
