"""Short calls of our own with what they are about, or that they are about nothing the glossaries list."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bench.materials.reference_calls import dialogue_of
from pipeline.records import CallForAnalysis, CustomerSegment

_LABELS = Path(__file__).resolve().parents[1] / "labels"
DEVELOPED, APART = _LABELS / "asked_calls_developed.jsonl", _LABELS / "asked_calls_apart.jsonl"
FURTHER_SEEN, FURTHER_ASIDE = (_LABELS / f"asked_calls_further_{half}.jsonl" for half in ("seen", "aside"))
FRESH_SEEN, FRESH_ASIDE = (_LABELS / f"asked_calls_fresh_{half}.jsonl" for half in ("seen", "aside"))
STRANGERS, FOURTH = (_LABELS / f"asked_calls_{name}.jsonl" for name in ("strangers", "fourth"))
FIFTH_SEEN, FIFTH_ASIDE = (_LABELS / f"asked_calls_fifth_{half}.jsonl" for half in ("seen", "aside"))
OPENINGS_SEEN, OPENINGS_ASIDE = (_LABELS / f"asked_openings_{half}.jsonl" for half in ("seen", "aside"))
"""What a client says first, nothing else."""
FITTED_ON = (DEVELOPED, FURTHER_SEEN, FRESH_SEEN, STRANGERS, FOURTH, FIFTH_SEEN, OPENINGS_SEEN)


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
        segment = CustomerSegment(row["segment"]) if row.get("segment") else None
        turns = ((turn["role"], turn["text"]) for turn in row["turns"])
        call = dialogue_of(row["name"], turns, every_s=4.0, segment=segment)
        found.append(AskedCall(call, row["kind"], tuple(row["accept"]), tuple(row["second"])))
    return found
