"""Short calls of our own with what they are about, or that they are about nothing the glossaries list."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bench.materials.reference_calls import call_of
from pipeline.records import CallForAnalysis, CustomerSegment

_LABELS = Path(__file__).resolve().parents[1] / "labels"
DEVELOPED, APART = _LABELS / "asked_calls_developed.jsonl", _LABELS / "asked_calls_apart.jsonl"
FURTHER_SEEN, FURTHER_ASIDE = (_LABELS / f"asked_calls_further_{half}.jsonl" for half in ("seen", "aside"))
_TURN_S = 4.0


@dataclass(frozen=True, slots=True)
class AskedCall:
    call: CallForAnalysis
    kind: str
    """What is hard about it: `menu`, `negated`, `two_reasons`, …"""
    accept: tuple[str, ...]
    """Right answers, `topic` or `topic > subtopic`; empty for no topic."""
    second: tuple[str, ...]
    """The same for a second reason."""

    @property
    def topics(self) -> frozenset[str]:
        return frozenset(path.split(" > ")[0] for path in self.accept)

    @property
    def second_topics(self) -> frozenset[str]:
        return frozenset(path.split(" > ")[0] for path in self.second)


def asked_calls(path: Path) -> list[AskedCall]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        turns = [
            {**turn, "channel": int(turn["role"] != "client"), "start": _TURN_S * place, "end": _TURN_S * place + 3}
            for place, turn in enumerate(row["turns"])
        ]
        segment = CustomerSegment(row["segment"]) if row.get("segment") else None
        found.append(
            AskedCall(
                call_of(row["name"], turns, segment=segment), row["kind"], tuple(row["accept"]), tuple(row["second"])
            )
        )
    return found
