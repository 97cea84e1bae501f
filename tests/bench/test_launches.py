"""What is counted: nodes that compute, evaluations, and layers of the cache that lie elsewhere afterwards."""

from __future__ import annotations

import mlx.core as mx
import pytest

from bench.launches import Watched, counted


def test_a_node_that_only_looks_is_no_launch_and_a_compiled_function_is_one() -> None:
    x, y = mx.zeros((4, 6)), mx.ones((3, 8))
    mx.eval(x, y)
    watched = Watched()
    with watched():
        seen = x.reshape(3, 8)[:, :8].T
        mx.async_eval(mx.exp(seen).sum())  # type: ignore[no-untyped-call]
        mx.eval([y @ seen, {"and": mx.compile(lambda a: mx.exp(a) * 2 + 1)(y)}])
    assert (watched.waits, watched.begun) == (1, 1)
    kinds = {"compiled" if name.startswith("Compiled") else name: n for name, n in watched.launches.items()}
    assert kinds == {"Exp": 1, "Sum": 1, "Matmul": 1, "compiled": 1}


def test_mlx_has_its_functions_back_afterwards() -> None:
    kept = mx.eval, mx.async_eval
    with pytest.raises(ZeroDivisionError), Watched()():
        raise ZeroDivisionError
    assert (mx.eval, mx.async_eval) == kept


def test_rows_cost_neither_launches_nor_waits_and_the_cache_is_copied_only_when_it_grows() -> None:
    one, more = counted(1), counted(5)
    for what in ("prefill", "step"):
        assert more[what]["waits"] == one[what]["waits"] == 1
        assert more[what]["launches"] == one[what]["launches"]
        assert more[what]["copied_mb"] == one[what]["copied_mb"] == 0
    for grown in (one["step that grows"], more["step that grows"]):
        assert grown["waits"] == 1
        assert grown["copied_mb"] > 0
        assert grown["launches"] > one["step"]["launches"]
