"""Makes an adapter's strided convolutions see zeros after a segment's end, whatever it is batched with.

Transformers masks padding in its attention, but the adapter of Wav2Vec2-BERT and Wav2Vec2 (`add_adapter: true`) reads
across a segment's end into what the encoder left in the padding: the last frames would depend on the batch.
"""

from __future__ import annotations

from typing import Any


class AdapterPadding:
    """Hooks on the convolutions of a model's adapter; does nothing for a model without one.

    `lengths` must be set before each forward pass: valid encoder frames of each row, int64 of shape (rows,).
    """

    def __init__(self, model: Any) -> None:
        self.lengths: Any = None
        adapter = getattr(model.base_model, "adapter", None)
        layers = list(adapter.layers) if adapter is not None else []
        for depth, layer in enumerate(layers):
            for convolution in _convolutions(layer):
                convolution.register_forward_pre_hook(self._hook([_convolutions(layer)[0] for layer in layers[:depth]]))

    def _hook(self, before: list[Any]) -> Any:
        def zero_padding(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
            import torch

            hidden, lengths = inputs[0], self.lengths
            if lengths is None:
                return inputs
            for convolution in before:
                lengths = _after(convolution, lengths)
            frames = torch.arange(hidden.shape[-1], device=hidden.device)
            return (hidden.masked_fill(frames[None, None, :] >= lengths.to(hidden.device)[:, None, None], 0.0),)

        return zero_padding


def _convolutions(layer: Any) -> list[Any]:
    named = ("residual_conv", "self_attn_conv", "conv")
    return [getattr(layer, name) for name in named if hasattr(layer, name)]


def _after(convolution: Any, lengths: Any) -> Any:
    kernel, stride, padding = convolution.kernel_size[0], convolution.stride[0], convolution.padding[0]
    return (lengths + 2 * padding - kernel) // stride + 1
