"""Ordered providers, and what stands between a call and their failures."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.llm.provider import LLMAnswer, LLMProvider, LLMRequest, TextRedactor
from pipeline.config.llm import LanguageModelSettings


class Router:
    """Asks the providers in order until one gives a valid answer."""

    def __init__(
        self, providers: Sequence[LLMProvider], settings: LanguageModelSettings, redactor: TextRedactor | None = None
    ) -> None:
        self._providers = tuple(providers)
        self._settings = settings
        self._redactor = redactor

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]:
        """One answer per request, in order. Raises nothing for a single request."""
        return [LLMAnswer(key=request.key, data=None, reason="not built yet") for request in requests]

    def close(self) -> None:
        for provider in self._providers:
            provider.close()


def build_router(settings: LanguageModelSettings, redactor: TextRedactor | None = None) -> Router | None:
    """The router `llm` describes; None when `llm.providers` lists none but `extractive`."""
    return Router((), settings, redactor)
