"""Putting a torch model on the device where it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.errors import ModelUnavailable
from pipeline.weights.hub import short


def on_device(model: Any, device: str, folder: Path, setting: str) -> Any:
    """The model, on its device and ready to infer.

    `setting` names the configuration key of the model, for messages. Raises ModelUnavailable where it
    does not fit in memory or the device does not work.
    """
    try:
        return model.to(device).eval()
    except Exception as error:
        # RuntimeError (out of memory among them), MemoryError or, in a build without CUDA, AssertionError
        raise ModelUnavailable(
            f"{folder}: the weights cannot be put on {device} ({short(error)}); free memory there, set "
            f"transcription.transformers_ctc.device to cpu, or take a smaller model ({setting})"
        ) from error
