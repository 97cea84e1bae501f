"""How sure a server is of the number it wrote: the probabilities of the token that is the number.

OpenAI's protocol has them (`logprobs`, `top_logprobs`), vLLM and mlx_lm.server offer them. The numbers that were not
written are read off the alternatives of the same token; what is not among these is no likelier than the last of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.llm.provider import Choice
from analysis.llm.weighing import Weighed, weighed_numbers

MOST = 10
"""Alternatives asked for: mlx_lm.server gives eleven at most, OpenAI twenty."""
_NO_DIGIT = re.compile(r"\D")
"""Tokens of byte-level vocabularies come with marks: `Ġ3`, `"3`."""


def told_numbers(choice: Choice, answer: Any, written: str) -> Weighed | None:
    """The shares of the options; None where the answer (one of `choices`) does not tell of the number `written`."""
    tokens = getattr(getattr(answer, "logprobs", None), "content", None)
    if not isinstance(tokens, Sequence):
        return None
    told = [(_digits(getattr(token, "token", None)), _alternatives(token)) for token in tokens]
    # mlx_lm.server calls any of the alternatives the token; without chance in the writing it is the likeliest.
    likeliest = [found for _, found in told if found and max(found, key=lambda value: found[value]) == written]
    named = [found for token, found in told if token == written and written in found]
    places = likeliest or named
    if not places:
        return None
    found = places[-1]  # the answer comes last
    least = min(found.values())
    return weighed_numbers(choice, [found.get(option.value, least) for option in choice.options])


def _alternatives(token: Any) -> dict[str, float]:
    """Digits, empty for anything else, to the log-probability of the likeliest token that spells them."""
    found: dict[str, float] = {}
    for alternative in getattr(token, "top_logprobs", None) or ():
        value = getattr(alternative, "logprob", None)
        if isinstance(value, int | float) and math.isfinite(value):
            digits = _digits(getattr(alternative, "token", None))
            found[digits] = max(found.get(digits, -math.inf), float(value))
    return found


def _digits(token: object) -> str:
    return _NO_DIGIT.sub("", token) if isinstance(token, str) else ""


def asked_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a chat completion that tells them."""
    return {**parameters, "logprobs": True, "top_logprobs": MOST}
