"""Vectors kept by their text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock

import numpy as np

from analysis.encoder.fixed import FixedVectors
from analysis.encoder.vectors import SentenceEncoder, Vectors


class CachedEncoder:
    """Remembers the vectors that were used last: steps read the same lines, and calls the same greetings.

    Thread-safe; one thread at a time is served.
    """

    def __init__(self, encoder: SentenceEncoder, most: int, fixed: FixedVectors | None = None) -> None:
        """`fixed`: where vectors of fixed phrases are kept; None for nowhere."""
        self._encoder, self._most, self._fixed = encoder, most, fixed
        self._kept: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = Lock()

    @property
    def space(self) -> str:
        return self._encoder.space

    @property
    def identity(self) -> str:
        return self._encoder.identity

    def knows(self, language: str | None) -> bool:
        return self._encoder.knows(language)

    def encode(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            return self._encode(texts)

    def encode_fixed(self, texts: Sequence[str]) -> Vectors:
        if self._fixed is None or not texts:
            return self.encode(texts)
        with self._lock:
            rows = self._fixed.of(texts, self._encode)
            self._keep(texts, rows)
            return rows

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """Not kept: what reads words keeps what it makes of them."""
        with self._lock:
            return self._encoder.encode_words(words)

    def close(self) -> None:
        with self._lock:
            self._kept.clear()
            self._encoder.close()

    def _encode(self, texts: Sequence[str]) -> Vectors:
        fresh = [text for text in dict.fromkeys(texts) if text not in self._kept]
        made = dict(zip(fresh, self._encoder.encode(fresh), strict=True)) if fresh else {}
        rows = [made[text] if text in made else self._kept[text] for text in texts]
        self._keep(texts, rows)
        return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)

    def _keep(self, texts: Sequence[str], rows: Iterable[Vectors]) -> None:
        for text, row in zip(texts, rows, strict=True):
            self._kept[text] = row
            self._kept.move_to_end(text)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
