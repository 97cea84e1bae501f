"""Attention on a CPU.

MLX computes one exponential after the other there (30 ns each, measured with 0.32 on x86-64), NumPy many at once
(1 ns): of reading a long prompt the softmax took nearly half of the time. The same sums in float32, so the results
differ in the last digit only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

_LEAST_QUERIES = 16
"""For fewer, as when one token is written at a time, MLX's own is as fast."""

Floats = npt.NDArray[np.float32]


def use_vector_attention() -> None:
    """From here on, in this process, models attend by this module's arithmetic, where there is no GPU."""
    import mlx.core as mx

    if mx.default_device().type == mx.DeviceType.cpu:
        mx.fast.scaled_dot_product_attention = vectorised(mx.fast.scaled_dot_product_attention)


def vectorised(own: Callable[..., Any]) -> Callable[..., Any]:
    """Like `own`, MLX's `scaled_dot_product_attention`, which still serves where it is as fast or does more."""
    import mlx.core as mx

    def attend(queries: Any, keys: Any, values: Any, *, scale: float, mask: Any = None, **more: Any) -> Any:
        short = queries.shape[-2] < _LEAST_QUERIES
        if short or queries.dtype != mx.float32 or any(value is not None for value in more.values()):
            return own(queries, keys, values, scale=scale, mask=mask, **more)
        told = mask if mask is None or isinstance(mask, str) else np.array(mask)
        return mx.array(attention(np.array(queries), np.array(keys), np.array(values), scale, told))

    return attend


def attention(
    queries: Floats, keys: Floats, values: Floats, scale: float, mask: npt.NDArray[Any] | str | None
) -> Floats:
    """softmax(scale · queries · keysᵀ + mask) · values, for each head (Vaswani et al. 2017, arXiv 1706.03762).

    Args:
        queries: shape (batch, heads, queries, size).
        keys, values: shape (batch, heads of these, tokens, size); a head of theirs serves equally many of the queries'.
        mask: "causal" (the last query sees every token), true where a query sees a token, or what is added to the
            products; such an array broadcasts to (batch, heads, queries, tokens).

    Returns:
        shape of `queries`.
    """
    batch, heads, length, size = queries.shape
    tokens, sharing = keys.shape[2], heads // keys.shape[1]
    added = _added(mask, length, tokens)
    wide = None if added is None else np.broadcast_to(added, (batch, heads, length, tokens))
    found = np.empty((batch, heads, length, values.shape[-1]), dtype=np.float32)
    for row in range(batch):
        for head in range(keys.shape[1]):
            served = slice(head * sharing, (head + 1) * sharing)
            scores = (queries[row, served].reshape(-1, size) * np.float32(scale)) @ keys[row, head].T
            if wide is not None:
                by_head = scores.reshape(sharing, length, tokens)
                by_head += wide[row, served]
            scores -= scores.max(axis=1, keepdims=True)
            np.exp(scores, out=scores)
            weighed = scores @ values[row, head]
            weighed /= scores.sum(axis=1, keepdims=True)
            found[row, served] = weighed.reshape(sharing, length, -1)
    return found


def _added(mask: npt.NDArray[Any] | str | None, length: int, tokens: int) -> Floats | None:
    """What is added to the products: the lowest finite number where a query does not see a token."""
    if mask is None:
        return None
    if isinstance(mask, str):
        mask = np.tri(length, tokens, tokens - length, dtype=bool)
    if mask.dtype != np.bool_:
        return mask.astype(np.float32, copy=False)
    # Minus infinity would make nothing of a query that sees no token (padding).
    return np.where(mask, np.float32(0), np.finfo(np.float32).min).astype(np.float32, copy=False)
