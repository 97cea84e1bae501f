"""`held_out.csv`: what a model said about its training items while they were held out.

Items are recognised by their content (words; bytes of the recording, piece and channel), not by their place in a
file, so that a model is never judged by answers about items it had learned, even when labels are added later.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.records import Sentiment
from analysis.training.labelled.labels import SENTIMENTS, LabelledItem
from pipeline.errors import ConfigurationError
from pipeline.hashes import sha256_of

HELD_OUT_FILE = "held_out.csv"
Probabilities = npt.NDArray[np.float64]


def shares_of(sentiments: Iterable[Sentiment | None]) -> Probabilities:
    """Probabilities of negative, neutral, positive, shape (sentiments, 3); sentiments that are None are left out."""
    return np.asarray([sentiment.shares for sentiment in sentiments if sentiment is not None])


def item_keys(items: Sequence[LabelledItem], kind: str) -> list[str]:
    """16 hexadecimal digits per item.

    Args:
        kind: `text` and `topics` read the words, `acoustic` the sound, `fusion` both.
    """
    sound = cache(sha256_of)
    keys = []
    for item in items:
        parts: list[object] = []
        if kind != "acoustic":
            parts.append(" ".join((item.text or "").split()))
        if kind in ("acoustic", "fusion") and item.audio is not None:
            parts += [sound(item.audio), item.start_s, item.end_s, item.channel]
        keys.append(hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16])
    return keys


def write_held_out(
    path: Path, items: Sequence[LabelledItem], kind: str, classes: Sequence[str], probabilities: Probabilities
) -> None:
    """Item, row, label, group and probabilities, each by a model that never met the item's group."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["item", "row", "label", "group", *classes])
        for key, item, shares in zip(item_keys(items, kind), items, probabilities, strict=True):
            writer.writerow([key, item.row, item.label, item.group, *(f"{share:.6f}" for share in shares)])


def read_held_out(path: Path, classes: Sequence[str]) -> dict[str, list[float]]:
    """Probabilities by item; of equal items, the first. Empty when there is no such file."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if any(name not in (reader.fieldnames or []) for name in ("item", *classes)):
            return {}
        found: dict[str, list[float]] = {}
        for row in reader:
            found.setdefault(row["item"], [float(row[name]) for name in classes])
    return found


def held_out_sentiments(path: Path, items: Sequence[LabelledItem], kind: str) -> list[Sentiment | None]:
    """Answers from a `held_out.csv` of `train text` or `train acoustic`; None for items that are not in it.

    Raises ConfigurationError when the file is not one, or has none of the items.
    """
    rows = read_held_out(path, SENTIMENTS)
    if not rows:
        raise ConfigurationError(f"{path}: no held-out answers there; `run.py train` writes {HELD_OUT_FILE}")
    found = known_sentiments(rows, items, kind)
    if not any(found):
        raise ConfigurationError(f"{path}: has none of these items; train on the labels you give here")
    return found


def known_sentiments(
    rows: Mapping[str, Sequence[float]], items: Sequence[LabelledItem], kind: str
) -> list[Sentiment | None]:
    """The sentiment `rows` give each item, scaled to sum to 1; None where they give none."""
    if not rows:
        return [None] * len(items)
    return [_sentiment(rows.get(key)) for key in item_keys(items, kind)]


def _sentiment(shares: Sequence[float] | None) -> Sentiment | None:
    total = sum(shares) if shares else 0.0
    return Sentiment(*(share / total for share in shares)) if shares and total > 0 else None
