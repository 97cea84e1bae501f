"""The gated unit in NumPy: the same numbers as mlx-lm's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analysis.llm.local.gates import silu, vectorised

mx: Any = pytest.importorskip("mlx.core")
nn: Any = pytest.importorskip("mlx.nn")


def test_it_gives_what_mlx_gives_for_large_and_small_values() -> None:
    values = np.concatenate([np.linspace(-200, 200, 4001), [-1e30, 1e30]]).astype(np.float32)
    np.testing.assert_allclose(silu(values), np.array(nn.silu(mx.array(values))), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize(
    ("shape", "kind", "by_numpy"),
    [((1, 20, 8), "float32", True), ((4, 1, 8), "float32", False), ((1, 20, 8), "float16", False)],
)
def test_which_gates_are_computed_by_numpy(shape: tuple[int, ...], kind: str, by_numpy: bool) -> None:
    asked: list[str] = []

    def own(gate: Any, x: Any) -> Any:
        asked.append("own")
        return nn.silu(gate) * x

    gate, x = (mx.array(np.random.default_rng(seed).normal(size=shape)).astype(getattr(mx, kind)) for seed in (1, 2))
    found = vectorised(own)(gate, x)
    np.testing.assert_allclose(np.array(found), np.array(nn.silu(gate) * x), rtol=1e-5, atol=1e-6)
    assert (not asked) == by_numpy
