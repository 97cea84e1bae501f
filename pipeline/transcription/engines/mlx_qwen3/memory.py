"""How many rows and how much audio fit below the memory limit, from the model's shape alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GIB = 2**30
_USUAL_SEGMENT_S = 7.5
_ENCODER_SHARE = 0.35
"""Largest share of the memory left by the weights for temporary activations; the rest is for keys and values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """The sizes of a model on which its memory depends."""

    weight_bytes: int
    itemsize: int
    """Bytes of one activation."""
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    width: int
    inner_width: int
    vocabulary: int
    conv_chunk_bytes: int
    """Peak of the convolutions over one 1 s chunk."""
    encoder_token_bytes: int

    @property
    def cached_token_bytes(self) -> int:
        """Keys and values of one token in all layers."""
        return 2 * self.layers * self.kv_heads * self.head_dim * self.itemsize


def shape_of(config: Any, weight_bytes: int, itemsize: int) -> ModelShape:
    """From `mlx_qwen3_asr.config.Qwen3ASRConfig`."""
    text, audio = config.text_config, config.audio_config
    channels, bins, frames = audio.downsample_hidden_size, audio.num_mel_bins, audio.n_window * 2
    first = channels * (bins // 2) * (frames // 2)
    unfolded = 9 * channels * (bins // 4) * (frames // 4)  # the second convolution as a matrix product
    return ModelShape(
        weight_bytes=weight_bytes,
        itemsize=itemsize,
        layers=text.num_hidden_layers,
        heads=text.num_attention_heads,
        kv_heads=text.num_key_value_heads,
        head_dim=text.head_dim,
        width=text.hidden_size,
        inner_width=text.intermediate_size,
        vocabulary=text.vocab_size,
        conv_chunk_bytes=(3 * first + unfolded) * itemsize,
        encoder_token_bytes=(8 * audio.d_model + 3 * audio.encoder_ffn_dim) * itemsize,
    )


class MemoryBudget:
    """Divides a limit in bytes between weights, temporary activations, and the keys and values of the batch.

    Args:
        longest_tokens: prompt and reply of the longest segment there may be.
        longest_s: its audio, seconds.
        group_s: audio worth encoding and prefilling together, seconds.
        most_conv_chunks: 1 s chunks worth convolving at once.
        convolutions_at_once: how many such convolutions may be in memory together.
    Raises ValueError, naming what would be needed, when not even one such segment fits.
    """

    def __init__(
        self,
        limit_bytes: int,
        shape: ModelShape,
        longest_tokens: int,
        longest_s: float,
        *,
        group_s: float = 120.0,
        most_conv_chunks: int = 8,
        convolutions_at_once: int = 1,
    ) -> None:
        self.limit_bytes = limit_bytes
        self._shape = shape
        self._convolutions_at_once = convolutions_at_once
        left = limit_bytes - shape.weight_bytes
        least = self._passing(longest_s, 1, longest_s, 1)
        need = shape.weight_bytes + least + longest_tokens * shape.cached_token_bytes
        if need > limit_bytes:
            raise ValueError(
                f"weights of {shape.weight_bytes / GIB:.2f} GiB and one segment of {longest_s:g} s need "
                f"{need / GIB:.2f} GiB, the limit is {limit_bytes / GIB:.2f}"
            )
        share = max(least, int(left * _ENCODER_SHARE))
        self.conv_chunks = most_conv_chunks
        while self.conv_chunks > 1 and self._passing(longest_s, 1, longest_s, self.conv_chunks) > share:
            self.conv_chunks //= 2
        pays = self._passing(group_s, int(group_s / _USUAL_SEGMENT_S), 2 * _USUAL_SEGMENT_S, self.conv_chunks)
        self._passing_bytes = max(least, min(share, pays))
        self._cache_bytes = left - self._passing_bytes

    @property
    def allocator_cache_bytes(self) -> int:
        """How much freed memory MLX may keep for itself; it counts as part of the temporary activations."""
        return max(16 * 2**20, self._passing_bytes // 4)

    def rows(self, longest_row_tokens: int) -> int:
        """How many rows of at most that many tokens (prompt and reply) fit together; at least 1."""
        per_row = longest_row_tokens * self._shape.cached_token_bytes + 3 * self._shape.vocabulary * 4
        return max(1, int(self._cache_bytes // per_row))

    def fits_group(self, audio_s: float, rows: int, longest_s: float) -> bool:
        """Whether that much audio, its longest segment `longest_s`, may be encoded and prefilled together."""
        return rows == 1 or self._passing(audio_s, rows, longest_s, self.conv_chunks) * 3 // 4 <= self._passing_bytes

    def _passing(self, audio_s: float, rows: int, longest_s: float, conv_chunks: int) -> int:
        shape = self._shape
        tokens = int(13 * audio_s) + 40 * rows
        convolutions = self._convolutions_at_once * conv_chunks * shape.conv_chunk_bytes
        encoder = tokens * shape.encoder_token_bytes
        per_token = 8 * shape.width + 4 * (shape.heads + shape.kv_heads) * shape.head_dim + 3 * shape.inner_width
        longest = int(13 * longest_s) + 60
        scores = 2 * shape.heads * rows * longest * longest * shape.itemsize  # each row padded to the longest
        prefill = tokens * per_token * shape.itemsize + scores + 3 * rows * shape.vocabulary * 4
        return int(1.25 * max(convolutions + encoder, prefill))
