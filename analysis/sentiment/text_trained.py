"""Text sentiment by a pipeline that `run.py train text` wrote."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.feature_versions import ENCODED_FEATURE_VERSION, TEXT_FEATURE_VERSION
from analysis.model_folder import LoadedModel, ModelCard, check_model
from analysis.records import Sentiment
from analysis.sentiment.as_numbers.file import load_for_answers
from analysis.sentiment.encoded_lines import encode_lines, hear_lines, names_account, parts_of
from analysis.sentiment.lines import SpokenLine
from analysis.sentiment.probabilities import settled, to_sentiments
from analysis.sentiment.shipped_models import FOLDER, model_folder
from pipeline.hashes import sha256_of

SHIPPED_TEXT = "text"
"""Reads the sentence encoder's vectors."""
SHIPPED_CUES = "text_cues"
"""Serves where the encoder cannot."""
BESIDE = "beside"
"""Option on the card of a model that is asked together with the shipped one of words alone: `Beside`'s fields."""
ENCODED = "encoder"
"""Option on the card of a model that reads vectors: the space they must be of."""

HEARD = "words of a line"
"""Feature on the card of a model on the encoder that reads a line word by word; others read its vector."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextModel:
    """A model's folder, checked and not loaded."""

    path: Path
    card: ModelCard | None
    sha256: str
    trusted: tuple[str, ...]

    @classmethod
    def check(cls, path: Path, trusted: Sequence[str]) -> TextModel:
        """Raises ModelUnavailable or UntrustedModel when the folder cannot be used."""
        card = check_model(path, kind="text", trusted=trusted)
        # Which features it reads is on the card, so they are compared after it is read.
        check_model(path, kind="text", feature_version=_version(card), trusted=trusted)
        return cls(path=path, card=card, sha256=card.model_sha256 if card else sha256_of(path), trusted=tuple(trusted))

    @property
    def space(self) -> str | None:
        """Of the vectors it reads; None for a model that reads words alone."""
        space = self.card.options.get(ENCODED) if self.card else None
        return None if space is None else str(space)

    def load(self) -> LoadedModel:
        return load_for_answers(self.path, kind="text", feature_version=_version(self.card), trusted=self.trusted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A second model whose answers are mixed in.

    Two models that err in different ways are surer together than the better of them (linear opinion pool, Stone 1961).
    What is said is judged in two stages: whether it is negative mostly by the model on the encoder, because words alone
    take every "no" for that; then whether it is positive. In a message to an account, where most are complaints, both
    judge all three together.
    """

    weight: float
    """Share of the shipped model that reads words alone, 0..1."""
    weight_of_negative: float
    """The same, of whether what is said is negative."""
    weight_to_account: float
    """The same, of all three in messages to an account."""
    negative: float
    """Factor of the probability of negative in what is said, before the three sum to 1 again: most talk is neutral."""
    negative_to_account: float
    """The same in messages to an account: most are complaints."""

    @classmethod
    def of(cls, card: ModelCard | None) -> Beside | None:
        found = card.options.get(BESIDE) if card is not None else None
        if not isinstance(found, dict):
            return None
        return cls(**{field.name: float(found[field.name]) for field in fields(cls)})

    def mix(self, own: Sentiment, other: Sentiment, *, to_account: bool) -> Sentiment:
        if to_account:
            pooled = [_pooled(self.weight_to_account, *shares) for shares in zip(own.shares, other.shares, strict=True)]
            return settled(pooled[0] * self.negative_to_account, *pooled[1:])
        negative = _pooled(self.weight_of_negative, own.negative, other.negative)
        glad = _pooled(self.weight, _glad(own), _glad(other))
        return settled(negative * self.negative, (1 - negative) * (1 - glad), (1 - negative) * glad)


def _pooled(weight: float, own: float, other: float) -> float:
    return (1 - weight) * own + weight * other


def _glad(sentiment: Sentiment) -> float:
    """Share of positive in what is not negative."""
    calm = sentiment.neutral + sentiment.positive
    return sentiment.positive / calm if calm else 0.0


def _version(card: ModelCard | None) -> str:
    return ENCODED_FEATURE_VERSION if card is not None and ENCODED in card.options else TEXT_FEATURE_VERSION


def text_model(configured: str, trusted: Sequence[str], encoder: EncoderChoice) -> tuple[TextModel, TextModel | None]:
    """The model that serves; and the one that is configured, where another has to serve for it.

    Raises ModelUnavailable or UntrustedModel when a folder cannot be used.
    """
    wanted = TextModel.check(model_folder(configured, SHIPPED_TEXT), trusted)
    served = encoder.encoder.space if encoder.encoder else None
    if wanted.space is None or wanted.space == served:
        return wanted, None
    return TextModel.check(FOLDER / SHIPPED_CUES, trusted), wanted


class TrainedTextSentiment:
    """One pipeline, lines to probabilities; which languages it knows is on its card.

    A model on the sentence encoder needs that encoder; where it is missing or another, the shipped model that reads
    words alone serves, and `note` says so. The weights are loaded at first use.

    Raises ModelUnavailable or UntrustedModel when a folder cannot be used.
    """

    name = "sklearn"

    def __init__(self, configured: str, trusted: Sequence[str] = (), encoder: EncoderChoice = WITHOUT) -> None:
        self._model, self._wanted = text_model(configured, trusted, encoder)
        self._encoder = encoder
        languages = self._model.card.options.get("languages") if self._model.card else None
        self.languages: frozenset[str] | None = frozenset(languages) if languages else None
        self.model = self._model.path.name
        self.note: str | None = None
        if self._wanted is not None:
            self.note = f"by {self.model}, because {self._wanted.path.name} {_lack(encoder)}"
            logger.warning("sentiment of words: %s", self.note)
        self._loaded: LoadedModel | None = None
        self._beside = Beside.of(self._model.card)
        self._other = _beside_model(self._model)
        self._other_loaded: LoadedModel | None = None

    def identity(self) -> str:
        return _identity(self._model)

    def former_identity(self) -> str:
        """What the configured model made while its encoder was here stands."""
        wanted = self._wanted
        return self.identity() if wanted is None or wanted.space != self._encoder.expected_space else _identity(wanted)

    def predict(self, lines: Sequence[SpokenLine]) -> list[Sentiment]:
        if not lines:
            return []
        if self._model.space is None or self._encoder.encoder is None:
            return self._ask([line.text for line in lines])
        parts = parts_of(lines)
        card = self._model.card
        reads = hear_lines if card is not None and HEARD in card.features else encode_lines
        rows = reads(parts.pieces, self._encoder.encoder)
        found = parts.join(self._ask(rows))
        if self._beside is None or self._other is None:
            return found
        if self._other_loaded is None:
            self._other_loaded = self._other.load()
        others = _answers(self._other_loaded, [row.text for row in rows[: parts.lines]])
        return [
            self._beside.mix(own, other, to_account=names_account(line.text))
            for line, own, other in zip(lines, found, others, strict=True)
        ]

    def _ask(self, rows: Sequence[Any]) -> list[Sentiment]:
        if self._loaded is None:
            self._loaded = self._model.load()
        return _answers(self._loaded, rows)

    def close(self) -> None:
        self._loaded = self._other_loaded = None


def _answers(model: LoadedModel, rows: Sequence[Any]) -> list[Sentiment]:
    return to_sentiments(model.pipeline.predict_proba(rows), model.pipeline.classes_, model.card)


def _identity(model: TextModel) -> str:
    beside, other = Beside.of(model.card), _beside_model(model)
    mixed = f" and {beside} of {other.sha256}" if beside and other else ""
    return f"sklearn {model.sha256}" + (f" on {model.space}" if model.space else "") + mixed


def _beside_model(model: TextModel) -> TextModel | None:
    return TextModel.check(FOLDER / SHIPPED_CUES, ()) if Beside.of(model.card) else None


def _lack(encoder: EncoderChoice) -> str:
    if encoder.encoder is None:
        return f"needs a sentence encoder ({encoder.reason})"
    return (
        "was trained on another sentence encoder; train it again on this one: run.py train text --model encoder "
        "(English), or --model vectors with --language for each that the encoder knows"
    )
