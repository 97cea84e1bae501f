"""Samples -> mel features -> audio embeddings, many segments at once.

The package encodes one segment at a time. Its encoder mixes only the 100 frames of a convolution chunk and the tokens
of an 8 s attention window. So chunks of all segments go through the convolutions together, tokens of all segments
through the linear layers together, and windows of equal length through attention together. Nothing is padded that the
package does not pad, and nothing needs a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from pipeline.transcription.engine import Samples
from pipeline.transcription.engines.mlx_qwen3.kernels import Array, Kernels


@dataclass(frozen=True, slots=True)
class _Window:
    """An attention window: where its tokens lie in the concatenation of all segments."""

    first: int
    length: int


def mel_features(samples: Samples, dtype: Any) -> Array:
    """Log-mel features, shape (128, frames), by the package's own transform. Raises ValueError if too short."""
    from mlx_qwen3_asr.audio import compute_features

    features, _ = compute_features(samples)
    return features[0].astype(dtype)


class BatchEncoder:
    """The package's audio tower applied to several segments.

    Args:
        tower: `mlx_qwen3_asr.encoder.AudioEncoder`.
        conv_chunks: 1 s chunks the convolutions take at once (each needs about 20 MB in float32).
    """

    def __init__(self, tower: Any, kernels: Kernels, conv_chunks: int = 8) -> None:
        self._tower = tower
        self._kernels = kernels
        self._conv_chunks = conv_chunks
        self._chunk_frames = tower.config.n_window * 2
        self._chunks_per_window = tower.config.n_window_infer // self._chunk_frames

    def __call__(self, features: Sequence[Array]) -> list[Array]:
        """Mel features (128, frames) of each segment -> its embeddings (tokens, decoder width)."""
        stem = self._stem(features)
        lengths = [int(x.shape[0]) for x in stem]
        order, starts = self._windows(features, lengths)
        x = mx.concatenate(stem, axis=0)
        x = x[mx.array(np.concatenate([np.arange(w.first, w.first + w.length) for w in order]))]
        x = self._layers(x, [w.length for w in order])
        x = self._tower.ln_post(x)
        x = self._tower.proj2(self._kernels.gelu(self._tower.proj1(x)))
        back = np.empty(sum(lengths), np.int64)
        position = 0
        for window in order:
            back[window.first : window.first + window.length] = np.arange(position, position + window.length)
            position += window.length
        x = x[mx.array(back)]
        mx.eval(x)
        return [x[start : start + length] for start, length in zip(starts, lengths, strict=True)]

    def _windows(self, features: Sequence[Array], lengths: Sequence[int]) -> tuple[list[_Window], list[int]]:
        """Windows of all segments, equal lengths side by side, and where each segment begins."""
        windows: list[_Window] = []
        starts: list[int] = []
        position = 0
        for mel, length in zip(features, lengths, strict=True):
            starts.append(position)
            per_chunk = conv_length(min(int(mel.shape[1]), self._chunk_frames))
            per_window = per_chunk * self._chunks_per_window
            windows.extend(
                _Window(position + first, min(per_window, length - first)) for first in range(0, length, per_window)
            )
            position += length
        return sorted(windows, key=lambda window: -window.length), starts

    def _stem(self, features: Sequence[Array]) -> list[Array]:
        """Convolutions and positions: per segment (tokens, encoder width)."""
        chunks: list[Array] = []
        alone: dict[int, Array] = {}
        counts: list[int] = []
        size = self._chunk_frames
        for index, mel in enumerate(features):
            frames = int(mel.shape[1])
            if frames < size:  # the package convolves a segment below one chunk at its own width
                alone[index] = self._convolve(mel[None])[0]
                counts.append(0)
                continue
            whole = -(-frames // size)
            padded = mx.pad(mel, [(0, 0), (0, whole * size - frames)])
            chunks.append(padded.reshape(mel.shape[0], whole, size).transpose(1, 0, 2))
            counts.append(whole)
        done = None
        if chunks:
            every = mx.concatenate(chunks, axis=0)
            parts = range(0, int(every.shape[0]), self._conv_chunks)
            done = mx.concatenate([self._convolve(every[a : a + self._conv_chunks]) for a in parts], axis=0)
        result: list[Array] = []
        position = 0
        for index, count in enumerate(counts):
            if count == 0:
                result.append(alone[index])
                continue
            frames = int(features[index].shape[1])
            assert done is not None
            tokens = done[position : position + count]
            position += count
            last = conv_length(frames - (count - 1) * size)
            per_chunk = int(tokens.shape[1])
            result.append(tokens.reshape(count * per_chunk, -1)[: (count - 1) * per_chunk + last])
        return result

    def _convolve(self, chunks: Array) -> Array:
        """(n, 128, frames) -> (n, tokens, encoder width), chunk positions added."""
        tower = self._tower
        x = self._kernels.gelu(tower.conv2d1(chunks[:, :, :, None]))
        x = self._kernels.gelu(tower.conv2d2(x))
        x = self._kernels.gelu(tower.conv2d3(x))
        n, bins, tokens, channels = x.shape
        x = tower.conv_out(x.transpose(0, 2, 3, 1).reshape(n, tokens, channels * bins))
        x = x + tower.embed_positions(int(tokens)).astype(x.dtype)
        mx.eval(x)  # frees the convolutions' memory before the next chunks
        return x

    def _layers(self, x: Array, windows: Sequence[int]) -> Array:
        """Transformer layers over (tokens, width); `windows` are consecutive lengths, equal ones adjacent."""
        limit = float(np.finfo(np.float16).max - 1000.0)
        for layer in self._tower.layers:
            x = x + self._attention(layer.self_attn, layer.self_attn_layer_norm(x), windows)
            hidden = self._kernels.gelu(layer.fc1(layer.final_layer_norm(x)))
            x = x + layer.fc2(hidden)
            if x.dtype == mx.float16:  # as in the package: keeps infinities from spreading
                x = mx.clip(x, -limit, limit)
        return x

    def _attention(self, module: Any, x: Array, windows: Sequence[int]) -> Array:
        heads, dim = module.num_heads, module.head_dim
        q, k, v = module.q_proj(x), module.k_proj(x), module.v_proj(x)
        parts: list[Array] = []
        first = 0
        index = 0
        while index < len(windows):
            length = windows[index]
            count = sum(1 for other in windows[index:] if other == length)
            last = first + count * length

            def rows(y: Array, a: int = first, b: int = last, n: int = count, t: int = length) -> Array:
                return y[a:b].reshape(n, t, heads, dim).transpose(0, 2, 1, 3)

            out = self._kernels.attend(rows(q), rows(k), rows(v), dim**-0.5, causal=False)
            parts.append(out.reshape(count * length, heads * dim))
            first, index = last, index + count
        return module.out_proj(parts[0] if len(parts) == 1 else mx.concatenate(parts, axis=0))


def conv_length(frames: int) -> int:
    """Tokens that three convolutions of stride 2 leave of some frames."""
    return (frames + 7) // 8
