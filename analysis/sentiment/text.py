"""Text sentiment engines: one Protocol, one table from name to builder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeGuard

from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.records import Sentiment
from analysis.sentiment.lines import SpokenLine
from pipeline.config.areas.sentiment import SentimentSettings, TextEngine, TextSentimentSettings
from pipeline.records import Role


class TextSentiment(Protocol):
    """Three probabilities for each text."""

    name: str
    model: str
    languages: frozenset[str] | None
    """ISO 639-1 codes it knows; None for any."""
    note: str | None
    """What to say beside every result: why a better model does not serve. None where there is nothing to say."""

    def identity(self) -> str:
        """What results depend on: model and options. Cheap: read while planning, loads nothing heavy."""
        ...

    def predict(self, lines: Sequence[SpokenLine]) -> list[Sentiment]:
        """One per text, in order. Raises ModelUnavailable when the model cannot be loaded."""
        ...

    def close(self) -> None: ...


class HadAnotherName(Protocol):
    """An engine some of whose stored results stand, although their identity is another: earlier versions wrote it so,
    or the sentence encoder that made them is missing today."""

    def former_identity(self) -> str: ...


def had_another_name(engine: TextSentiment) -> TypeGuard[HadAnotherName]:
    return hasattr(engine, "former_identity")


Builder = Callable[[SentimentSettings, Role, EncoderChoice], TextSentiment]


def _lexicon(settings: SentimentSettings, _role: Role, _encoder: EncoderChoice) -> TextSentiment:
    from analysis.sentiment.lexicon import LexiconSentiment

    return LexiconSentiment(settings.text.lexicon)


def _transformers(settings: SentimentSettings, role: Role, _encoder: EncoderChoice) -> TextSentiment:
    from analysis.sentiment.text_transformers import TransformersSentiment

    chosen = settings.text.transformers
    return TransformersSentiment(chosen.agent if role is Role.AGENT else chosen.client, chosen)


def _trained(settings: SentimentSettings, role: Role, encoder: EncoderChoice) -> TextSentiment:
    from analysis.sentiment.text_trained import TrainedTextSentiment

    chosen = settings.text.sklearn
    folder = chosen.agent_model if role is Role.AGENT else chosen.client_model
    return TrainedTextSentiment(folder, settings.trusted_models, encoder)


TEXT_ENGINES: dict[TextEngine, Builder] = {
    TextEngine.LEXICON: _lexicon,
    TextEngine.TRANSFORMERS: _transformers,
    TextEngine.SKLEARN: _trained,
}


def build_text_engines(settings: SentimentSettings, encoder: EncoderChoice = WITHOUT) -> dict[Role, TextSentiment]:
    """One engine per role; unknown speakers share the client's, and so do agents where both sides have one model: it is
    loaded once. Empty when text sentiment is off."""
    if settings.text.engine is TextEngine.OFF:
        return {}
    build = TEXT_ENGINES[settings.text.engine]
    client = build(settings, Role.CLIENT, encoder)
    agent = client if _is_shared(settings.text) else build(settings, Role.AGENT, encoder)
    return {Role.AGENT: agent, Role.CLIENT: client, Role.UNKNOWN: client}


def _is_shared(text: TextSentimentSettings) -> bool:
    if text.engine is TextEngine.TRANSFORMERS:
        return text.transformers.agent == text.transformers.client
    return text.engine is not TextEngine.SKLEARN or text.sklearn.agent_model == text.sklearn.client_model
