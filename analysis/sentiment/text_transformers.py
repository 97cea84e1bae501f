"""Text sentiment by a sequence classifier of the `transformers` library, from a folder or a pinned hub id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.records import Sentiment
from analysis.sentiment.lines import SpokenLine
from pipeline.config.areas.sentiment import Device, TransformersModel, TransformersSettings
from pipeline.errors import ModelUnavailable
from pipeline.weights.content import is_content
from pipeline.weights.former import sentiment_revision
from pipeline.weights.hub import Hub, WeightsWanted, name_of

ORDER = ("negative", "neutral", "positive")
_SETTING = "sentiment.text.transformers"


class TransformersSentiment:
    """One classifier; loaded at first use. Any language its makers taught it (`languages` narrows that down)."""

    name = "transformers"
    note: str | None = None

    def __init__(self, model: TransformersModel, settings: TransformersSettings) -> None:
        self._chosen, self._settings = model, settings
        self.model = model.model or ""
        self.languages: frozenset[str] | None = frozenset(settings.languages) if settings.languages else None
        self._places: dict[int, str] = {}
        self._tokenizer: Any = None
        self._classifier: Any = None
        self._device = "cpu"
        self._identity: str | None = None

    def identity(self) -> str:
        if self._identity is None:
            name = name_of(self._weights())
            what = name.revision if is_content(name.revision) else f"{name.model} {name.revision}"
            self._identity = f"transformers {what} {self._options()}"
        return self._identity

    def former_identity(self) -> str:
        """The identity as earlier versions wrote it: they told folders apart by samples of their files."""
        if not self._chosen.is_folder:
            return self.identity()
        folder = Path(self.model).expanduser()
        return f"transformers {self.model} {sentiment_revision(folder)} {self._options()}"

    def _options(self) -> str:
        return f"{self._settings.max_tokens} {sorted(self._chosen.labels.items())} {self._settings.languages}"

    def _weights(self) -> WeightsWanted:
        return WeightsWanted(
            model=self.model,
            revision=self._chosen.revision,
            patterns=("*.json", "*.txt", "*.model", "*.safetensors", "pytorch_model*.bin"),
            required=("config.json",),
            setting=f"{_SETTING}.agent or .client",
        )

    def predict(self, lines: Sequence[SpokenLine]) -> list[Sentiment]:
        """Batches of similar length, so that little is padding. Raises ModelUnavailable when it cannot be loaded."""
        texts = [line.text for line in lines]
        if not texts:
            return []
        if self._classifier is None:
            self._load()
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        found: dict[int, Sentiment] = {}
        for first in range(0, len(order), self._settings.batch_size):
            indices = order[first : first + self._settings.batch_size]
            found.update(zip(indices, self._batch([texts[index] for index in indices]), strict=True))
        return [found[index] for index in range(len(texts))]

    def _batch(self, texts: list[str]) -> list[Sentiment]:
        import torch

        inputs = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self._settings.max_tokens, return_tensors="pt"
        ).to(self._device)
        with torch.inference_mode():
            logits = self._classifier(**inputs).logits
        rows = torch.softmax(logits.double(), dim=-1).cpu().tolist()
        return [self._sentiment(row) for row in rows]

    def _sentiment(self, row: Sequence[float]) -> Sentiment:
        shares = dict.fromkeys(ORDER, 0.0)
        for label, share in enumerate(row):
            shares[self._places[label]] += share
        total = sum(shares.values())
        return Sentiment(*(shares[name] / total for name in ORDER))

    def _load(self) -> None:
        try:
            import torch
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        except ImportError as error:
            raise ModelUnavailable(
                f"sentiment.text.engine transformers: {error}; install the extra with torch and transformers, "
                "or choose sklearn or lexicon"
            ) from None
        hub = Hub(allow_download=True, timeout_s=self._settings.hub_timeout_s)
        folder = hub.find(self._weights()).folder
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._classifier = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ModelUnavailable(f"sentiment model {self.model}: cannot be loaded: {error}") from None
        self._places = self._label_places(self._classifier.config.id2label)
        self._device = _device(self._settings.device, torch)
        self._classifier.to(self._device).eval()

    def _label_places(self, names: dict[int, str]) -> dict[int, str]:
        """Our label for each output of the model. Raises ModelUnavailable for a name the configuration does not map."""
        mapping = {written.lower(): meant for written, meant in self._chosen.labels.items()}
        unknown = sorted(name for name in names.values() if name.lower() not in mapping)
        if unknown:
            raise ModelUnavailable(
                f"sentiment model {self.model}: its labels {unknown} are not in `labels` "
                f"({', '.join(sorted(self._chosen.labels))}); map each to negative, neutral or positive"
            )
        return {int(label): mapping[name.lower()] for label, name in names.items()}

    def close(self) -> None:
        self._tokenizer = self._classifier = None


def _device(wanted: Device, torch: Any) -> str:
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted is Device.AUTO:
        return next(name for name, usable in available.items() if usable)
    if not available[wanted.value]:
        devices = ", ".join(name for name, usable in available.items() if usable)
        raise ModelUnavailable(
            f"sentiment.text.transformers.device: {wanted.value} is not on this machine; there is {devices}"
        )
    return wanted.value
