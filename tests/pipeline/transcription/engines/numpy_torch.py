"""The few functions of torch that an engine needs to decode, over NumPy: for machines without the extra."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np

bfloat16, float16 = "bfloat16", "float16"


class OutOfMemoryError(RuntimeError):
    """No memory is left on the device."""


class Tensor(np.ndarray[Any, Any]):
    """An array with the methods of a tensor that are called here."""

    device = "cpu"

    def to(self, device: str) -> Tensor:
        del device
        return self

    def float(self) -> Tensor:
        return self.astype(np.float64).view(Tensor)

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> Tensor:
        return self

    def max(self, *, dim: int) -> Any:  # type: ignore[override]
        return np.max(np.asarray(self), axis=dim).view(Tensor), np.argmax(np.asarray(self), axis=dim).view(Tensor)

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        return np.where(mask, value, self).view(Tensor)


def tensor(values: Any) -> Tensor:
    made: Tensor = np.asarray(values).view(Tensor)
    return made


def full(shape: tuple[int, ...], value: int, device: str) -> Tensor:
    del device
    return np.full(shape, value).view(Tensor)


def arange(count: int, device: str) -> Tensor:
    del device
    return np.arange(count).view(Tensor)


def log_softmax(values: Tensor, dim: int) -> Tensor:
    return tensor(values - np.log(np.sum(np.exp(np.asarray(values)), axis=dim, keepdims=True)))


def inference_mode() -> Any:
    return nullcontext()


def machine(*, cuda: bool = False, mps: bool = False, bf16: bool = False) -> Any:
    """A torch that finds these devices; `threads` and `autocasts` say what it was told."""
    threads: list[int] = []
    autocasts: list[tuple[str, str]] = []

    def autocast(device: str, dtype: str) -> Any:
        autocasts.append((device, dtype))
        return nullcontext()

    return SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: cuda, is_bf16_supported=lambda: bf16),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
        threads=threads, set_num_threads=threads.append, autocasts=autocasts, autocast=autocast, bfloat16=bfloat16,
        float16=float16, full=full, log_softmax=log_softmax, inference_mode=inference_mode,
        OutOfMemoryError=OutOfMemoryError,
    )  # fmt: skip
