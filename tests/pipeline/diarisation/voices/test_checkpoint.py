"""Checkpoints of PyTorch before 1.6, written here without PyTorch."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pipeline.diarisation.voices.checkpoint import read_tensors
from pipeline.errors import ModelUnavailable

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
MACHINE = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class FloatStorage:
    """Stands for torch.FloatStorage: its name is exchanged in the bytes."""


class HalfStorage:
    """The same."""


def rebuild() -> None:
    """Stands for torch._utils._rebuild_tensor_v2."""


class Stored:
    """A tensor to be pickled as PyTorch does."""

    def __init__(self, key: str, values: Any, strides: tuple[int, ...] | None = None, kind: type = FloatStorage):
        self.key, self.values, self.kind = key, values, kind
        self.strides = strides or tuple(step // values.itemsize for step in values.strides)

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (self.storage(), 0, self.values.shape, self.strides, False, OrderedDict())

    def storage(self) -> Storage:
        return Storage(self)


class Storage:
    def __init__(self, tensor: Stored) -> None:
        self.tensor = tensor


class Writer(pickle.Pickler):
    def persistent_id(self, found: Any) -> Any:
        if not isinstance(found, Storage):
            return None
        return ("storage", found.tensor.kind, found.tensor.key, "cpu", found.tensor.values.size, None)


def pickled(content: Any) -> bytes:
    out = io.BytesIO()
    Writer(out, protocol=2).dump(content)
    data = out.getvalue()
    for ours, theirs in (("FloatStorage", "torch"), ("HalfStorage", "torch")):
        data = data.replace(f"c{__name__}\n{ours}\n".encode(), f"c{theirs}\n{ours}\n".encode())
    return data.replace(f"c{__name__}\nrebuild\n".encode(), b"ctorch._utils\n_rebuild_tensor_v2\n")


def checkpoint(path: Path, tensors: Mapping[str, Stored], magic: int = MAGIC, **more: Any) -> Path:
    parts = [magic, PROTOCOL, MACHINE, {"model_state": OrderedDict(tensors), **more}]
    parts.append([tensor.key for tensor in tensors.values()])
    data = b"".join(pickled(part) for part in parts)
    for tensor in tensors.values():
        data += np.int64(tensor.values.size).tobytes() + tensor.values.astype("<f4").tobytes()
    path.write_bytes(data)
    return path


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(arrays(np.float32, array_shapes(max_dims=3, max_side=5)), min_size=1, max_size=4))
def test_what_is_written_is_read(tmp_path: Path, written: list[Any]) -> None:
    stored = {f"layer.{n}": Stored(str(100 + n), values) for n, values in enumerate(written)}
    found = read_tensors(checkpoint(tmp_path / "c.pt", stored, step=7, extra={"a": [1.5]}), "model_state")
    assert list(found) == list(stored)
    for name, tensor in stored.items():
        np.testing.assert_array_equal(found[name], tensor.values)


def test_of_a_side_of_one_value_the_stride_says_nothing(tmp_path: Path) -> None:
    stored = {"a": Stored("1", np.ones((2, 1, 3), np.float32), strides=(3, 7, 1))}
    assert read_tensors(checkpoint(tmp_path / "c.pt", stored), "model_state")["a"].shape == (2, 1, 3)


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def test_a_checkpoint_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    trace = tmp_path / "was_here"
    path = checkpoint(tmp_path / "c.pt", {"a": Stored("1", np.ones(2, np.float32))}, x=Malicious(trace))
    with pytest.raises(ModelUnavailable, match=r"c\.pt: not a checkpoint of tensors .*it asks for"):
        read_tensors(path, "model_state")
    assert not trace.exists()


def test_what_is_no_checkpoint_of_float32_tensors_is_said(tmp_path: Path) -> None:
    good = {"a": Stored("1", np.ones((2, 3), np.float32))}
    cut = checkpoint(tmp_path / "cut.pt", good)
    cut.write_bytes(cut.read_bytes()[:-7])
    (tmp_path / "text.pt").write_text("weights", encoding="utf-8")
    turned = {"a": Stored("1", np.ones((2, 3), np.float32), strides=(1, 2))}
    half = {"a": Stored("1", np.ones(2, np.float32), kind=HalfStorage)}
    bad = [
        cut,
        tmp_path / "text.pt",
        tmp_path / "nowhere.pt",
        checkpoint(tmp_path / "magic.pt", good, magic=1),
        checkpoint(tmp_path / "turned.pt", turned),
        checkpoint(tmp_path / "apart.pt", {"a": Stored("1", np.ones(2, np.float32), strides=(2,))}),
        checkpoint(tmp_path / "half.pt", half),
    ]
    for path in bad:
        with pytest.raises(ModelUnavailable, match="not a checkpoint of tensors"):
            read_tensors(path, "model_state")
    with pytest.raises(ModelUnavailable, match="not a checkpoint of tensors"):
        read_tensors(checkpoint(tmp_path / "good.pt", good), "another_part")
