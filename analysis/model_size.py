"""How large a language model is, as far as its name or its folder tells."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

WARNED_BELOW = 3.0
"""Billions of parameters. A model of half a billion wrote false statements in most summaries (docs/language-models.md);
none between that and three was measured."""
_IN_NAME = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s?[bB](?![a-zA-Z])")
_MILLIONS = re.compile(r"(?<![\d.])(\d+)\s?[mM](?![a-zA-Z])")


def billions_of_parameters(model: str) -> float | None:
    """From a name such as `Qwen2.5-0.5B-Instruct` or `llama3.2:1b`; None where it does not say."""
    if found := _IN_NAME.search(model):
        return float(found.group(1))
    found = _MILLIONS.search(model)
    return float(found.group(1)) / 1000 if found else None


@lru_cache(maxsize=16)
def billions_in_folder(folder: Path) -> float | None:
    """From the weights' headers; None where there are none."""
    import json
    import math

    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        total += sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
    return total / 1e9 if total else None


def too_small(model: str, folder: Path | None = None) -> str | None:
    """The warning for a model that is known to be small; None for a larger one and for one of unknown size."""
    size = billions_in_folder(folder) if folder is not None else billions_of_parameters(model)
    if size is None or size >= WARNED_BELOW:
        return None
    return (
        f"{model} has {size:.2g} billion parameters: models below {WARNED_BELOW:g} billion often state "
        "what nobody said. Measure it on labelled calls before its answers are used "
        "(run.py evaluate summaries --labels DIR)"
    )
