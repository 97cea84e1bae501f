"""The decoder's two forward passes over many rows: prefill (linear layers packed) and one step (a token per row)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Array, Floats, Kernels, SlotCache, Tokens
from pipeline.transcription.engines.mlx_qwen3.layers import DecoderLayer, decoder_layers
from pipeline.transcription.engines.mlx_qwen3.prompts import Prompt
from pipeline.transcription.engines.mlx_qwen3.scheduler import OWN_LAST

_PREFIXES_KEPT = 4


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row about to be decoded."""

    prompt: Prompt
    audio: Array
    """Embeddings, shape (tokens, width)."""
    first_among: tuple[int, ...] = ()
    """Tokens of which the first is one; any where empty."""

    @property
    def tokens(self) -> int:
        """Length of the whole prompt."""
        return len(self.prompt.prefix) + int(self.audio.shape[0]) + len(self.prompt.suffix)


@dataclass(frozen=True, slots=True)
class BegunStep:
    """A step the device may still be computing: next tokens of all slots, and their log-probabilities."""

    tokens: Array
    log_probabilities: Array


@dataclass(frozen=True, slots=True)
class _Prefix:
    keys: list[Array]
    values: list[Array]
    """Per layer (1, kv_heads, tokens, head_dim)."""


@dataclass(frozen=True, slots=True)
class _Class:
    """Rows of a prefill whose prefixes have one length: they attend together, padded to the longest."""

    first: int
    """Index of the first of their tokens among those of all rows."""
    prefixes: Sequence[_Prefix]
    lengths: Sequence[int]
    """New tokens of each row."""
    slots: Sequence[int]
    rotation: Any

    @property
    def longest(self) -> int:
        return max(self.lengths)

    @property
    def tokens(self) -> int:
        return sum(self.lengths)

    @property
    def padded(self) -> bool:
        return self.tokens < self.longest * len(self.lengths)


class BatchDecoder:
    """The package's text decoder over the slots of one cache.

    The tokens before the audio (template and context terms) are the same for every segment of a context: their keys
    and values are computed once and copied. The rest of all new prompts goes through the linear layers end to end.
    Only attention pads rows to the longest: its causal mask hides the padding, which comes last.
    """

    def __init__(self, model: Any, kernels: Kernels) -> None:
        self._model = model
        self._text = model.model
        self._kernels = kernels
        self._layers = decoder_layers(self._text.layers)
        first = self._layers[0]
        self._scale = first.head_dim**-0.5
        self.cache: SlotCache = kernels.new_cache(len(self._layers), first.kv_heads, first.head_dim)
        self._prefixes: OrderedDict[tuple[int, ...], _Prefix] = OrderedDict()
        self._last: Array = None
        self._forward = kernels.compiled(self._step_arrays)

    def prefill(self, rows: Sequence[NewRow]) -> tuple[list[int], Tokens, Floats]:
        """Fill a slot per row; returns the slots, each row's first token and its log-probability."""
        order = sorted(range(len(rows)), key=lambda index: len(rows[index].prompt.prefix))
        sorted_rows = [rows[index] for index in order]
        prefixes = [self._prefix(row.prompt.prefix) for row in sorted_rows]
        ends = np.cumsum([0, *(len(row.prompt.suffix) for row in sorted_rows)]).tolist()
        suffixes = self._text.embed_tokens(mx.array([token for row in sorted_rows for token in row.prompt.suffix]))
        parts: list[Array] = []
        for row, start, end in zip(sorted_rows, ends, ends[1:], strict=False):
            parts += [row.audio.astype(suffixes.dtype), suffixes[start:end]]
        slots = self.cache.open([row.tokens for row in sorted_rows])
        try:
            classes = list(self._classes(sorted_rows, prefixes, slots))
            hidden = self._packed(mx.concatenate(parts, axis=0), classes)
            last = mx.array(np.cumsum([length for part in classes for length in part.lengths]) - 1)
            logits = _restricted(self._model.lm_head(self._text.norm(hidden[last])), sorted_rows)
            picked = self._kernels.pick(logits)
            mx.eval(picked, self.cache.keys, self.cache.values)
        except BaseException:
            self.release(slots)
            raise
        back = np.argsort(order)
        tokens, probabilities = np.array(picked[0], np.int64)[back], np.array(picked[1], np.float32)[back]
        return [slots[index] for index in back], tokens, probabilities

    def begin(self, tokens: Tokens) -> BegunStep:
        """Start the next step: `tokens` of each slot of `cache.batch` in that order, or OWN_LAST."""
        reach = self.cache.begin_step()
        lengths = mx.array(self.cache.lengths.astype(np.int32))
        picked, probabilities, self.cache.keys, self.cache.values = self._forward(
            self._fed(tokens), lengths, self.cache.keys, self.cache.values, reach
        )
        mx.async_eval(picked, probabilities, self.cache.keys, self.cache.values)  # type: ignore[no-untyped-call]
        self.cache.end_step()
        self._last = picked
        return BegunStep(picked, probabilities)

    def finish(self, begun: BegunStep) -> tuple[Tokens, Floats]:
        """Wait for a step: the next token of each slot it was begun for, and its log-probability."""
        mx.eval(begun.tokens, begun.log_probabilities)
        return np.array(begun.tokens, np.int64), np.array(begun.log_probabilities, np.float32)

    def release(self, slots: Sequence[int]) -> None:
        """Free the slots of finished rows."""
        for slot in sorted(slots, reverse=True):
            self.cache.close(slot)

    def _fed(self, tokens: Tokens) -> Array:
        given = mx.array(tokens.astype(np.int32))
        if (tokens != OWN_LAST).all():
            return given
        last = self._last[: len(tokens)]
        if len(last) < len(tokens):
            last = mx.pad(last, (0, len(tokens) - len(last)))
        return mx.where(given == OWN_LAST, last, given)

    def _step_arrays(
        self, tokens: Array, lengths: Array, keys: list[Array], values: list[Array], reach: int
    ) -> tuple[Array, Array, list[Array], list[Array]]:
        """One step as a function of arrays alone; keys and values come back with a token more per slot."""
        h = self._text.embed_tokens(tokens)
        rotation = self._kernels.rotation(self._text.rotary_emb, lengths, 1, h.dtype)
        mask = self._kernels.slot_mask(lengths, reach)
        position = lengths[:, None, None, None]
        new_keys: list[Array] = []
        new_values: list[Array] = []
        for index, layer in enumerate(self._layers):
            projected = layer.qkv(layer.module.input_layernorm(h))
            q, k, v = self._kernels.heads(layer, self._by_head(layer, projected[:, None]), rotation)
            places = mx.broadcast_to(position, k.shape)
            new_keys.append(mx.put_along_axis(keys[index], places, k, axis=2))
            new_values.append(mx.put_along_axis(values[index], places, v, axis=2))
            out = self._kernels.attend_slots(q, new_keys[-1], new_values[-1], self._scale, mask=mask, reach=reach)
            h = self._rest(layer, h, out)
        picked, probabilities = self._kernels.pick(self._model.lm_head(self._text.norm(h)))
        return picked, probabilities, new_keys, new_values

    def _prefix(self, tokens: tuple[int, ...]) -> _Prefix:
        if tokens in self._prefixes:
            self._prefixes.move_to_end(tokens)
            return self._prefixes[tokens]
        made = _Prefix([], [])
        h = self._text.embed_tokens(mx.array(tokens))
        rotation = self._kernels.rotation(self._text.rotary_emb, mx.array([0]), len(tokens), h.dtype)
        for layer in self._layers:
            projected = layer.qkv(layer.module.input_layernorm(h))
            q, k, v = self._kernels.heads(layer, self._by_head(layer, projected[None]), rotation)
            made.keys.append(k)
            made.values.append(v)
            h = self._rest(layer, h, self._kernels.attend(q, k, v, self._scale, "causal")[0])
        mx.eval(made.keys, made.values)
        self._prefixes[tokens] = made
        if len(self._prefixes) > _PREFIXES_KEPT:
            self._prefixes.popitem(last=False)
        return made

    def _classes(self, rows: Sequence[NewRow], prefixes: Sequence[_Prefix], slots: Sequence[int]) -> Iterator[_Class]:
        """Rows side by side whose prefixes have equal lengths."""
        dtype = self._text.norm.weight.dtype
        first, index = 0, 0
        while index < len(rows):
            start = len(rows[index].prompt.prefix)
            until = index
            while until < len(rows) and len(rows[until].prompt.prefix) == start:
                until += 1
            lengths = [row.tokens - start for row in rows[index:until]]
            starts = mx.full((len(lengths),), start, dtype=mx.int32)
            rotation = self._kernels.rotation(self._text.rotary_emb, starts, max(lengths), dtype)
            yield _Class(first, prefixes[index:until], lengths, slots[index:until], rotation)
            first, index = first + sum(lengths), until

    def _packed(self, h: Array, classes: Sequence[_Class]) -> Array:
        """Layers over the tokens of all rows end to end, shape (tokens, width)."""
        places = [_Padding.of(part) for part in classes]
        for index, layer in enumerate(self._layers):
            projected = layer.qkv(layer.module.input_layernorm(h))
            outs: list[Array] = []
            for part, padding in zip(classes, places, strict=True):
                tokens = projected[part.first : part.first + part.tokens]
                q, k, v = self._kernels.heads(layer, self._by_head(layer, padding.pad(tokens)), part.rotation)
                keys = mx.concatenate([_for_each(part.prefixes, "keys", index), k], axis=2)
                values = mx.concatenate([_for_each(part.prefixes, "values", index), v], axis=2)
                self.cache.fill(index, part.slots, keys, values)
                outs.append(padding.unpad(self._kernels.attend(q, keys, values, self._scale, "causal")))
            h = self._rest(layer, h, outs[0] if len(outs) == 1 else mx.concatenate(outs, axis=0))
        return h

    def _by_head(self, layer: DecoderLayer, projected: Array) -> Array:
        """(rows, tokens, (heads + 2 kv_heads) * dim) -> (rows, tokens, heads + 2 kv_heads, dim)."""
        rows, tokens, _ = projected.shape
        return projected.reshape(rows, tokens, layer.heads + 2 * layer.kv_heads, layer.head_dim)

    def _rest(self, layer: DecoderLayer, h: Array, attended: Array) -> Array:
        """Output projection and feed-forward, with their residuals, over (tokens, width)."""
        module = layer.module
        h = h + module.self_attn.o_proj(attended)
        x = module.post_attention_layernorm(h)
        return h + module.mlp.down_proj(self._kernels.swiglu(layer.gate_up(x)))


@dataclass(frozen=True, slots=True)
class _Padding:
    """Between tokens end to end, (tokens, width), and rows padded at the end, (rows, longest, width)."""

    rows: int
    longest: int
    into: Array
    """Which token is at each place of the padded rows; None when all rows have one length."""
    back: Array
    """At which place each token is."""

    @staticmethod
    def of(part: _Class) -> _Padding:
        rows, longest = len(part.lengths), part.longest
        if not part.padded:
            return _Padding(rows, longest, None, None)
        lengths = np.array(part.lengths)
        inside = np.arange(longest)[None] < lengths[:, None]
        into = np.where(inside, (np.cumsum(lengths) - lengths)[:, None] + np.arange(longest)[None], 0)
        return _Padding(rows, longest, mx.array(into.ravel()), mx.array(np.flatnonzero(inside.ravel())))

    def pad(self, tokens: Array) -> Array:
        if self.into is not None:
            tokens = tokens[self.into]
        return tokens.reshape(self.rows, self.longest, -1)

    def unpad(self, rows: Array) -> Array:
        tokens = rows.reshape(self.rows * self.longest, -1)
        return tokens if self.back is None else tokens[self.back]


def _for_each(prefixes: Sequence[_Prefix], what: str, layer: int) -> Array:
    """A layer's keys or values of each row's prefix, (rows, kv_heads, tokens, head_dim)."""
    arrays = [getattr(prefix, what)[layer] for prefix in prefixes]
    if all(array is arrays[0] for array in arrays):
        return mx.broadcast_to(arrays[0], (len(arrays), *arrays[0].shape[1:]))
    return mx.concatenate(arrays, axis=0)


def _restricted(logits: Array, rows: Sequence[NewRow]) -> Array:
    """(rows, vocabulary) without the tokens with which a row may not begin."""
    if not any(row.first_among for row in rows):
        return logits
    allowed = np.zeros(logits.shape, bool)
    for row, tokens in zip(allowed, (row.first_among for row in rows), strict=True):
        row[list(tokens) if tokens else slice(None)] = True
    return mx.where(mx.array(allowed), logits, -mx.inf)
