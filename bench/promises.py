"""Promises told of written dialogues of others: who says to do what later (`bench/labels/promises.yaml`).

    python -m bench.promises [--data ../shared/data] [--half seen|…|written_aside] [--rules] [--texts]

`strangers` and `written_…` are calls written for this by people who saw no code. What is learned is fitted on all but
`written_aside` (`python -m bench.promise_weights`, which also measures each by what was learned without it); with
`--rules` the rules alone tell. A turn that promises counts as found where a promise is told of it that holds its word.
What is told of a turn that counts neither way is left out; any other is one that nobody made. `--texts` shows all of
them, and what is told of every service dialogue (Rastogi et al. 2019), of which few are labelled. Shares have their
95 % interval (Wilson 1927).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from analysis.encoder.choice import open_encoder
from analysis.records import ActionItem
from analysis.summary.learned.promise_weights import PromiseWeights, shipped_for
from analysis.summary.promises import promised, promises
from analysis.summary.reading.readings import Reading, read
from analysis.summary.reading.sentences import sentences_of
from analysis.summary.reading.substance import Substance
from bench.materials.reference_calls import dialogue_of
from bench.materials.service_dialogues import service_dialogues
from bench.options import options_of
from bench.shares import share
from pipeline.config.areas.encoder import EncoderSettings

LABELS = Path(__file__).resolve().parent / "labels" / "promises.yaml"
WRITTEN_CALLS = LABELS.with_name("promise_calls.yaml")
STRANGERS, WRITTEN = "strangers", "written_"
HALVES = ("seen", "aside", "later", "services", STRANGERS, f"{WRITTEN}seen", f"{WRITTEN}aside")
_MOST = 100
Turns = Sequence[tuple[str, str]]
"""Role and words of each turn."""


def read_labels() -> dict[str, Any]:
    """The labelled dialogues of each half, and whole calls."""
    labels: dict[str, Any] = yaml.safe_load(LABELS.read_text(encoding="utf-8"))
    written = yaml.safe_load(WRITTEN_CALLS.read_text(encoding="utf-8"))
    return labels | {f"{WRITTEN}{half}": rows for half, rows in written.items()}


def dialogues(data: Path, half: str, labels: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Turns]]:
    if half == "services":
        by_name = {dialogue.name: dialogue.turns for dialogue in service_dialogues(data)}
        yield from ((row, by_name[row["dialogue"]]) for row in labels[half])
        return
    if half == STRANGERS or half.startswith(WRITTEN):
        yield from ((row, [(turn["role"], turn["text"]) for turn in row["turns"]]) for row in labels[half])
        return
    lines = (data / "text" / "dialogsum.dev.jsonl").read_text(encoding="utf-8").splitlines()
    for row in labels[f"dialogsum_{half}"]:
        turns = json.loads(lines[row["dialogue"]])["dialogue"].splitlines()
        yield row, [(_role(turn, row["agent"]), turn.partition(": ")[2]) for turn in turns]


def _role(turn: str, agent: int) -> str:
    if not agent:
        return "unknown"
    return "agent" if turn.startswith(f"#Person{agent}#") else "client"


def readings_of(turns: Turns, substance: Substance | None) -> list[Reading]:
    call = dialogue_of("dialogue", turns, in_turn=all(role == "unknown" for role, _ in turns))
    return read(sentences_of(call.transcript.chunks), substance)


def told(turns: Turns, substance: Substance | None, weights: PromiseWeights | None) -> list[tuple[int, ActionItem]]:
    """What is told, each with its turn (-1 where it is of no single turn); by the rules alone without `weights`."""
    readings = readings_of(turns, substance)
    return [
        (next((index for index, (_, text) in enumerate(turns) if folded(item.what) in folded(text)), -1), item)
        for item in promises(readings, promised(readings, weights), _MOST)
    ]


def folded(text: str) -> str:
    return " ".join(text.casefold().split()).strip(".?! ")


def counted(row: Mapping[str, Any], items: Sequence[tuple[int, ActionItem]]) -> tuple[int, list[ActionItem]]:
    """How many of the labelled promises are told, and what is told that nobody made."""
    left = [(turn, item) for turn, item in items if turn not in row["arguable"]]
    found = 0
    for turn, word in row["made"]:
        match = next(
            (placed for placed in left if placed[0] == turn and word.casefold() in folded(placed[1].what)), None
        )
        if match:
            left.remove(match)
            found += 1
    return found, [item for _, item in left]


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--half", choices=HALVES, action="append")
    parser.add_argument("--texts", action="store_true", help="show every answer")
    parser.add_argument("--rules", action="store_true", help="by the rules alone")
    chosen = parser.parse_args()
    encoder = None if chosen.rules else open_encoder(EncoderSettings()).encoder
    substance = Substance(encoder) if encoder else None
    weights = shipped_for(encoder.space) if encoder else None
    labels = read_labels()
    for half in chosen.half or HALVES:
        made = right = said = wrong = 0
        for row, turns in dialogues(chosen.data, half, labels):
            items = told(turns, substance, weights)
            found, beside = counted(row, items)
            made, right = made + len(row["made"]), right + found
            said, wrong = said + found + len(beside), wrong + len(beside)
            if chosen.texts and (items or row["made"]):
                print(f"{row.get('dialogue', row.get('call'))}: {found} of {row['made']}")
                for turn, item in items:
                    mark = "nobody's" if item in beside else "arguable" if turn in row["arguable"] else "made"
                    print(f"  - {mark}: turn {turn}, {item.who}, by {item.by_when}: {item.what}")
        print(f"{half:13s} promises found {share(right, made)}")
        print(f"{half:13s} told that nobody made {share(wrong, said)}")
    if chosen.texts and "services" in (chosen.half or HALVES):
        for dialogue in service_dialogues(chosen.data):
            for turn, item in told(dialogue.turns, substance, weights):
                print(f"{dialogue.name}: turn {turn}, {item.who}, by {item.by_when}: {item.what}")


if __name__ == "__main__":
    main()
