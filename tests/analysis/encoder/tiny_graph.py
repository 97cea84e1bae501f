"""A sentence encoder of a few numbers: an ONNX graph written byte by byte, and a tokenizer of whole words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

WORDS = ("[UNK]", "query", "my", "card", "parcel", "is", "lost")
SIZE = 4


def write_tiny_encoder(folder: Path, *, pooled: bool = False) -> Path:
    """`input_ids` to `last_hidden_state` by a table of seeded numbers; `pooled`: to one vector a text instead."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "model.onnx").write_bytes(_model(table(), pooled))
    return folder


def table() -> np.ndarray:
    """Shape (words, dimensions): what the graph makes of each word."""
    return np.random.default_rng(4).normal(size=(len(WORDS), SIZE)).astype(np.float32)


def _model(values: np.ndarray, pooled: bool) -> bytes:
    tensor = b"".join(_number(1, size) for size in values.shape) + _number(2, 1) + _text(8, "table")
    nodes = _field(1, _node("Gather", ("table", "input_ids"), "last_hidden_state"))
    if pooled:
        axis = _field(5, _text(1, "axes") + _number(8, 1) + _number(20, 7))
        keep = _field(5, _text(1, "keepdims") + _number(3, 0) + _number(20, 2))
        nodes += _field(1, _node("ReduceMean", ("last_hidden_state",), "sentence") + axis + keep)
    given = _value("input_ids", 7, ("texts", "tokens"))
    made = (
        _value("sentence", 1, ("texts", SIZE)) if pooled else _value("last_hidden_state", 1, ("texts", "tokens", SIZE))
    )
    graph = nodes + _text(2, "tiny") + _field(5, tensor + _field(9, values.tobytes()))
    graph += _field(11, given) + _field(12, made)
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 13))


def _node(operator: str, inputs: tuple[str, ...], output: str) -> bytes:
    return b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, operator)


def _value(name: str, kind: int, shape: tuple[str | int, ...]) -> bytes:
    sizes = b"".join(_field(1, _number(1, size) if isinstance(size, int) else _text(2, size)) for size in shape)
    return _text(1, name) + _field(2, _field(1, _number(1, kind) + _field(2, sizes)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _field(field, value.encode())


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
