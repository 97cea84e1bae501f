"""Attention in NumPy: the same numbers as MLX's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from analysis.llm.local.attention import attention, vectorised

mx: Any = pytest.importorskip("mlx.core")

ROWS, HEADS, OTHER_HEADS, QUERIES, TOKENS, SIZE = 2, 6, 2, 20, 33, 8


def _drawn(heads: int, length: int, seed: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(ROWS, heads, length, SIZE)).astype(np.float32)


def _padded() -> npt.NDArray[np.bool_]:
    """Causal, and the second row begins with five tokens of padding, which no query sees."""
    causal = np.tri(QUERIES, TOKENS, TOKENS - QUERIES, dtype=bool)
    seen = np.ones((ROWS, 1, 1, TOKENS), dtype=bool)
    seen[1, ..., :5] = False
    return causal & seen


MASKS: dict[str, Any] = {
    "none": None,
    "causal": "causal",
    "padded": _padded(),
    "added": np.random.default_rng(4).normal(size=(1, 1, QUERIES, TOKENS)).astype(np.float32),
}


@pytest.mark.parametrize("name", MASKS)
def test_it_gives_what_mlx_gives(name: str) -> None:
    drawn = _drawn(HEADS, QUERIES, 1), _drawn(OTHER_HEADS, TOKENS, 2), _drawn(OTHER_HEADS, TOKENS, 3)
    mask = MASKS[name]
    told = mx.array(mask) if isinstance(mask, np.ndarray) else mask
    expected = mx.fast.scaled_dot_product_attention(*map(mx.array, drawn), scale=0.35, mask=told)
    np.testing.assert_allclose(attention(*drawn, 0.35, mask), np.array(expected), atol=2e-6)


@pytest.mark.parametrize(
    ("queries", "kind", "more", "by_numpy"),
    [
        (QUERIES, "float32", {}, True),
        (QUERIES, "float32", {"sinks": None}, True),
        (1, "float32", {}, False),
        (QUERIES, "float16", {}, False),
        (QUERIES, "float32", {"sinks": 1}, False),
    ],
)
def test_which_attention_is_computed_by_numpy(queries: int, kind: str, more: dict[str, Any], by_numpy: bool) -> None:
    asked: list[str] = []

    def own(queries: Any, keys: Any, values: Any, *, scale: float, mask: Any = None, sinks: Any = None) -> Any:
        asked.append("mlx")
        return queries

    drawn = _drawn(HEADS, queries, 1), _drawn(OTHER_HEADS, TOKENS, 2), _drawn(OTHER_HEADS, TOKENS, 3)
    arrays = [mx.array(one).astype(getattr(mx, kind)) for one in drawn]
    found = vectorised(own)(*arrays, scale=0.35, mask="causal", **more)
    assert found.shape == arrays[0].shape
    assert asked == ([] if by_numpy else ["mlx"])


def test_a_query_that_sees_nothing_is_no_reason_for_nan() -> None:
    drawn = _drawn(HEADS, QUERIES, 1), _drawn(OTHER_HEADS, TOKENS, 2), _drawn(OTHER_HEADS, TOKENS, 3)
    blind = _padded()
    blind[1] = False
    assert np.isfinite(attention(*drawn, 0.35, blind)).all()
