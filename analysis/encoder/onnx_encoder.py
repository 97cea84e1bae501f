"""A sentence encoder as an ONNX graph (Reimers & Gurevych 2019, Sentence-BERT) with a tokenizer of `tokenizers`."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.encoder.vectors import Vectors
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.influence import Result, counted
from pipeline.errors import ModelUnavailable
from pipeline.weights.content import is_content
from pipeline.weights.hub import WeightsName, WeightsWanted

TOKENIZER = "tokenizer.json"
_MOST_TOKENS_OF_WORD, _MOST_TOKENS = 4, 448
"""Of a stretch whose words are encoded; the graph has 512 places."""
_MOST_ROWS_READ = 16_384
"""Rows of tokens that are kept, 1.5 kB each: about ten calls."""


def weights_of(settings: EncoderSettings) -> WeightsWanted:
    return WeightsWanted(
        model=settings.model,
        revision=settings.revision,
        patterns=(f"{settings.onnx_file}*", TOKENIZER),
        required=(settings.onnx_file, TOKENIZER),
        setting="encoder.model",
    )


def identity_of(settings: EncoderSettings, weights: WeightsName) -> str:
    """The space, and the languages for which steps use it."""
    return f"{space_of(settings, weights)} for {','.join(sorted(settings.languages or ())) or 'any language'}"


def space_of(settings: EncoderSettings, weights: WeightsName) -> str:
    """Which weights, read how. Equal weights have one space wherever they were found."""
    what = weights.revision if is_content(weights.revision) else f"{weights.model}@{weights.revision}"
    options = counted(settings, Result.IDENTITY)
    for setting in ("engine", "model", "revision", "languages"):
        del options[setting]
    return f"{settings.engine} {what} {json.dumps(options, sort_keys=True)}"


class OnnxEncoder:
    """Loaded at first use."""

    def __init__(self, settings: EncoderSettings, folder: Path, weights: WeightsName) -> None:
        self._settings, self._folder = settings, folder
        self.space, self.identity = space_of(settings, weights), identity_of(settings, weights)
        self._session: Any = None
        self._tokenizer: Any = None
        self._words_tokenizer: Any = None
        """The same, which cuts nothing off."""
        self._read: OrderedDict[tuple[int, ...], Vectors] = OrderedDict()
        """What was read last: a line's words are asked for by themselves, and the line by what answers it."""
        self._rows_read = 0

    def knows(self, language: str | None) -> bool:
        known = self._settings.languages
        return known is None or language is None or language.partition("-")[0].lower() in known

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One text at a time: in a batch the last bits of a vector depend on its neighbours, stored rows must not."""
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        if self._session is None:
            self._load()
        return np.stack([self._vector(text) for text in texts])

    def encode_fixed(self, texts: Sequence[str]) -> Vectors:
        return self.encode(texts)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """Each row is the mean of its word's first tokens."""
        if not words:
            return np.zeros((0, 0), dtype=np.float32)
        if self._session is None:
            self._load()
        encoded = self._words_tokenizer.encode(list(words), is_pretokenized=True)
        taken: Counter[int | None] = Counter()
        ids: list[int] = []
        owners: list[int | None] = []
        for token, owner in zip(encoded.ids, encoded.word_ids, strict=True):
            taken[owner] += 1
            if owner is None or (taken[owner] <= _MOST_TOKENS_OF_WORD and len(ids) < _MOST_TOKENS):
                ids.append(token)
                owners.append(owner)
        tokens = self._tokens(ids)
        rows = np.zeros((len(words), tokens.shape[1]), dtype=np.float32)
        counts = np.zeros(len(words), dtype=np.float32)
        inside = [index for index, owner in enumerate(owners) if owner is not None]
        of = np.asarray([owners[index] for index in inside], dtype=np.int64)
        np.add.at(rows, of, tokens[inside])
        np.add.at(counts, of, 1.0)
        rows /= np.maximum(counts, 1.0)[:, None]
        return rows

    def _vector(self, text: str) -> Vectors:
        """Shape (dimensions,)."""
        tokens = self._tokens(self._tokenizer.encode(self._settings.prefix + text).ids)
        pooled = tokens[0] if self._settings.pooling == "first" else tokens.mean(axis=0)
        length = float(np.linalg.norm(pooled))
        vector: Vectors = (pooled / max(length, 1e-12)).astype(np.float32)
        return vector

    def _tokens(self, ids: Sequence[int]) -> Vectors:
        """Shape (tokens, dimensions), not to be written to."""
        key = tuple(ids)
        tokens = self._read.pop(key, None)
        if tokens is None:
            tokens = self._run(ids)
            tokens.flags.writeable = False
            self._rows_read += len(tokens)
        self._read[key] = tokens
        while self._rows_read > _MOST_ROWS_READ:
            self._rows_read -= len(self._read.popitem(last=False)[1])
        return tokens

    def _run(self, ids: Sequence[int]) -> Vectors:
        """Shape (tokens, dimensions)."""
        inputs = {
            "input_ids": np.asarray([ids], dtype=np.int64),
            "attention_mask": np.ones((1, len(ids)), dtype=np.int64),
            "token_type_ids": np.zeros((1, len(ids)), dtype=np.int64),
        }
        wanted = {node.name: inputs[node.name] for node in self._session.get_inputs()}
        tokens: Vectors = self._session.run(None, wanted)[0][0]
        return tokens

    def _load(self) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._settings.threads
        options.inter_op_num_threads = 1
        graph = self._folder / self._settings.onnx_file
        try:
            tokenizer = Tokenizer.from_file(str(self._folder / TOKENIZER))
            session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - both libraries raise classes of their own, and bare ones
            raise ModelUnavailable(
                f"{graph}: cannot be loaded ({error}); point encoder.model at another folder"
            ) from None
        names = {node.name for node in session.get_inputs()}
        if unknown := names - {"input_ids", "attention_mask", "token_type_ids"}:
            raise ModelUnavailable(f"{graph}: wants inputs {sorted(unknown)}, which a sentence encoder does not have")
        if (shape := session.get_outputs()[0].shape) is not None and len(shape) != 3:
            raise ModelUnavailable(
                f"{graph}: its first output gives {len(shape)} dimensions, not (texts, tokens, size); an export with a "
                "vector for each token is wanted (last_hidden_state)"
            )
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._words_tokenizer = Tokenizer.from_str(tokenizer.to_str())
        tokenizer.enable_truncation(self._settings.max_tokens)
        self._tokenizer, self._session = tokenizer, session

    def close(self) -> None:
        self._session = self._tokenizer = self._words_tokenizer = None
        self._read.clear()
        self._rows_read = 0
