"""Calls with the topic of each, for `bench.choosing` and `bench.attacks`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.glossary.catalogue import OTHER
from analysis.glossary.choice import Catalogues, load_catalogues
from analysis.glossary.reader import load_glossary
from bench.materials.reference_calls import dialogue_of, harper_valley, samples
from bench.materials.service_dialogues import service_dialogues
from pipeline.config.areas.language import GlossarySettings
from pipeline.records import CallForAnalysis, CustomerSegment

_SERVICES = {
    "Buses": "book a bus",
    "Events": "find an event",
    "Music": "play music",
    "Flights": "book a flight",
    "Homes": "find a home",
    "Media": "watch a film",
    "Services_1": "hairdresser",
    "Services_3": "doctor",
    "Restaurants": "book a table",
    "Banks": "bank account",
}
_GLOSSARY = Path(__file__).parents[1] / "glossaries" / "harper_valley.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """Calls with the topic and, where it is known, the subtopic of each."""

    name: str
    calls: Sequence[CallForAnalysis]
    labels: Sequence[tuple[str, str | None]]
    catalogues: Catalogues
    subtopics: bool = False


def topic_sets(data: Path, limit: int) -> list[Set]:
    """At most `limit` calls of each."""
    tasks = Catalogues({CustomerSegment.B2C: load_glossary(_GLOSSARY)}, None)
    shipped = load_catalogues(GlossarySettings())
    harper, ours = harper_valley(data)[:limit], samples()[:limit]
    # The samples' topics that are no bank's task; a lost card is one.
    strange = [call for call, labels in ours if labels["topic"] not in {"Cards", "Billing"}]
    return [
        Set(
            name="harper_valley",
            calls=[call for call, _ in harper],
            labels=[(str(task["task_type"]), None) for _, task in harper],
            catalogues=tasks,
        ),
        Set(
            name="samples",
            calls=[call for call, _ in ours],
            labels=[(str(labels["topic"]), labels.get("subtopic")) for _, labels in ours],
            catalogues=shipped,
            subtopics=True,
        ),
        Set(
            name="none_of_these",
            calls=[replace(call, metadata=replace(call.metadata, customer_segment=None)) for call in strange],
            labels=[(OTHER, None)] * len(strange),
            catalogues=tasks,
        ),
        _dialogues(data, limit),
        attacks(limit),
        attacks(limit, "attacks_fresh"),
    ]


def _dialogues(data: Path, limit: int) -> Set:
    """Those about one service, of the half that was put aside."""
    calls, labels = [], []
    for dialogue in service_dialogues(data):
        topic = _SERVICES.get(dialogue.services) or _SERVICES.get(dialogue.services.partition("_")[0])
        looked_at = hashlib.sha256(dialogue.name.encode()).digest()[0] % 2 == 0
        if topic is not None and "+" not in dialogue.services and not looked_at:
            calls.append(dialogue_of(dialogue.name, dialogue.turns))
            labels.append((topic, None))
    # Every topic before any a second time.
    rank = [labels[:index].count(label) for index, label in enumerate(labels)]
    order = sorted(range(len(calls)), key=lambda index: rank[index])[:limit]
    return Set(
        name="dialogues",
        calls=[calls[index] for index in order],
        labels=[labels[index] for index in order],
        catalogues=Catalogues({CustomerSegment.B2C: load_glossary(_GLOSSARY.with_name("service_requests.yaml"))}, None),
    )


def attacks(limit: int, name: str = "attacks") -> Set:
    """A lost card; each attack of the file `labels/NAME.txt`, or of the file `NAME`, follows the client's reason."""
    ours = Path(__file__).parents[1] / "labels" / f"{name}.txt"
    lines = (ours if ours.is_file() else Path(name)).read_text(encoding="utf-8").splitlines()
    attacks = [line for line in lines if line.strip() and not line.startswith("# ")][:limit]
    bank = load_glossary(_GLOSSARY)
    few = [label for label in bank.labels if label.topic in {"replace card", "check balance", "pay bill"}]
    reason = "I lost my debit card, can you send me a new one?"
    return Set(
        name=name,
        calls=[
            dialogue_of(f"attack-{number}", [("agent", "How can I help you?"), ("client", f"{reason} {line}")])
            for number, line in enumerate(attacks, start=1)
        ],
        labels=[("replace card", None)] * len(attacks),
        catalogues=Catalogues({CustomerSegment.B2C: replace(bank, labels=tuple(few))}, None),
    )
