"""The providers that the configuration names, behind one router."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from analysis.llm.provider import LLMProvider, TextRedactor
from analysis.llm.router import Router
from pipeline.config.areas.llm import LanguageModelSettings


def _mlx_lm(settings: LanguageModelSettings) -> LLMProvider:
    from analysis.llm.local.mlx_lm import MlxLm

    return MlxLm(settings.mlx_lm)


def _bedrock(settings: LanguageModelSettings) -> LLMProvider:
    from analysis.llm.providers.bedrock import Bedrock

    return Bedrock(settings.bedrock, settings.attempt_time_limit_s)


def _openai_chat(settings: LanguageModelSettings, name: str = "openai_chat") -> LLMProvider:
    from analysis.llm.providers.openai_chat import OpenAIChat

    return OpenAIChat(settings.servers.get(name, settings.openai_chat), name, settings.place_of(name))


def _anthropic(settings: LanguageModelSettings) -> LLMProvider:
    from analysis.llm.providers.anthropic import Anthropic

    return Anthropic(settings.anthropic)


PROVIDERS: Mapping[str, Callable[[LanguageModelSettings], LLMProvider]] = {
    "mlx_lm": _mlx_lm,
    "bedrock": _bedrock,
    "openai_chat": _openai_chat,
    "anthropic": _anthropic,
}
"""`extractive` is not among them: it asks no model, so the callers do it where `data` is None."""


def _build(settings: LanguageModelSettings, name: str) -> LLMProvider:
    return PROVIDERS[name](settings) if name in PROVIDERS else _openai_chat(settings, name)


def build_router(
    settings: LanguageModelSettings,
    redactor: TextRedactor | None = None,
    *,
    restore_redacted: bool = True,
    ledger: Path | None = None,
) -> Router | None:
    """The router `llm` describes; None when `llm.providers` lists none but `extractive`.

    Clients connect and the local model loads on their first request, in whichever process that is.
    """
    providers = [_build(settings, name) for name in settings.providers if name != "extractive"]
    if not providers:
        return None
    return Router(providers, settings, redactor, restore_redacted=restore_redacted, ledger=ledger)
