"""Topic by a classifier that `run.py train topics` wrote: one text per call, one label of the glossary, or none.

A model of today knows how likely its answer is right, also for calls about something it was not trained on
(`analysis.training.open_set`); one of an earlier version gives its best class's probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.calls import language_of
from analysis.encoder.vectors import WITHOUT, EncoderChoice, SentenceEncoder
from analysis.glossary.catalogue import Glossary
from analysis.glossary.choice import Catalogues
from analysis.records import Topic
from analysis.sentiment.text_trained import ENCODED
from analysis.topics.asked import asked_in
from analysis.training.open_set import OpenSetClassifier, rows_of
from pipeline.config.areas.language import KeywordTopicSettings, TopicSettings
from pipeline.errors import ConfigurationError, ModelUnavailable
from pipeline.records import CallForAnalysis, Role

if TYPE_CHECKING:
    from analysis.model_folder import ModelCard

KIND = "topics"
"""`ModelCard.kind` of such a model."""


class TrainedTopics:
    """Loads on the first call. A class of the model that is not a label of the call's catalogue is never given."""

    def __init__(self, settings: TopicSettings, catalogues: Catalogues, encoder: EncoderChoice = WITHOUT) -> None:
        """Raises ConfigurationError, ModelUnavailable or UntrustedModel, without loading the weights."""
        from analysis.model_folder import check_model

        if settings.trained.model_dir is None:
            raise ConfigurationError("topics.trained.model_dir is null; name the folder that `run.py train` wrote")
        self._folder = settings.trained.model_dir
        self._catalogues = catalogues
        card = check_model(self._folder, kind=KIND)
        if card is None:
            raise ConfigurationError(f"topics.trained.model_dir: {self._folder} must be a folder, not a pickle")
        self._classes = card.classes
        self._languages = tuple(card.options.get("languages", ()))
        self._encoder = _encoder_of(card, encoder)
        self._settings = settings
        self.identity = card.model_sha256
        self._pipeline: Any = None
        known = {label.path for glossary in catalogues.by_segment.values() for label in glossary.labels}
        if not known.intersection(self._classes):
            raise ConfigurationError(
                f"topics.trained.model_dir: {self._folder} knows none of the glossary's labels; its classes begin "
                f"{', '.join(self._classes[:3])}; write labels as `topic > subtopic` in the file you train with"
            )

    def classify(self, calls: Sequence[CallForAnalysis]) -> Sequence[tuple[Topic | None, str | None]]:
        """The likeliest label of the call's catalogue with how likely it is right, or None with the reason."""
        found: list[tuple[Topic | None, str | None]] = []
        for call in calls:
            text, reason = text_of(call, self._settings.keywords)
            found.append(self._decide(call, text) if text else (None, reason))
        return found

    def _load(self) -> Any:
        if self._pipeline is None:
            from analysis.model_folder import load_model

            self._pipeline = load_model(self._folder, kind=KIND).pipeline
        return self._pipeline

    def _decide(self, call: CallForAnalysis, text: str) -> tuple[Topic | None, str | None]:
        language = language_of(call)
        if self._languages and language is not None and language not in self._languages:
            return None, f"the trained topic model knows {', '.join(self._languages)}, this call is in {language}"
        allowed: dict[str, tuple[Glossary, str, str | None]] = {
            label.path: (glossary, label.topic, label.subtopic)
            for glossary in self._catalogues.for_call(call.metadata.customer_segment)
            for label in glossary.labels
        }
        model = self._load()
        names = [self._classes[int(number)] for number in model.classes_]
        known = [column for column, name in enumerate(names) if name in allowed]
        if not known:
            return None, "the trained topic model knows no label of this call's catalogue"
        rows = rows_of([text], self._encoder)
        shares = np.asarray(model.predict_proba(rows), dtype=float)
        best = max(known, key=lambda column: shares[0, column])
        confidence, least = float(shares[0, best]), self._settings.trained.min_confidence
        if isinstance(model, OpenSetClassifier):
            confidence = float(model.confidences(rows, shares, np.asarray([best]))[0])
            least = max(least, model.least)
        if confidence < least:
            return None, f"no topic is likely enough: {names[best]} has {confidence:.2f} of {least:.2f}"
        glossary, topic, subtopic = allowed[names[best]]
        return (
            Topic(
                topic=topic,
                subtopic=subtopic,
                confidence=confidence,
                catalogue=glossary.name,
                glossary_hash=glossary.content_hash,
            ),
            None,
        )


def _encoder_of(card: ModelCard, choice: EncoderChoice) -> SentenceEncoder | None:
    """What the model reads vectors of; None for one of words alone. Raises ModelUnavailable."""
    space = card.options.get(ENCODED)
    if space is None:
        return None
    if choice.encoder is None:
        raise ModelUnavailable(f"topics.trained.model_dir: the model needs a sentence encoder ({choice.reason})")
    if choice.encoder.space != space:
        raise ModelUnavailable(
            "topics.trained.model_dir: the model was trained on another sentence encoder; train it again on this one: "
            "run.py train topics"
        )
    return choice.encoder


def text_of(call: CallForAnalysis, settings: KeywordTopicSettings) -> tuple[str, str | None]:
    """What the client asks for, in order; everything that counts where nobody is known to be the client. Empty with the
    reason where nobody asks for anything."""
    asked = asked_in(call.transcript.believed, language_of(call), settings)
    client = [line.text for line in asked.lines if line.chunk.role == Role.CLIENT]
    return " ".join(client or [line.text for line in asked.lines]), asked.nothing_because
