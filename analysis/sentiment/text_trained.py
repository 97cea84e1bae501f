"""Text sentiment by a pipeline that `run.py train text` wrote."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.feature_versions import TEXT_FEATURE_VERSION
from analysis.model_folder import LoadedModel, check_model, load_model, sha256_of
from analysis.records import Sentiment
from analysis.sentiment.probabilities import to_sentiments
from analysis.sentiment.shipped_models import model_folder

SHIPPED_TEXT = "text"


class TrainedTextSentiment:
    """One pipeline, texts to probabilities; which languages it knows is on its card.

    Raises ModelUnavailable or UntrustedModel when the folder cannot be used; the weights are loaded at first use.
    """

    name = "sklearn"

    def __init__(self, configured: str, trusted: Sequence[str] = ()) -> None:
        self._path = model_folder(configured, SHIPPED_TEXT)
        self._trusted = tuple(trusted)
        card = check_model(self._path, kind="text", feature_version=TEXT_FEATURE_VERSION, trusted=self._trusted)
        self._sha256 = card.model_sha256 if card else sha256_of(self._path)
        languages = card.options.get("languages") if card else None
        self.languages: frozenset[str] | None = frozenset(languages) if languages else None
        self.model = self._path.name
        self._loaded: LoadedModel | None = None

    def identity(self) -> str:
        return f"sklearn {self._sha256}"

    def predict(self, texts: Sequence[str]) -> list[Sentiment]:
        if not texts:
            return []
        if self._loaded is None:
            self._loaded = load_model(
                self._path, kind="text", feature_version=TEXT_FEATURE_VERSION, trusted=self._trusted
            )
        pipeline = self._loaded.pipeline
        return to_sentiments(pipeline.predict_proba(list(texts)), pipeline.classes_, self._loaded.card)

    def close(self) -> None:
        self._loaded = None
