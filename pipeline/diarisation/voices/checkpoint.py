"""Tensors out of a checkpoint of PyTorch before 1.6, read without PyTorch and without running what a pickle names.

Such a file is a row of pickles: a magic number, the protocol, the machine's sizes, the objects (their tensors by
storage key), the storage keys; then each storage as its count (int64) and its float32 values.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelUnavailable

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001

Tensors = Mapping[str, npt.NDArray[np.float32]]


class _Tensor(NamedTuple):
    storage: str
    offset: int
    shape: tuple[int, ...]


def read_tensors(path: Path, part: str) -> Tensors:
    """The float32 tensors under the key `part` of the checkpoint, by name.

    Raises ModelUnavailable for a file that is no such checkpoint, or whose pickles name anything but tensors.
    """
    try:
        with path.open("rb") as file:
            return _read(file, part)
    except (
        pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, AttributeError, IndexError, OSError
    ) as error:  # fmt: skip
        raise ModelUnavailable(f"{path}: not a checkpoint of tensors ({type(error).__name__}: {error})") from error


def _read(file: IO[bytes], part: str) -> Tensors:
    if _Reader(file).load() != _MAGIC or _Reader(file).load() != _PROTOCOL:
        raise ValueError("it does not begin as one")
    if not _Reader(file).load()["little_endian"]:
        raise ValueError("big-endian")
    wanted: Mapping[str, _Tensor] = _Reader(file).load()[part]
    storages: dict[str, npt.NDArray[np.float32]] = {}
    for key in _Reader(file).load():
        count = int(np.frombuffer(file.read(8), dtype="<i8")[0])
        storages[key] = np.frombuffer(file.read(4 * count), dtype="<f4")
    tensors = {}
    for name, (storage, offset, shape) in wanted.items():
        values = storages[storage][offset : offset + int(np.prod(shape))]
        tensors[name] = values.reshape(shape)
    return tensors


class _Reader(pickle.Unpickler):
    """Knows dictionaries, plain values and float32 tensors; refuses every other name."""

    def persistent_load(self, identity: Any) -> str:
        _, _, key, *_ = identity  # its kind is what `find_class` lets through
        return str(key)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name == "FloatStorage":
            return name
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _tensor(storage: str, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object) -> _Tensor:
    """Raises ValueError for a tensor whose values do not lie in the order of its shape."""
    step = 1
    for length, given in zip(reversed(shape), reversed(stride), strict=True):
        if length > 1 and given != step:
            raise ValueError(f"a tensor of shape {shape} with strides {stride}")
        step *= length
    return _Tensor(storage, offset, shape)
