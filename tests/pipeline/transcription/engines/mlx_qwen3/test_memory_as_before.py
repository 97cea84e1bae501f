"""How much fits into so much memory, of models of some shapes: as it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from types import SimpleNamespace

from pipeline.transcription.engines.mlx_qwen3.memory import GIB, MemoryBudget, ModelShape, shape_of
from tests.pinned import assert_pinned


def shape(width: int, itemsize: int) -> ModelShape:
    text = SimpleNamespace(
        num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=8, head_dim=128, hidden_size=width,
        intermediate_size=3 * width, vocab_size=151_936,
    )  # fmt: skip
    audio = SimpleNamespace(
        downsample_hidden_size=480, num_mel_bins=128, n_window=50, d_model=896, encoder_ffn_dim=3584
    )
    return shape_of(SimpleNamespace(text_config=text, audio_config=audio), width * 2_000_000, itemsize)


def lines_of_budgets() -> Iterable[str]:
    for width, itemsize in ((64, 4), (1024, 2), (1024, 4)):
        made = shape(width, itemsize)
        yield f"width {width}, {itemsize} bytes: {astuple(made)}, a token {made.cached_token_bytes}"
        for limit_gib in (1.6, 2.2, 2.6, 3.0, 4.0, 6.0, 12.0, 64.0):
            for longest_s, at_once in ((30.0, 1), (30.0, 3), (10.0, 1)):
                told = f"  {limit_gib} GiB, {longest_s} s, {at_once} at once: "
                try:
                    budget = MemoryBudget(
                        int(limit_gib * GIB), made, int(30 * longest_s), longest_s, convolutions_at_once=at_once
                    )
                except ValueError as error:
                    yield f"{told}{error}"
                    continue
                groups = [
                    (
                        rows,
                        next(
                            (seconds for seconds in range(10, 600, 5) if not budget.fits_group(seconds, rows, 8.0)), 600
                        ),
                    )
                    for rows in (1, 2, 8, 32)
                ]
                yield (
                    f"{told}{budget.conv_chunks} chunks, {budget.allocator_cache_bytes} bytes, rows "
                    f"{[budget.rows(tokens) for tokens in (100, 500, 2000, 10**9)]}, groups up to {groups}"
                )


def test_budgets() -> None:
    assert_pinned("budgets.txt", "\n".join(lines_of_budgets()))
