"""Puts the language steps together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.conversation import ConversationStep
from analysis.glossary.choice import load_catalogues
from analysis.summary.step import SummaryStep
from analysis.topics.step import TopicStep
from pipeline.config.root import Settings
from pipeline.ports import AnalysisStep

if TYPE_CHECKING:
    from analysis.llm.router import Router


def build_language_steps(settings: Settings, router: Router | None) -> list[AnalysisStep]:
    """The steps `conversation`, `topic` and `summary`. Raises ConfigurationError for a wrong glossary or template."""
    _ = router
    catalogues = load_catalogues(settings.glossary)
    return [ConversationStep(), TopicStep(catalogues, settings.topics), SummaryStep(settings.summary)]
