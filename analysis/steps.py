"""Puts the language steps together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.conversation.step import ConversationStep
from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.glossary.choice import load_catalogues
from analysis.summary.step import SummaryStep
from analysis.topics.step import TopicMethods, TopicStep
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from pipeline.ports import AnalysisStep
from pipeline.weights.former import language_model_version

if TYPE_CHECKING:
    from analysis.llm.router import Router


def build_language_steps(
    settings: Settings, router: Router | None, encoder: EncoderChoice = WITHOUT
) -> list[AnalysisStep]:
    """The steps `conversation`, `topic` and `summary`.

    Args:
        settings: of the run.
        router: the language models; None where none is configured.
        encoder: the sentence encoder.

    Raises:
        ConfigurationError: a wrong glossary, template or model folder; a method that needs a model where none is.
    """
    for area, method in (("topics", settings.topics.method), ("summary", settings.summary.method)):
        if method == "llm" and router is None:
            raise ConfigurationError(
                f"{area}.method is llm, but llm.providers ({', '.join(settings.llm.providers)}) names no model; "
                f"name one there, or set {area}.method to auto"
            )
    catalogues = load_catalogues(settings.glossary)
    summary_router = router if settings.summary.method in ("auto", "llm") else None
    return [
        ConversationStep(),
        TopicStep(catalogues, settings.topics, _topic_methods(settings, router, encoder)),
        SummaryStep(settings.summary, summary_router, _former_model(settings), encoder),
    ]


def _former_model(settings: Settings) -> str | None:
    """What earlier versions called the first language model, if different: they told folders apart by file samples."""
    if settings.llm.providers[0] != "mlx_lm" or (model := settings.llm.mlx_lm.model) is None:
        return None
    folder = Path(model).expanduser()
    try:
        return f"mlx_lm/{model}@{language_model_version(folder)}" if folder.is_dir() else None
    except OSError:
        return None  # loading it says what is wrong


def _topic_methods(settings: Settings, router: Router | None, encoder: EncoderChoice) -> TopicMethods:
    method, model_dir = settings.topics.method, settings.topics.trained.model_dir
    if router is not None and method in ("auto", "llm"):
        return TopicMethods(router=router, former_model=_former_model(settings), encoder=encoder)
    if model_dir is not None and method in ("auto", "trained"):
        from analysis.topics.trained import TrainedTopics

        return TopicMethods(trained=TrainedTopics(settings.topics, load_catalogues(settings.glossary)))
    return TopicMethods()
