"""Samples -> mel features -> audio embeddings, many segments at once.

The package encodes one segment at a time. Its encoder mixes only the 100 frames of a convolution chunk and the tokens
of an 8 s attention window. So frames of all segments are transformed together, chunks of all segments go through the
convolutions together, tokens of all segments through the linear layers together, and windows of all segments through
attention together, padded to the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from pipeline.transcription.engine import Samples
from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Array, Kernels

_HOP, _FFT, _MEL_BINS = 160, 400, 128


@dataclass(frozen=True, slots=True)
class _Windows:
    """How tokens of all segments, end to end, lie in attention windows padded to the longest."""

    count: int
    longest: int
    into: Array
    """Which token is at each place of the padded windows; None when all windows have one length."""
    back: Array
    """At which place each token is."""
    mask: Array
    """Added to the scores, (windows, 1, 1, longest)."""

    @staticmethod
    def of(lengths: Sequence[int], dtype: Any) -> _Windows:
        """Windows of those lengths, in order."""
        longest = max(lengths)
        if min(lengths) == longest:
            return _Windows(len(lengths), longest, None, None, None)
        inside = np.arange(longest)[None] < np.array(lengths)[:, None]
        first = np.cumsum(lengths) - lengths
        into = np.where(inside, first[:, None] + np.arange(longest)[None], 0)
        hidden = np.where(inside, 0.0, -1e9 if dtype != mx.float16 else -6e4).astype(np.float32)
        return _Windows(
            len(lengths),
            longest,
            mx.array(into.ravel()),
            mx.array(np.flatnonzero(inside.ravel())),
            mx.array(hidden[:, None, None, :]).astype(dtype),
        )


def mel_features(segments: Sequence[Samples], dtype: Any) -> list[Array]:
    """Log-mel features of each segment, (128, frames), by the package's transform over the frames of all of them.

    Raises ValueError for a segment of 200 samples or fewer, which has nothing to reflect at its ends.
    """
    from mlx_qwen3_asr.audio import _hann_window, mel_filters

    frames = [len(samples) // _HOP for samples in segments]  # the package drops the last
    hops = [-(-(len(samples) + _FFT) // _HOP) for samples in segments]
    first = np.cumsum([0, *hops])
    joined = np.zeros(int(first[-1]) * _HOP + _FFT, np.float32)
    edge = _FFT // 2
    for samples, hop in zip(segments, first.tolist(), strict=False):
        if len(samples) <= edge:
            raise ValueError(f"{len(samples)} samples are too few to transform, more than {edge} are needed")
        start, end = hop * _HOP + edge, hop * _HOP + edge + len(samples)
        joined[start:end] = samples
        joined[start - edge : start] = joined[start + edge : start : -1]
        joined[end : end + edge] = joined[end - 2 : end - 2 - edge : -1]
    every = mx.as_strided(mx.array(joined), shape=((len(joined) - _FFT) // _HOP + 1, _FFT), strides=(_HOP, 1))
    taken = np.concatenate([np.arange(a, a + n) for a, n in zip(first[:-1], frames, strict=True)])
    magnitudes = mx.abs(mx.fft.rfft(every[mx.array(taken)] * _hann_window(_FFT))) ** 2
    spectrum = mx.log10(mx.maximum(mel_filters(_MEL_BINS) @ magnitudes.T, 1e-10))
    longest = max(frames)
    starts = np.cumsum([0, *frames])[:-1]
    frame_places = starts[:, None] + np.minimum(np.arange(longest)[None], np.array(frames)[:, None] - 1)
    loudest = mx.max(mx.max(spectrum, axis=0)[mx.array(frame_places)], axis=1)
    floor = (loudest - 8.0)[mx.array(np.repeat(np.arange(len(frames)), frames))]
    features = ((mx.maximum(spectrum, floor) + 4.0) / 4.0).astype(dtype)
    return [features[:, a : a + n] for a, n in zip(starts.tolist(), frames, strict=True)]


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
        x = mx.concatenate(stem, axis=0)
        x = self._layers(x, _Windows.of(self._window_lengths(features, lengths), x.dtype))
        x = self._tower.ln_post(x)
        x = self._tower.proj2(self._kernels.gelu(self._tower.proj1(x)))
        mx.eval(x)
        starts = np.cumsum([0, *lengths])[:-1].tolist()
        return [x[start : start + length] for start, length in zip(starts, lengths, strict=True)]

    def _window_lengths(self, features: Sequence[Array], lengths: Sequence[int]) -> list[int]:
        """Tokens of each attention window, segment after segment."""
        windows: list[int] = []
        for mel, length in zip(features, lengths, strict=True):
            per_window = conv_length(min(int(mel.shape[1]), self._chunk_frames)) * self._chunks_per_window
            windows.extend(min(per_window, length - first) for first in range(0, length, per_window))
        return windows

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
        done = self._convolved(mx.concatenate(chunks, axis=0)) if chunks else None
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

    def _convolved(self, chunks: Array) -> Array:
        """(n, 128, 100) -> (n, 13, encoder width), so many at once as the memory allows."""
        n = int(chunks.shape[0])
        rounded = -(-n // self._kernels.chunk_multiple) * self._kernels.chunk_multiple
        if rounded > n:
            chunks = mx.pad(chunks, [(0, rounded - n), (0, 0), (0, 0)])
        done: list[Array] = []
        for first in range(0, rounded, self._conv_chunks):
            done.append(self._convolve(chunks[first : first + self._conv_chunks]))
            mx.async_eval(done[-1])  # type: ignore[no-untyped-call]
            if len(done) > self._kernels.ahead:
                mx.eval(done[-1 - self._kernels.ahead])  # its memory is free before that of the next is taken
        return mx.concatenate(done, axis=0)

    def _convolve(self, chunks: Array) -> Array:
        """(n, 128, frames) -> (n, tokens, encoder width), chunk positions added."""
        tower = self._tower
        x = self._kernels.gelu(tower.conv2d1(chunks[:, :, :, None]))
        x = self._kernels.gelu(tower.conv2d2(x))
        x = self._kernels.gelu(tower.conv2d3(x))
        n, bins, tokens, channels = x.shape
        x = tower.conv_out(x.transpose(0, 2, 3, 1).reshape(n, tokens, channels * bins))
        return x + tower.embed_positions(int(tokens)).astype(x.dtype)

    def _layers(self, x: Array, windows: _Windows) -> Array:
        """Transformer layers over (tokens, width)."""
        limit = float(np.finfo(np.float16).max - 1000.0)
        for layer in self._tower.layers:
            x = x + self._attention(layer.self_attn, layer.self_attn_layer_norm(x), windows)
            hidden = self._kernels.gelu(layer.fc1(layer.final_layer_norm(x)))
            x = x + layer.fc2(hidden)
            if x.dtype == mx.float16:  # as in the package: keeps infinities from spreading
                x = mx.clip(x, -limit, limit)
        return x

    def _attention(self, module: Any, x: Array, windows: _Windows) -> Array:
        heads, dim = module.num_heads, module.head_dim

        def padded(y: Array) -> Array:
            if windows.into is not None:
                y = y[windows.into]
            return y.reshape(windows.count, windows.longest, heads, dim).transpose(0, 2, 1, 3)

        q, k, v = padded(module.q_proj(x)), padded(module.k_proj(x)), padded(module.v_proj(x))
        out = self._kernels.attend(q, k, v, dim**-0.5, windows.mask).reshape(-1, heads * dim)
        return module.out_proj(out if windows.back is None else out[windows.back])


def conv_length(frames: int) -> int:
    """Tokens that three convolutions of stride 2 leave of some frames."""
    return (frames + 7) // 8
