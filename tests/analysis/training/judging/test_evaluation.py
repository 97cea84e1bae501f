"""Words, voice and both side by side, on answers that were drawn: figures and verdict kept as they are."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from analysis.records import Sentiment
from analysis.training.judging.engine_answers import BothSides
from analysis.training.judging.evaluation import evaluate_sentiment
from analysis.training.labelled.labels import SENTIMENTS, LabelledItem, Labels
from pipeline.config.areas.sentiment import SentimentSettings
from tests.pinned import assert_pinned

_MORE_DIGITS = re.compile(r"(?<=\.\d{4})\d+")
SIDES: Mapping[str, tuple[float, float, float, float]] = {
    "both good": (0.8, 0.8, 1.0, 1.0),
    "good words, bad voice": (0.9, 0.2, 1.0, 1.0),
    "bad words, good voice": (0.2, 0.9, 1.0, 1.0),
    "one is missing now and then": (0.7, 0.7, 0.7, 0.5),
    "never both": (0.7, 0.7, 1.0, 0.0),
    "none": (0.5, 0.5, 0.0, 0.0),
    "each knows its half": (1.0, 1.0, 1.0, 1.0),
}
"""How often each is right, and how often each has a value."""


def said(
    generator: random.Random, label: str, right: float, there: float, *, guesses: bool = False
) -> Sentiment | None:
    if generator.random() >= there:
        return None
    told = label if generator.random() < right and not guesses else generator.choice(SENTIMENTS)
    shares = [1.0 + (0.2 if guesses else 6.0) * (name == told) * generator.random() for name in SENTIMENTS]
    first, second = (round(share / sum(shares), 4) for share in shares[:2])
    return Sentiment(first, second, 1.0 - first - second)


def test_sides_and_fusion_are_scored() -> None:
    assert_pinned("evaluations.txt", "\n".join(_evaluated()))


def _evaluated() -> Iterator[str]:
    for method in ("fixed", "off"):
        settings = SentimentSettings.model_validate(
            {"fusion": {"method": method, "agent_text_weight": 0.5, "client_text_weight": 0.5}}
        )
        for name, (words_right, voice_right, words_there, voice_there) in SIDES.items():
            generator = random.Random(name)
            items = tuple(
                LabelledItem(
                    row=row, label=generator.choice(SENTIMENTS), group=f"g{row % 9}", role=("agent", "client")[row % 2]
                )
                for row in range(72)
            )
            halves = "half" in name
            words = [
                said(generator, item.label, words_right, words_there, guesses=halves and item.row % 2 == 0)
                for item in items
            ]
            voice = [
                said(generator, item.label, voice_right, voice_there, guesses=halves and item.row % 2 == 1)
                for item in items
            ]
            sides = BothSides(Labels(path=Path("labels.csv"), sha256="0", items=items), words, voice, ("a note",))
            yield f"= {method}: {name}"
            found = asdict(evaluate_sentiment(sides, settings, 1))
            yield from (f"{key}: {re.sub(_MORE_DIGITS, '', str(value))}" for key, value in found.items())
