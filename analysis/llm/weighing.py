"""A choice's shares from the likelihoods of its options: the same whoever tells the likelihoods."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.llm.provider import Choice, Reply


@dataclass(frozen=True, slots=True)
class Weighed:
    """The shares of a choice's options, and the tokens that were read for them."""

    shares: Mapping[str, float]
    tokens: int

    @property
    def best(self) -> str:
        """Of equal shares the option that was listed first."""
        return max(self.shares, key=lambda value: self.shares[value])


def weighed(choice: Choice, loglikelihoods: Sequence[float], tokens: int) -> Weighed:
    """Args: the log-likelihood of each option's `said` after its `given`, in nats."""
    return _weighed(choice, loglikelihoods, choice.temperature, tokens)


def weighed_numbers(choice: Choice, logprobs: Sequence[float]) -> Weighed:
    """Args: the log-probability of each option's number in a reply that was written."""
    return _weighed(choice, logprobs, choice.number_temperature, 0)


def _weighed(choice: Choice, loglikelihoods: Sequence[float], temperature: float, tokens: int) -> Weighed:
    priors = np.asarray([option.prior for option in choice.options])
    values = np.asarray(loglikelihoods, dtype=np.float64) / temperature + priors
    weights = np.exp(values - values.max())
    together: dict[str, float] = {}
    for option, share in zip(choice.options, weights / weights.sum(), strict=True):
        together[option.value] = together.get(option.value, 0.0) + float(share)
    return Weighed(together, tokens)


def chosen(key: str, choice: Choice, found: Weighed) -> Reply:
    """The likeliest option as a reply."""
    return Reply(
        key=key,
        text=json.dumps({**choice.others, choice.fills: found.best}, ensure_ascii=False),
        tokens_in=found.tokens,
        tokens_out=0,
        label_probabilities={choice.fills: found.shares},
    )
