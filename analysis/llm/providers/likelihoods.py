"""How likely a server finds a text: `/completions` that echoes its prompt with the probabilities of its tokens.

OpenAI's protocol has it (`echo`, `logprobs`), vLLM and llama.cpp's Python server offer it; OpenAI's own chat models,
Ollama and mlx_lm.server do not. No chat template is applied, so the text that is given stands before what is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from analysis.llm.provider import Choice, Option
from analysis.llm.weighing import Weighed, weighed

_BETWEEN = "\n\n"


def echoed(model: str, choice: Choice) -> dict[str, Any]:
    """Parameters of one request about all options. A token is asked for because some servers write one at least."""
    return {
        "model": model,
        "prompt": [_given(option) + option.said for option in choice.options],
        "max_tokens": 1,
        "temperature": 0.0,
        "echo": True,
        "logprobs": 1,
    }


def told_likelihoods(choice: Choice, raw: Any) -> Weighed | None:
    """The shares of the options; None where the answer does not tell the likelihood of every one."""
    choices = getattr(raw, "choices", None)
    if not isinstance(choices, list) or len(choices) != len(choice.options) or not choices:
        return None
    ordered = sorted(choices, key=lambda choice: getattr(choice, "index", 0) or 0)
    found = [_loglikelihood(option, answered) for option, answered in zip(choice.options, ordered, strict=True)]
    known = [value for value in found if value is not None]
    if len(known) < len(found):
        return None
    counted = getattr(getattr(raw, "usage", None), "prompt_tokens", None)
    return weighed(choice, known, counted if isinstance(counted, int) else 0)


def _given(option: Option) -> str:
    return option.given.rstrip() + _BETWEEN


def _loglikelihood(option: Option, answer: Any) -> float | None:
    """In nats, of the tokens that begin within what is said; None where they are not told."""
    start = len(_given(option))
    end = start + len(option.said)
    told = getattr(answer, "logprobs", None)
    offsets, values = getattr(told, "text_offset", None), getattr(told, "token_logprobs", None)
    if not str(getattr(answer, "text", "")).startswith(_given(option) + option.said):
        return None  # the prompt is not echoed, so these are the probabilities of what was written
    if not isinstance(offsets, Sequence) or not isinstance(values, Sequence) or len(offsets) != len(values):
        return None
    said = [value for offset, value in zip(offsets, values, strict=True) if start <= offset < end]
    if not said or not all(isinstance(value, int | float) and math.isfinite(value) for value in said):
        return None
    return math.fsum(said)
