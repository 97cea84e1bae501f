"""What methods were worth on labelled calls, and which of them `method: auto` takes.

`run.py evaluate summaries --labels … --save FILE` and `evaluate topics` write such a file. `auto` takes the best method
in it; without a file it takes one that asks no language model, so that nothing is replaced by something worse unseen.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import ConfigurationError

LLM = "llm"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredMethod:
    """One method on one set of labelled calls."""

    method: str
    """`keywords`, `trained`, `extractive`, or `llm`."""
    model: str | None = None
    """Of `llm`: provider and model, as rows name them."""
    score: float
    """0..1, more is better; what it counts is in docs/language-models.md."""
    low: float | None
    high: float | None
    """95 % interval of the score; None for a single call."""
    figures: dict[str, float | None]
    """What else was measured, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    step: str
    """`topic` or `summary`."""
    calls: int
    methods: tuple[MeasuredMethod, ...]


def write_measured(path: Path, measured: Measured) -> None:
    path.write_text(json.dumps(asdict(measured), indent=1) + "\n", encoding="utf-8")


def read_measured(path: Path, step: str) -> Measured:
    """Raises ConfigurationError where it is no such file, or one of another step."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        methods = tuple(MeasuredMethod(**method) for method in document["methods"])
        measured = Measured(step=document["step"], calls=document["calls"], methods=methods)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path}: not what `run.py evaluate` saves ({error}); measure again with --save"
        ) from None
    if measured.step != step:
        raise ConfigurationError(f"{path}: measured for {measured.step}, not for {step}")
    return measured


def best_method(measured: Measured, available: Collection[str], models: Sequence[str]) -> str | None:
    """The method with the highest score among those available; None where none of them was measured.

    A language model counts only if it is the one that would be asked first; on a tie the method without a model wins.
    """
    first = models[0] if models else None
    usable = [
        method
        for method in measured.methods
        if method.method in available and (method.method != LLM or (first is not None and method.model == first))
    ]
    best = max(usable, key=lambda method: (method.score, method.method != LLM), default=None)
    return best.method if best else None
