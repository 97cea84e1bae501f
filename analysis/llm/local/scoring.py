"""How likely a model finds a text: choices without writing.

The log-likelihood of a text is the sum over its tokens of log p(token | what comes before). Beginnings are read once
and kept, so a label that is weighed for many calls, or a call weighed against many labels, costs one reading.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.llm.provider import Choice
from analysis.llm.weighing import Weighed, weighed

_KEPT_BEGINNINGS = 256
_TOKENS_AT_ONCE = 512
"""Rows times their length in one pass: each token's scores over the vocabulary are held (0.6 MB for 150,000)."""

Tokens = tuple[int, ...]


class Scorer:
    """Weighs choices with one loaded model. Not thread-safe."""

    def __init__(
        self, model: Any, render: Callable[[str], Sequence[int]], encode: Callable[[str], Sequence[int]]
    ) -> None:
        """`render`: a user's turn up to where the answer begins. `encode`: a text, nothing added. Both as tokens."""
        self._model = model
        self._render, self._encode = render, encode
        self._beginnings: OrderedDict[Tokens, list[Any]] = OrderedDict()

    def __call__(self, choices: Sequence[Choice], longest: int) -> list[Weighed | None]:
        """One result per choice; None for one with a text of more than `longest` tokens, or with nothing to weigh."""
        rows: dict[tuple[Tokens, Tokens], float] = {}
        asked: list[list[tuple[Tokens, Tokens]]] = []
        for choice in choices:
            pairs = [(tuple(self._render(option.given)), tuple(self._encode(option.said))) for option in choice.options]
            fitting = pairs and all(said and len(given) + len(said) <= longest for given, said in pairs)
            asked.append(pairs if fitting else [])
            rows.update(dict.fromkeys(asked[-1], 0.0))
        before = sum(len(said) for _, said in rows)
        before += self._weigh(rows)
        tokens = round(before / max(1, sum(1 for pairs in asked if pairs)))
        return [
            weighed(choice, [rows[pair] for pair in pairs], tokens) if pairs else None
            for choice, pairs in zip(choices, asked, strict=True)
        ]

    def _weigh(self, rows: dict[tuple[Tokens, Tokens], float]) -> int:
        """Fill in the log-likelihoods; returns how many tokens of beginnings were read."""
        read = 0
        # Texts of like length are read together, so that little is padding.
        waiting = sorted(rows, key=lambda row: (len(row[1]), row[0]))
        while waiting:
            batch = [waiting.pop(0)]
            while waiting and len(waiting[0][1]) * (len(batch) + 1) <= _TOKENS_AT_ONCE:
                batch.append(waiting.pop(0))
            caches = []
            for given, _ in batch:
                cache, fresh = self._beginning(given[:-1])
                caches.append(cache)
                read += fresh
            rows.update(zip(batch, self._loglikelihoods(batch, caches), strict=True))
        return read

    def _beginning(self, tokens: Tokens) -> tuple[list[Any], int]:
        """The cache of these tokens, and how many had to be read for it."""
        import mlx.core as mx
        from mlx_lm.models.cache import make_prompt_cache

        kept = self._beginnings.get(tokens)
        if kept is not None:
            self._beginnings.move_to_end(tokens)
            return kept, 0
        cache: list[Any] = make_prompt_cache(self._model)
        if tokens:
            self._model(mx.array([tokens]), cache=cache)
            mx.eval([layer.state for layer in cache])
        self._beginnings[tokens] = cache
        while len(self._beginnings) > _KEPT_BEGINNINGS:
            self._beginnings.popitem(last=False)
        return cache, len(tokens)

    def _loglikelihoods(self, batch: Sequence[tuple[Tokens, Tokens]], caches: Sequence[list[Any]]) -> list[float]:
        """One pass. Padding stands on the right, where the causal mask hides it from every token that counts."""
        import mlx.core as mx

        width = max(len(said) for _, said in batch)
        fed: npt.NDArray[np.int32] = np.zeros((len(batch), width), dtype=np.int32)
        wanted: npt.NDArray[np.int32] = np.zeros((len(batch), width), dtype=np.int32)
        for row, (given, said) in enumerate(batch):
            fed[row, : len(said)] = [given[-1], *said[:-1]]
            wanted[row, : len(said)] = said
        # Merged by copy, so the kept ones stay as they are.
        merged = [layers[0].merge(list(layers)) for layers in zip(*caches, strict=True)]
        logits = self._model(mx.array(fed), cache=merged).astype(mx.float32)
        chosen = mx.take_along_axis(logits, mx.array(wanted)[..., None], axis=-1)[..., 0]
        found = np.array(chosen - mx.logsumexp(logits, axis=-1))
        return [float(found[row, : len(said)].sum()) for row, (_, said) in enumerate(batch)]
