"""Topic by a classifier that `run.py train topics` wrote: one text per call, one label of the glossary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.calls import in_order, language_of
from analysis.glossary.catalogue import Glossary
from analysis.glossary.choice import Catalogues
from analysis.records import Topic
from analysis.text import words
from pipeline.config.areas.language import TopicSettings
from pipeline.errors import ConfigurationError
from pipeline.records import CallForAnalysis, Role

KIND = "topics"
"""`ModelCard.kind` of such a model."""


class TrainedTopics:
    """Loads on the first call. A class of the model that is not a label of the call's catalogue is never given."""

    def __init__(self, settings: TopicSettings, catalogues: Catalogues) -> None:
        """Raises ConfigurationError, ModelUnavailable or UntrustedModel, without loading the weights."""
        from analysis.model_folder import check_model

        if settings.trained.model_dir is None:
            raise ConfigurationError("topics.trained.model_dir is null; name the folder that `run.py train` wrote")
        self._folder = settings.trained.model_dir
        self._min_confidence = settings.trained.min_confidence
        self._catalogues = catalogues
        card = check_model(self._folder, kind=KIND)
        if card is None:
            raise ConfigurationError(f"topics.trained.model_dir: {self._folder} must be a folder, not a pickle")
        self._classes = card.classes
        self._languages = tuple(card.options.get("languages", ()))
        self.identity = card.model_sha256
        self._pipeline: Any = None
        known = {label.path for glossary in catalogues.by_segment.values() for label in glossary.labels}
        if not known.intersection(self._classes):
            raise ConfigurationError(
                f"topics.trained.model_dir: {self._folder} knows none of the glossary's labels; its classes begin "
                f"{', '.join(self._classes[:3])}; write labels as `topic > subtopic` in the file you train with"
            )

    def classify(self, calls: Sequence[CallForAnalysis]) -> Sequence[tuple[Topic | None, str | None]]:
        """The likeliest label of the call's catalogue with its probability, or None with the reason."""
        texts = [text_of(call) for call in calls]
        speaking = [place for place, text in enumerate(texts) if words(text)]
        shares: dict[int, Mapping[str, float]] = {}
        if speaking:
            pipeline = self._load()
            table = pipeline.predict_proba([texts[place] for place in speaking])
            names = [self._classes[int(number)] for number in pipeline.classes_]
            shares = {place: dict(zip(names, row, strict=True)) for place, row in zip(speaking, table, strict=True)}
        return [self._decide(call, shares.get(place)) for place, call in enumerate(calls)]

    def _load(self) -> Any:
        if self._pipeline is None:
            from analysis.model_folder import load_model

            self._pipeline = load_model(self._folder, kind=KIND).pipeline
        return self._pipeline

    def _decide(self, call: CallForAnalysis, shares: Mapping[str, float] | None) -> tuple[Topic | None, str | None]:
        language = language_of(call)
        if shares is None:
            return None, "nobody speaks in this call"
        if self._languages and language is not None and language not in self._languages:
            return None, f"the trained topic model knows {', '.join(self._languages)}, this call is in {language}"
        allowed: dict[str, tuple[Glossary, str, str | None]] = {
            label.path: (glossary, label.topic, label.subtopic)
            for glossary in self._catalogues.for_call(call.metadata.customer_segment)
            for label in glossary.labels
        }
        ranked = sorted(shares.items(), key=lambda pair: -pair[1])
        best = next(((name, float(share)) for name, share in ranked if name in allowed), None)
        if best is None:
            return None, "the trained topic model knows no label of this call's catalogue"
        if best[1] < self._min_confidence:
            return None, f"no topic is likely enough: {best[0]} has {best[1]:.2f} of {self._min_confidence}"
        glossary, topic, subtopic = allowed[best[0]]
        return (
            Topic(
                topic=topic,
                subtopic=subtopic,
                confidence=best[1],
                catalogue=glossary.name,
                glossary_hash=glossary.content_hash,
            ),
            None,
        )


def text_of(call: CallForAnalysis) -> str:
    """What the client said, in order; everything said where nobody is known to be the client."""
    chunks = in_order(call.transcript.believed)
    client = [chunk.text for chunk in chunks if chunk.role == Role.CLIENT]
    return " ".join(client or [chunk.text for chunk in chunks])
