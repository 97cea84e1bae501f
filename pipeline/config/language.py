"""Glossary, topics, summaries: config.yaml's `glossary`, `topics`, `summary` (`llm` is beside this file)."""

from __future__ import annotations

from pipeline.config.base import Area


class GlossarySettings(Area):
    """Glossary, topics, summaries, LLM providers: config.yaml's `glossary`, `topics`, `summary`, `llm`."""


class TopicSettings(Area):
    """config.yaml's `topics`."""


class SummarySettings(Area):
    """config.yaml's `summary`."""
