"""Fits what is learned of promises, `analysis/summary/learned/promises.json`.

    python -m bench.promise_weights [--data ../shared/data] [--write] [--apart]

Fitted on our own pairs of turns (`bench/labels/promise_lines.txt`), on calls written by people who saw no code and on
written dialogues of others (`bench.promises`, all but `written_aside`). A sentence that holds a labelled promise
promises; what counts neither way is left out. `--apart` measures each writer's calls, and each third of the dialogues,
by what was fitted without them, though the rules had seen most of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import Vectors
from analysis.summary.learned.features import features_of
from analysis.summary.learned.promise_weights import WEIGHTS, PromiseWeights, weights_of
from analysis.summary.reading.promising import promising_clauses
from analysis.summary.reading.readings import Reading
from analysis.summary.reading.substance import Substance
from bench.options import options_of
from bench.promises import (
    HALVES,
    LABELS,
    STRANGERS,
    WRITTEN,
    Turns,
    counted,
    dialogues,
    folded,
    read_labels,
    readings_of,
    told,
)
from bench.shares import share
from pipeline.config.areas.encoder import EncoderSettings

LINES = LABELS.with_name("promise_lines.txt")
STRENGTH, RARE, MOST_STEPS, DECIMALS = 0.3, 4, 500, 3
VECTOR_SCALE = 4.0
"""How much easier a dimension of the vector is weighted than a feature: its values are around a twentieth."""
EACH_WRITER, PARTS = 15, 3
_OTHER = {"agent": "client", "client": "agent"}
_FEWEST_WORDS = 3
"""Of a sentence that is a piece of a labelled promise."""
OURS = "ours"


@dataclass(frozen=True, slots=True)
class Talk:
    """A call or dialogue of one hand."""

    hand: str
    half: str
    row: Mapping[str, Any]
    turns: Turns


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence."""

    hand: str
    features: Mapping[str, float]
    vector: Vectors
    promises: bool


def talks(data: Path) -> Iterator[Talk]:
    """All but what is put aside. The dialogues of others are parted by their number."""
    labels = read_labels()
    for half in HALVES:
        if half == f"{WRITTEN}aside":
            continue
        for index, (row, turns) in enumerate(dialogues(data, half, labels)):
            hand = f"dialogues {index % PARTS}"
            if half == STRANGERS:
                hand = f"stranger {index // EACH_WRITER}"
            elif half.startswith(WRITTEN):
                hand = half
            yield Talk(hand, half, row, turns)


def examples_of(talk: Talk, substance: Substance) -> Iterator[Example]:
    readings = readings_of(talk.turns, substance)
    promising = {
        best
        for turn, words in talk.row["made"]
        if (best := _holding(folded(words), [reading for reading in readings if _is_of(reading, talk.turns[turn])]))
        is not None
    }
    arguable = [talk.turns[turn] for turn in talk.row["arguable"]]
    for reading in readings:
        if reading in promising or not any(_is_of(reading, turn) for turn in arguable):
            yield _example(talk.hand, reading, readings, promises=reading in promising)


def _is_of(reading: Reading, turn: tuple[str, str]) -> bool:
    return turn[0] == reading.sentence.role.value and folded(reading.text) in folded(turn[1])


def _holding(words: str, of_turn: Sequence[Reading]) -> Reading | None:
    """The sentence that holds these words, else one that is a piece of them."""
    whole = [reading for reading in of_turn if words in folded(reading.text)]
    pieces = [
        reading for reading in of_turn if folded(reading.text) in words and len(reading.text.split()) >= _FEWEST_WORDS
    ]
    return next(iter([*whole, *pieces]), None)


def _example(hand: str, reading: Reading, readings: Sequence[Reading], *, promises: bool) -> Example:
    by_rule = bool(promising_clauses(reading, readings))
    return Example(hand, features_of(reading, readings, by_rule=by_rule), reading.vector, promises)


def examples_of_lines(substance: Substance) -> Iterator[Example]:
    """Of an answer that promises the longest sentence does; whether the others do is not said."""
    for line in LINES.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        about, before, answer = (part.strip() for part in line.split("|"))
        mark, role = about.split()
        readings = readings_of([(_OTHER[role], before), (role, answer)], substance)
        own = [reading for reading in readings if reading.sentence.role.value == role]
        longest = max(own, key=lambda reading: len(reading.text))
        for reading in own if mark == "-" else [longest]:
            yield _example(OURS, reading, readings, promises=mark == "+")


def fit(found: Sequence[Example], space: str) -> dict[str, Any]:
    """What `promises.json` holds."""
    from sklearn.linear_model import LogisticRegression

    counts = Counter(name for example in found for name in example.features)
    columns = {name: index for index, name in enumerate(sorted(name for name, n in counts.items() if n >= RARE))}
    rows = np.zeros((len(found), len(columns)), dtype=np.float32)
    for row, example in zip(rows, found, strict=True):
        for name, value in example.features.items():
            if name in columns:
                row[columns[name]] = value
    vectors = VECTOR_SCALE * np.stack([example.vector for example in found])
    model = LogisticRegression(C=STRENGTH, max_iter=MOST_STEPS)
    model.fit(np.hstack([rows, vectors]), [example.promises for example in found])
    weights = model.coef_[0].astype(np.float64)
    return {
        "space": space,
        "constant": round(float(model.intercept_[0]), DECIMALS),
        "features": {name: round(float(weights[index]), DECIMALS) for name, index in columns.items()},
        "vector": (VECTOR_SCALE * weights[len(columns) :]).round(DECIMALS).tolist(),
    }


def apart(found: Sequence[Example], chosen: Sequence[Talk], substance: Substance, *, show: bool) -> None:
    """The talks of each hand by what was fitted without it."""
    sums: dict[str, list[int]] = {}
    for hand in sorted({talk.hand for talk in chosen}):
        weights = weights_of(fit([example for example in found if example.hand != hand], substance.space))
        for talk in (talk for talk in chosen if talk.hand == hand):
            _count(talk, substance, weights, sums, show=show)
            _count(talk, substance, None, sums, show=False)
    for name, (right, made, wrong, said) in sorted(sums.items()):
        print(f"{name}: found {share(right, made)}; told that nobody made {share(wrong, said)}")


def _count(
    talk: Talk, substance: Substance, weights: PromiseWeights | None, sums: dict[str, list[int]], *, show: bool
) -> None:
    items = told(talk.turns, substance, weights)
    right, beside = counted(talk.row, items)
    name = talk.hand if talk.half.startswith((STRANGERS, WRITTEN)) else talk.half
    of_half = sums.setdefault(f"{name}, {'rules' if weights is None else 'rules and learned'}", [0, 0, 0, 0])
    for index, more in enumerate((right, len(talk.row["made"]), len(beside), right + len(beside))):
        of_half[index] += more
    if show and (beside or right < len(talk.row["made"])):
        print(talk.hand, talk.row.get("call", talk.row.get("dialogue")), talk.row["made"])
        for turn, item in items:
            print(f"  {'nobody' if item in beside else 'told'} {turn} {item.who}: {item.what}")


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--write", action="store_true", help=f"write {WEIGHTS.name}")
    parser.add_argument("--apart", action="store_true", help="measure each hand by what was fitted without it")
    parser.add_argument("--show", action="store_true", help="with --apart: what was missed and told wrongly")
    arguments = parser.parse_args()
    encoder = open_encoder(EncoderSettings()).encoder
    if encoder is None:
        print(json.dumps({"skipped": "no sentence encoder"}))
        return
    substance = Substance(encoder)
    chosen = list(talks(arguments.data))
    found = [example for talk in chosen for example in examples_of(talk, substance)] + [*examples_of_lines(substance)]
    print(f"{len(found)} sentences, {sum(example.promises for example in found)} of them promise")
    if arguments.write:
        about = "Written by python -m bench.promise_weights, which says from what."
        record = {"about": about, **fit(found, encoder.space)}
        WEIGHTS.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")
    if arguments.apart:
        apart(found, chosen, substance, show=arguments.show)


if __name__ == "__main__":
    main()
