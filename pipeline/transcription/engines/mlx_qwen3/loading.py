"""From a folder of files to a model in memory, through the package's own loader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.errors import ModelUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A checkpoint in memory, evaluated in the thread that will use it."""

    model: Any
    """`mlx_qwen3_asr.model.Qwen3ASRModel`."""
    tokenizer: Any
    """`mlx_qwen3_asr.tokenizer.Tokenizer`."""
    dtype: Any
    """Activations' `mx.Dtype`."""
    folder: Path
    weight_bytes: int
    bits: int | None
    """Bits per weight of the decoder when it is quantised."""


def load_checkpoint(folder: Path, options: MlxQwen3Options, *, setting: str) -> LoadedModel:
    """Load, cast, quantise if asked, evaluate. Raises ModelUnavailable when the files do not make a model."""
    import mlx.core as mx
    from mlx_qwen3_asr.load_models import load_model
    from mlx_qwen3_asr.tokenizer import Tokenizer

    dtype = choose_dtype(options.precision)
    try:
        model, _ = load_model(str(folder), dtype=dtype)
        tokenizer = Tokenizer(str(folder))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AssertionError, RuntimeError) as error:
        text = " ".join(str(error).split())[:300]
        raise ModelUnavailable(
            f"{folder}: weights are corrupt or of another model ({type(error).__name__}: {text}); fetch them again, "
            f"or point {setting} elsewhere"
        ) from error
    if dtype == mx.float32:
        _widen(model)
    if options.quantize_bits is not None:
        _quantize(model, options, folder, setting)
    mx.eval(model.parameters())
    model.eval()
    mx.clear_cache()
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        dtype=dtype,
        folder=folder,
        weight_bytes=weight_bytes(model),
        bits=getattr(model.model.embed_tokens, "bits", None),
    )


def choose_dtype(precision: str) -> Any:
    """The `mx.Dtype` for a `precision` option; `auto` is float32 on the CPU, bfloat16 on a GPU."""
    import mlx.core as mx

    if precision == "auto":
        return mx.float32 if mx.default_device() == mx.Device(mx.cpu) else mx.bfloat16
    return {"float32": mx.float32, "float16": mx.float16, "bfloat16": mx.bfloat16}[precision]


def weight_bytes(model: Any) -> int:
    """Bytes of all parameters, a tied head counted once."""
    from mlx.utils import tree_flatten

    leaves: Any = tree_flatten(model.parameters())
    total = sum(int(value.nbytes) for _, value in leaves)
    if model.lm_head.weight is model.model.embed_tokens.weight:
        total -= int(model.lm_head.weight.nbytes)
    return total


def _widen(model: Any) -> None:
    """Cast to float32: the package leaves a half-precision checkpoint as it is, and the CPU is slow on those."""
    import mlx.core as mx
    from mlx.utils import tree_map

    tied = model.lm_head.weight is model.model.embed_tokens.weight
    model.update(
        tree_map(
            lambda value: value.astype(mx.float32) if mx.issubdtype(value.dtype, mx.floating) else value,
            model.parameters(),
        )
    )
    if tied:
        model.lm_head.weight = model.model.embed_tokens.weight


def _quantize(model: Any, options: MlxQwen3Options, folder: Path, setting: str) -> None:
    from mlx_qwen3_asr.convert import quantize_model

    if hasattr(model.model.embed_tokens, "bits"):
        raise ModelUnavailable(
            f"{folder}: already quantised to {model.model.embed_tokens.bits} bits; leave quantize_bits empty, or point "
            f"{setting} at unquantised weights"
        )
    tied = model.lm_head.weight is model.model.embed_tokens.weight
    try:
        quantize_model(
            model,
            bits=int(options.quantize_bits or 0),
            group_size=options.quantize_group_size,
            encoder_bits=options.quantize_encoder_bits,
        )
    except ValueError as error:
        raise ModelUnavailable(
            f"{folder}: cannot be quantised in groups of {options.quantize_group_size} ({error}); set "
            f"quantize_group_size to 32 or leave quantize_bits empty"
        ) from error
    if tied:
        for name in ("weight", "scales", "biases"):
            setattr(model.lm_head, name, getattr(model.model.embed_tokens, name))
