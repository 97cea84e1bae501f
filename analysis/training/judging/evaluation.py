"""Words, voice and both side by side on labelled items: `evaluate sentiment`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.records import Sentiment
from analysis.sentiment.fusion import build_fusion
from analysis.training.judging.engine_answers import BothSides
from analysis.training.judging.held_out import shares_of
from analysis.training.judging.measures import Comparison, Scores, compare, score
from analysis.training.labelled.labels import SENTIMENTS, LabelledItem
from pipeline.config.areas.sentiment import SentimentSettings
from pipeline.records import Role


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Words, voice and both, side by side."""

    items: int
    words: Scores | None
    voice: Scores | None
    fused: Scores | None
    both: int
    """Items with a value from both sides, on which the comparison is made."""
    against: str | None
    """The better single side on those items."""
    gain: Comparison | None
    """Fused minus that side, paired."""
    verdict: str
    notes: tuple[str, ...] = ()
    """Remarks for the reader of the answers: which were held out."""


def evaluate_sentiment(sides: BothSides, settings: SentimentSettings, seed: int = 0) -> Evaluation:
    """Figures of each side on the items it has a value for; of fusion on all (one side alone where one is missing)."""
    items = sides.labels.items
    fusion = build_fusion(settings)
    fused: list[Sentiment | None] = []
    for item, words, voice in zip(items, sides.words, sides.voice, strict=True):
        if words is not None and voice is not None:
            fused.append(fusion.join(words, voice, Role(item.role)) if fusion else None)
        else:
            fused.append((words or voice) if fusion else None)
    both = sides.complete()
    scores = {
        "words": _scores(items, sides.words, seed),
        "voice": _scores(items, sides.voice, seed),
        "fused": _scores(items, fused, seed),
    }
    against, gain = None, None
    if both and fusion is not None:
        against = max(("words", "voice"), key=lambda side: _recall(items, getattr(sides, side), both))
        truth, groups = _truth(items, both)
        gain = compare(truth, _rows(fused, both), _rows(getattr(sides, against), both), groups, seed)
    return Evaluation(
        items=len(items),
        words=scores["words"],
        voice=scores["voice"],
        fused=scores["fused"],
        both=len(both),
        against=against,
        gain=gain,
        verdict=_verdict(against, gain, fusion is not None),
        notes=sides.notes,
    )


def _verdict(against: str | None, gain: Comparison | None, fusing: bool) -> str:
    if not fusing:
        return "Fusion is switched off (sentiment.fusion.method: off)."
    if gain is None:
        return "No item has a value from both sides: fusion has nothing to join."
    difference = f"UAR difference {gain.recall}"
    if gain.recall.low > 0:
        return f"Fusion helps: better than {against} alone ({difference})."
    if gain.recall.high < 0:
        return (
            f"Fusion does not help, it harms: worse than {against} alone ({difference}); "
            "set sentiment.fusion.method: off, or train the weights (run.py train fusion)."
        )
    return (
        f"Fusion does not help: not told apart from {against} alone ({difference}); "
        "sentiment.fusion.method: off loses nothing here."
    )


def _truth(items: Sequence[LabelledItem], indices: Sequence[int]) -> tuple[npt.NDArray[np.intp], list[str]]:
    truth = np.asarray([SENTIMENTS.index(items[index].label) for index in indices], dtype=np.intp)
    return truth, [items[index].group for index in indices]


def _rows(sentiments: Sequence[Sentiment | None], indices: Sequence[int]) -> npt.NDArray[np.float64]:
    return shares_of([sentiments[index] for index in indices])


def _scores(items: Sequence[LabelledItem], sentiments: Sequence[Sentiment | None], seed: int) -> Scores | None:
    indices = [index for index, sentiment in enumerate(sentiments) if sentiment is not None]
    if not indices:
        return None
    truth, groups = _truth(items, indices)
    return score(truth, _rows(sentiments, indices), groups, seed)


def _recall(items: Sequence[LabelledItem], sentiments: Sequence[Sentiment | None], indices: Sequence[int]) -> float:
    truth, groups = _truth(items, indices)
    return score(truth, _rows(sentiments, indices), groups, 0).recall.value
