"""The decoder's two forward passes over many rows: prefill (packed, no padding) and one step (a token per row)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from pipeline.transcription.engines.mlx_qwen3.kernels import Array, Floats, Kernels, SlotCache, Tokens
from pipeline.transcription.engines.mlx_qwen3.prompts import Prompt

_PREFIXES_KEPT = 4


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row about to be decoded."""

    prompt: Prompt
    audio: Array
    """Embeddings, shape (tokens, width)."""

    @property
    def tokens(self) -> int:
        """Length of the whole prompt."""
        return len(self.prompt.prefix) + int(self.audio.shape[0]) + len(self.prompt.suffix)


@dataclass(frozen=True, slots=True)
class _Prefix:
    keys: list[Array]
    values: list[Array]
    """Per layer (1, kv_heads, tokens, head_dim)."""


class BatchDecoder:
    """The package's text decoder over the slots of one cache.

    The tokens before the audio (template and context terms) are the same for every segment of a context: their keys
    and values are computed once and copied. The rest of all new prompts goes through the linear layers end to end,
    and through attention row by row, so no row is padded to another's length.
    """

    def __init__(self, model: Any, kernels: Kernels) -> None:
        self._model = model
        self._text = model.model
        self._kernels = kernels
        attention = self._text.layers[0].self_attn
        self._heads, self._kv_heads, self._dim = attention.num_heads, attention.num_kv_heads, attention.head_dim
        self.cache: SlotCache = kernels.new_cache(len(self._text.layers), self._kv_heads, self._dim)
        self._prefixes: OrderedDict[tuple[int, ...], _Prefix] = OrderedDict()

    def prefill(self, rows: Sequence[NewRow]) -> tuple[list[int], Tokens, Floats]:
        """Fill a slot per row; returns the slots, each row's first token and its log-probability."""
        prefixes = [self._prefix(row.prompt.prefix) for row in rows]
        starts = [len(row.prompt.prefix) for row in rows]
        embeds = self._text.embed_tokens
        parts: list[Array] = []
        for row in rows:
            suffix = embeds(mx.array(row.prompt.suffix))
            parts += [row.audio.astype(suffix.dtype), suffix]
        lengths = [row.tokens - start for row, start in zip(rows, starts, strict=True)]
        positions = np.concatenate([np.arange(a, a + n) for a, n in zip(starts, lengths, strict=True)])
        slots = self.cache.open([row.tokens for row in rows])
        try:
            hidden = self._packed(mx.concatenate(parts, axis=0), positions, lengths, prefixes, slots)
            last = mx.array(np.cumsum(lengths) - 1)
            logits = self._model.lm_head(self._text.norm(hidden[last]))
            tokens, probabilities = self._kernels.pick(logits)
        except BaseException:
            self.release(slots)
            raise
        return slots, tokens, probabilities

    def step(self, tokens: Tokens) -> tuple[Tokens, Floats]:
        """Next token of each row of `cache.batch` (in that order) after `tokens`, and its log-probability."""
        self.cache.begin_step()
        batch = self.cache.batch
        h = self._text.embed_tokens(mx.array(tokens))
        cos, sin = self._rotation(self.cache.lengths[batch])
        cos, sin = cos[:, None, None, :], sin[:, None, None, :]
        for index, layer in enumerate(self._text.layers):
            q, k, v = self._project(layer, h[:, None, :], cos, sin)
            out = self.cache.attend(index, q, k, v, self._dim**-0.5)
            h = self._rest(layer, h, out)
        picked = self._kernels.pick(self._model.lm_head(self._text.norm(h)))
        self.cache.end_step()
        return picked

    def release(self, slots: Sequence[int]) -> None:
        """Free the slots of finished rows."""
        for slot in sorted(slots, reverse=True):
            self.cache.close(slot)

    def _prefix(self, tokens: tuple[int, ...]) -> _Prefix:
        if tokens in self._prefixes:
            self._prefixes.move_to_end(tokens)
            return self._prefixes[tokens]
        made = _Prefix([], [])
        h = self._text.embed_tokens(mx.array(tokens))
        cos, sin = self._rotation(np.arange(len(tokens)))
        for layer in self._text.layers:
            q, k, v = self._project(layer, h[None], cos, sin)
            made.keys.append(k)
            made.values.append(v)
            out = self._kernels.attend(q, k, v, self._dim**-0.5, causal=True)[0]
            h = self._rest(layer, h, out)
        mx.eval(made.keys, made.values)
        self._prefixes[tokens] = made
        if len(self._prefixes) > _PREFIXES_KEPT:
            self._prefixes.popitem(last=False)
        return made

    def _packed(
        self,
        h: Array,
        positions: Tokens,
        lengths: Sequence[int],
        prefixes: Sequence[_Prefix],
        slots: Sequence[int],
    ) -> Array:
        """Layers over the tokens of all rows end to end, shape (tokens, width)."""
        cos, sin = self._rotation(positions)
        ends = np.cumsum(lengths).tolist()
        for index, layer in enumerate(self._text.layers):
            q, k, v = self._project(layer, h[None], cos, sin)
            mx.eval(q, k, v)
            outs: list[Array] = []
            for slot, prefix, length, end in zip(slots, prefixes, lengths, ends, strict=True):
                part = slice(end - length, end)
                keys = mx.concatenate([prefix.keys[index], k[:, :, part]], axis=2)
                values = mx.concatenate([prefix.values[index], v[:, :, part]], axis=2)
                mx.eval(keys, values)
                self.cache.write(index, slot, 0, keys[0], values[0])
                outs.append(self._kernels.attend(q[:, :, part], keys, values, self._dim**-0.5, causal=True)[0])
            h = self._rest(layer, h, outs[0] if len(outs) == 1 else mx.concatenate(outs, axis=0))
            mx.eval(h)
        return h

    def _rotation(self, positions: Tokens) -> tuple[Array, Array]:
        """cos and sin of shape (positions, head_dim): text and audio share one running position in all three axes."""
        grid = mx.broadcast_to(mx.array(positions)[None, None, :], (1, 3, len(positions)))
        cos, sin = self._text.rotary_emb(grid, dtype=self._text.norm.weight.dtype)
        return cos[0], sin[0]

    def _project(self, layer: Any, h: Array, cos: Array, sin: Array) -> tuple[Array, Array, Array]:
        """(rows, tokens, width) -> rotated q, rotated k, v of shape (rows, heads, tokens, dim)."""
        from mlx_qwen3_asr.mrope import apply_rotary_pos_emb

        module = layer.self_attn
        rows, tokens, _ = h.shape
        x = layer.input_layernorm(h)
        q = module.q_norm(module.q_proj(x).reshape(rows, tokens, self._heads, self._dim))
        k = module.k_norm(module.k_proj(x).reshape(rows, tokens, self._kv_heads, self._dim))
        v = module.v_proj(x).reshape(rows, tokens, self._kv_heads, self._dim).transpose(0, 2, 1, 3)
        if cos.ndim == 2:
            cos, sin = cos[None, None], sin[None, None]
        q, k = apply_rotary_pos_emb(q.transpose(0, 2, 1, 3), k.transpose(0, 2, 1, 3), cos, sin)
        return q, k, v

    def _rest(self, layer: Any, h: Array, attended: Array) -> Array:
        """Output projection and feed-forward, with their residuals, over (tokens, width)."""
        h = h + layer.self_attn.o_proj(attended)
        x = layer.post_attention_layernorm(h)
        mlp = layer.mlp
        return h + mlp.down_proj(self._kernels.swiglu(mlp.gate_proj(x), mlp.up_proj(x)))
