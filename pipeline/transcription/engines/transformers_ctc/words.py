"""Words, their times and confidences out of the frames of a CTC model: the best token of each frame, in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.records import Word


def spelt_words(
    tokenizer: Any, tokens: Sequence[int], best: Sequence[float], duration_s: float
) -> tuple[tuple[Word, ...], float | None]:
    """The words that the frames spell, and the confidence of the whole; None where there are no words.

    Confidences are geometric means: a word's over its frames that spell a letter, that of the whole over these and the
    gaps between words.

    Args:
        tokenizer: a Wav2Vec2CTCTokenizer, whose pad token is the blank.
        tokens: best token of each frame.
        best: natural log-probability of each frame's best token.
        duration_s: what the frames span, in seconds.
    """
    heard = _heard(tokenizer, tokens)
    # the tokenizer's own skipping of special tokens would drop the blanks too, before equal neighbours are joined
    decoded = tokenizer.decode(heard, output_word_offsets=True, skip_special_tokens=False)
    spelling = [i for i, token in enumerate(heard) if token != tokenizer.pad_token_id]
    frame_s = duration_s / max(1, len(heard))
    words = tuple(
        Word(
            text=item["word"],
            start_s=min(float(item["start_offset"]) * frame_s, duration_s),
            end_s=min(float(item["end_offset"]) * frame_s, duration_s),
            confidence=_mean_probability(best, spelling, item["start_offset"], item["end_offset"]),
        )
        for item in decoded.word_offsets
        if item["word"].strip()
    )
    return words, _mean_probability(best, spelling, 0, len(heard)) if words else None


def _heard(tokenizer: Any, tokens: Sequence[int]) -> list[int]:
    """The frames, as many as before, with the blank where a token spells nothing: begin, end, unknown."""
    silent = set(tokenizer.all_special_tokens) - {tokenizer.word_delimiter_token}
    names = tokenizer.convert_ids_to_tokens(tokens)  # an id outside the vocabulary counts as unknown
    return [tokenizer.pad_token_id if name in silent else token for token, name in zip(tokens, names, strict=True)]


def _mean_probability(best: Sequence[float], spelling: Sequence[int], begin: int, end: int) -> float | None:
    values = [float(best[i]) for i in spelling if begin <= i < end]
    return min(1.0, math.exp(float(np.mean(values)))) if values else None
