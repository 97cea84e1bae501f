"""What mlx-lm's batch generator is given: a model that remembers what it was fed, masks of grammars, samplers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from analysis.llm.local.grammar import Constraint


class FedModel:
    """The model, which remembers the tokens it was fed last.

    mlx-lm asks the logits processors of a batch row by row, each with an array of its row's tokens: to read from each
    one costs a launch and a wait a row. Here the tokens of all rows come to the host in one piece.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._fed: Any = None
        self._rows: Iterator[int] = iter(())

    def __call__(self, inputs: Any, *arguments: Any, **named: Any) -> Any:
        self._fed = inputs
        return self._model(inputs, *arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def next_row(self) -> int:
        """The last token fed to the batch's next row; each processor asks once a step, in the order of the rows."""
        if self._fed is not None:
            self._rows, self._fed = iter(np.array(self._fed[:, -1]).tolist()), None
        return int(next(self._rows))


def mask_with(constraint: Constraint, model: FedModel) -> Callable[[Any, Any], Any]:
    """A logits processor of mlx-lm: (tokens so far, logits of shape (1, vocabulary)) -> logits."""
    import mlx.core as mx

    started = False

    def mask(_tokens: Any, logits: Any) -> Any:
        nonlocal started
        token = model.next_row()
        if started:
            constraint.take(token)
        started = True
        allowed = constraint.allowed()
        wide = np.zeros(logits.shape[-1], dtype=bool)
        # The model's vocabulary may be padded beyond the tokenizer's, the mask beyond both.
        width = min(len(wide), len(allowed))
        wide[:width] = allowed[:width]
        return mx.where(mx.array(wide)[None], logits, mx.array(-float("inf"), dtype=logits.dtype))

    return mask


def sampler(temperature: float) -> Any:
    """None takes the generator's own: the likeliest token, one call for the whole batch."""
    if temperature == 0:
        return None
    from mlx_lm.sample_utils import make_sampler

    return make_sampler(temp=temperature)
