"""Puts the language steps together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.conversation.step import ConversationStep
from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.glossary.choice import load_catalogues
from analysis.measured import LLM, best_method, read_measured
from analysis.model_size import too_small
from analysis.summary.step import SummaryStep
from analysis.topics.step import TopicMethods, TopicStep
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError, EarshotError
from pipeline.ports import AnalysisStep
from pipeline.weights.former import language_model_version

if TYPE_CHECKING:
    from analysis.llm.router import Router
    from analysis.topics.trained import TrainedTopics


log = logging.getLogger(__name__)


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
    asks = summaries_by_model(settings, router.models if router else ())
    _say_what_auto_chose(settings, router)
    return [
        ConversationStep(),
        TopicStep(catalogues, settings.topics, _topic_methods(settings, router, encoder)),
        SummaryStep(settings.summary, router if asks else None, encoder),
    ]


def summaries_by_model(settings: Settings, models: Sequence[str]) -> bool:
    """Whether summaries are asked of a language model: where `method` says so, or auto measured it as the best.

    Args:
        models: those of the router, first choice first; empty where there is none.

    Raises:
        ConfigurationError: the figures that `measured` names cannot be read.
    """
    chosen = settings.summary
    if not models or chosen.method != "auto":
        return bool(models) and chosen.method == "llm"
    return _measured_best(chosen.measured, "summary", ("extractive", LLM), models) == LLM


def topic_method(settings: Settings, models: Sequence[str]) -> str:
    """`llm`, `trained` or `keywords`. Args and errors as for `summaries_by_model`."""
    chosen = settings.topics
    without = "trained" if chosen.trained.model_dir is not None else "keywords"
    if chosen.method != "auto":
        return chosen.method
    available = ("keywords", *(("trained",) if without == "trained" else ()), *((LLM,) if models else ()))
    return _measured_best(chosen.measured, "topic", available, models) or without


def _measured_best(path: Path | None, step: str, available: Sequence[str], models: Sequence[str]) -> str | None:
    return best_method(read_measured(path, step), available, models) if path is not None else None


def _say_what_auto_chose(settings: Settings, router: Router | None) -> None:
    """A model that is configured and not asked, or asked and small, is no silent choice."""
    if router is None:
        return
    by_model = {
        "topics": topic_method(settings, router.models) == LLM,
        "summary": summaries_by_model(settings, router.models),
    }
    for area, asked in by_model.items():
        chosen = settings.topics if area == "topics" else settings.summary
        if not asked and chosen.method == "auto":
            log.warning(
                "%s.method is auto and %s: %s is not asked. Set %s.method to llm, or measure it on labelled calls "
                "(run.py evaluate %s --labels DIR --save FILE) and name the file in %s.measured",
                area,
                "a method without a language model measured best" if chosen.measured else "nothing was measured",
                router.models[0],
                area,
                "topics" if area == "topics" else "summaries",
                area,
            )
    if any(by_model.values()) and (warning := too_small(router.models[0], _local_folder(settings))):
        log.warning("%s", warning)


def _local_folder(settings: Settings) -> Path | None:
    """Of the model asked first, where it is one in a folder on this machine."""
    model = settings.llm.mlx_lm.model
    if settings.llm.providers[0] != "mlx_lm" or model is None:
        return None
    folder = Path(model).expanduser()
    return folder if folder.is_dir() else None


def _former_model(settings: Settings) -> str | None:
    """What earlier versions called the first language model, if different: they told folders apart by file samples."""
    folder = _local_folder(settings)
    try:
        return f"mlx_lm/{settings.llm.mlx_lm.model}@{language_model_version(folder)}" if folder is not None else None
    except OSError:
        return None  # loading it says what is wrong


def _topic_methods(settings: Settings, router: Router | None, encoder: EncoderChoice) -> TopicMethods:
    method = topic_method(settings, router.models if router else ())
    if router is not None and method == LLM:
        return TopicMethods(
            router=router,
            trained=_second_opinion(settings, encoder),
            former_model=_former_model(settings),
            encoder=encoder,
        )
    if method == "trained":
        return TopicMethods(trained=_trained_topics(settings, encoder), encoder=encoder)
    return TopicMethods(encoder=encoder)


def _trained_topics(settings: Settings, encoder: EncoderChoice) -> TrainedTopics:
    from analysis.topics.trained import TrainedTopics

    return TrainedTopics(settings.topics, load_catalogues(settings.glossary), encoder)


def _second_opinion(settings: Settings, encoder: EncoderChoice) -> TrainedTopics | None:
    """The trained model beside a language model; one that cannot be used costs its say, not the run."""
    if settings.topics.trained.model_dir is None:
        return None
    try:
        return _trained_topics(settings, encoder)
    except EarshotError as error:
        log.warning("topics.trained.model_dir has no say beside the language model: %s", error)
        return None
