"""Topics and summaries against what people labelled, in figures (docs/language-models.md explains them)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.measured import MeasuredMethod
from analysis.records import Summary, Topic
from analysis.summary.facts import SpokenFacts
from analysis.text import content_stems
from pipeline.intervals import share
from pipeline.records import CallForAnalysis, Role, StepResult, TranscriptChunk

_BANDS = 5
_OUTCOME_KEPT = 0.5
"""Share of the words of a labelled outcome that its summary has to hold, in any form."""
SEED = 0


@dataclass(frozen=True, slots=True)
class LabelledCall:
    call: CallForAnalysis
    labels: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a method made of all calls."""

    method: str
    model: str | None
    results: tuple[StepResult, ...]
    seconds: float
    """Wall time, loading included."""


def judge_topics(answered: Answered, calls: Sequence[LabelledCall]) -> MeasuredMethod:
    """Score: topics that are right, of all calls; a withheld answer is not right."""
    found = [result.payload if isinstance(result.payload, Topic) else None for result in answered.results]
    right = [
        topic is not None and topic.topic == call.labels["topic"] for topic, call in zip(found, calls, strict=True)
    ]
    both = [
        hit and topic is not None and topic.subtopic == call.labels.get("subtopic")
        for hit, topic, call in zip(right, found, calls, strict=True)
    ]
    sure = [
        (topic.confidence, hit)
        for topic, hit in zip(found, right, strict=True)
        if topic is not None and topic.confidence is not None
    ]
    # Of answers with a confidence: 0 is best, 0.25 is what a coin is worth.
    brier = sum((confidence - hit) ** 2 for confidence, hit in sure) / len(sure) if sure else None
    return _measured(
        answered,
        [float(hit) for hit in right],
        {
            "with_subtopic": sum(both) / len(calls),
            "no_answer": sum(topic is None for topic in found) / len(calls),
            "brier": brier,
            "calibration_error": expected_calibration_error(sure),
        },
    )


def expected_calibration_error(sure: Sequence[tuple[float, bool]]) -> float | None:
    """How far confidences are from the share that is right, in five bands of equal width (Guo et al. 2017); 0 is best.

    Of few calls it is too high: of fifty, about 0.08 where nothing is wrong.

    Args:
        sure: confidence 0..1 and whether the answer was right; without any the result is None.
    """
    if not sure:
        return None
    bands: dict[int, list[tuple[float, bool]]] = {}
    for confidence, hit in sure:
        bands.setdefault(min(_BANDS - 1, int(confidence * _BANDS)), []).append((confidence, hit))
    return sum(abs(sum(confidence - hit for confidence, hit in band)) for band in bands.values()) / len(sure)


def judge_summaries(answered: Answered, calls: Sequence[LabelledCall]) -> MeasuredMethod:
    """Score: what of the labelled values and the outcome is kept, times the share of statements that are verified."""
    kept, outcomes, verified = [], [], []
    for result, call in zip(answered.results, calls, strict=True):
        text = _text_of(result.payload)
        wanted = [str(value) for value in call.labels.get("values", ())]
        hits = [holds(text, value, call.call.transcript.language) for value in wanted]
        outcome = tells(text, str(call.labels["outcome"]), call.call.transcript.language)
        outcomes.append(float(outcome))
        kept.append((sum(hits) + outcome) / (len(hits) + 1))
        verified.append(_verified(result.payload))
    scores = [share_kept * sure for share_kept, sure in zip(kept, verified, strict=True)]
    return _measured(
        answered,
        scores,
        {
            "kept": sum(kept) / len(kept),
            "outcomes": sum(outcomes) / len(outcomes),
            "verified": sum(verified) / len(verified),
            "no_answer": sum(result.payload is None for result in answered.results) / len(calls),
        },
    )


def _text_of(payload: object) -> str:
    if not isinstance(payload, Summary):
        return ""
    return " \n".join([payload.text, *(f"{item.what} {item.by_when or ''}" for item in payload.action_items)])


def _verified(payload: object) -> float:
    """Share of statements that the call supports; 1 for the call's own sentences, 0 for no summary."""
    if not isinstance(payload, Summary):
        return 0.0
    if payload.check is None or payload.check == "verified":
        return 1.0
    numbers = [int(part) for part in payload.check.split() if part.isdigit()]
    return 1.0 - numbers[0] / numbers[1] if len(numbers) == 2 else 0.0


def holds(text: str, value: str, language: str | None) -> bool:
    """Whether a text tells a value: its numbers and dates however they are written, its words in any form."""
    told = SpokenFacts([_one_chunk(text)], language)
    if any(claim.kind in ("number", "date") for claim in told.unsupported(value, language)):
        return False
    wanted = [stem for stem in content_stems(value, language) if not stem.isdigit()]
    return set(wanted) <= set(content_stems(text, language))


def tells(text: str, outcome: str, language: str | None) -> bool:
    """Whether a text holds at least half of the words of an outcome, in any form."""
    wanted = set(content_stems(outcome, language))
    return bool(wanted) and len(wanted & set(content_stems(text, language))) >= _OUTCOME_KEPT * len(wanted)


def _one_chunk(text: str) -> TranscriptChunk:
    return TranscriptChunk(channel=0, ordinal=0, role=Role.UNKNOWN, start_s=0.0, end_s=1.0, text=text)


def _measured(answered: Answered, scores: Sequence[float], figures: dict[str, float | None]) -> MeasuredMethod:
    interval = share(scores, [1.0] * len(scores), SEED, most=1.0)
    costs = [result.cost_usd for result in answered.results if result.cost_usd is not None]
    return MeasuredMethod(
        method=answered.method,
        model=answered.model,
        score=sum(scores) / len(scores),
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        figures={
            **figures,
            "seconds_per_call": answered.seconds / len(scores),
            "usd_per_call": sum(costs) / len(scores) if costs else None,
        },
    )
