"""The text decoder's layers with fewer and larger matrix products than the package's modules have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx


@dataclass(frozen=True, slots=True)
class DecoderLayer:
    """One layer: the package's modules, and its projections side by side."""

    module: Any
    """`mlx_qwen3_asr.decoder.TextDecoderLayer`."""
    qkv: Any
    """(…, width) -> (…, (heads + 2 kv_heads) * dim)."""
    gate_up: Any
    """(…, width) -> (…, 2 inner width)."""
    head_scales: Any
    """Weights of the norms of q and k, shape (heads + kv_heads, dim)."""
    heads: int
    kv_heads: int
    head_dim: int

    @property
    def norm_eps(self) -> float:
        return float(self.module.self_attn.q_norm.eps)


def decoder_layers(modules: Sequence[Any]) -> list[DecoderLayer]:
    """The layers of `mlx_qwen3_asr.decoder.TextDecoder`; its own modules work on, over the same memory."""
    made: list[DecoderLayer] = []
    for module in modules:
        attention, mlp = module.self_attn, module.mlp
        heads, kv_heads = int(attention.num_heads), int(attention.num_kv_heads)
        q_scale, k_scale = attention.q_norm.weight, attention.k_norm.weight
        scales = mx.concatenate([mx.tile(q_scale[None], (heads, 1)), mx.tile(k_scale[None], (kv_heads, 1))])
        mx.eval(scales)
        made.append(
            DecoderLayer(
                module=module,
                qkv=side_by_side((attention.q_proj, attention.k_proj, attention.v_proj)),
                gate_up=side_by_side((mlp.gate_proj, mlp.up_proj)),
                head_scales=scales,
                heads=heads,
                kv_heads=kv_heads,
                head_dim=int(attention.head_dim),
            )
        )
    return made


def side_by_side(linears: Sequence[Any]) -> Any:
    """One linear layer (plain or quantised) whose outputs are those of all, end to end.

    The given layers then read their parts of the same memory, so nothing is held twice.
    """
    names = [name for name in ("weight", "scales", "biases", "bias") if linears[0].get(name) is not None]
    joined = {name: mx.concatenate([linear[name] for linear in linears], axis=0) for name in names}
    mx.eval(joined)
    whole = _like(linears[0])
    for name, array in joined.items():
        whole[name] = array
        first = 0
        for linear in linears:
            rows = int(linear[name].shape[0])
            linear[name] = array[first : first + rows]
            first += rows
    mx.eval([[linear[name] for name in names] for linear in linears])
    return whole


def _like(linear: Any) -> Any:
    """A layer of the same kind, of the smallest size."""
    if "scales" not in linear:
        return type(linear)(1, 1, bias=False)
    size = int(linear.group_size)
    return type(linear)(size, size, bias=False, group_size=size, bits=int(linear.bits), mode=linear.mode)
