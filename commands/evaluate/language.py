"""`run.py evaluate topics | summaries`: each method side by side on calls that people labelled.

Labels are a folder with a JSON file per call, as in samples/truth: `turns` (who says what) and `labels` with `topic`
and `subtopic`, or `outcome` and `values` (what a summary must keep: amounts, days, names). docs/language-models.md
explains the figures.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.encoder.choice import open_encoder
from analysis.measured import LLM, Measured, MeasuredMethod, write_measured
from analysis.records import Summary, Topic
from analysis.summary.facts import SpokenFacts
from analysis.text import content_stems
from commands.terminal import Terminal, cell, say_json, table
from pipeline.config.loader import load_settings
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from pipeline.intervals import share
from pipeline.judging.truth import open_truth
from pipeline.ports import AnalysisStep
from pipeline.records import (
    CallForAnalysis,
    CallMetadata,
    CustomerSegment,
    EngineIdentity,
    Role,
    StepResult,
    Transcript,
    TranscriptChunk,
)

if TYPE_CHECKING:
    from rich.table import Table

_IDENTITY = EngineIdentity(engine="truth", model="", revision=None, options_hash="", rank=0, demonstration=False)
_BANDS = 5
_OUTCOME_KEPT = 0.5
"""Share of the words of a labelled outcome that its summary has to hold, in any form."""
SEED = 0


@dataclass(frozen=True, slots=True)
class LabelledCall:
    call: CallForAnalysis
    labels: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Method:
    """One way to fill a step, and the settings that choose it."""

    name: str
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a method made of all calls."""

    method: str
    model: str | None
    results: tuple[StepResult, ...]
    seconds: float
    """Wall time, loading included."""


def evaluate_language(
    step: str, config: Path, overrides: Sequence[str], labels: Path, *, save: Path | None, as_json: bool
) -> int:
    """Print the methods side by side; returns the exit code.

    Args:
        step: `topic` or `summary`.
        save: file for the figures, which `method: auto` reads.

    Raises:
        ConfigurationError: no labels, or a method that cannot be asked as configured.
    """
    settings = load_settings(config, overrides).settings
    calls = labelled_calls(labels, step)
    measured = measure(step, settings, calls)
    if save is not None:
        write_measured(save, measured)
    if as_json:
        say_json(
            {
                "step": measured.step,
                "calls": measured.calls,
                "methods": [
                    {"method": one.method, "model": one.model, "score": one.score, "interval": [one.low, one.high]}
                    | dict[str, Any](one.figures)
                    for one in measured.methods
                ],
            }
        )
    else:
        Terminal().print(_table(measured))
    return 0


def labelled_calls(folder: Path, step: str) -> list[LabelledCall]:
    """Raises ConfigurationError where no file has labels for the step."""
    wanted = "topic" if step == "topic" else "outcome"
    truth = open_truth(folder)
    found = []
    for path in sorted(folder.glob("*.json")):
        labels = _labels(path)
        true = truth.of(path.stem) if wanted in labels else None
        if true is None or not true.spoken:
            continue
        chunks = tuple(
            TranscriptChunk(
                channel=turn.channel,
                ordinal=place,
                role=Role(turn.role) if turn.role in ("agent", "client") else Role.UNKNOWN,
                start_s=turn.start_s if turn.start_s is not None else float(place),
                end_s=turn.end_s if turn.end_s is not None else float(place) + 1.0,
                text=turn.text,
            )
            for place, turn in enumerate(true.spoken)
        )
        segment = labels.get("segment") or next((one for one in CustomerSegment if f"_{one}_" in path.name), None)
        call = CallForAnalysis(
            call_id=path.stem,
            audio_sha256=path.stem,
            duration_s=max(chunk.end_s for chunk in chunks),
            metadata=CallMetadata(customer_segment=CustomerSegment(segment) if segment else None),
            transcript=Transcript(fingerprint=path.stem, identity=_IDENTITY, language=true.language, chunks=chunks),
            audio=(),
        )
        found.append(LabelledCall(call, labels))
    if not found:
        raise ConfigurationError(f"{folder}: no JSON file has turns and labels.{wanted}; samples/truth shows the form")
    return found


def _labels(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"{path}: not JSON: {error}") from None
    labels = document.get("labels") if isinstance(document, dict) else None
    return labels if isinstance(labels, dict) else {}


def measure(step: str, settings: Settings, calls: Sequence[LabelledCall]) -> Measured:
    """Ask every method of the step about every call."""
    judge = _judge_topics if step == "topic" else _judge_summaries
    methods = [
        judge(_answers(step, method, [one.call for one in calls]), calls) for method in methods_of(step, settings)
    ]
    return Measured(step=step, calls=len(calls), methods=tuple(methods))


def methods_of(step: str, settings: Settings) -> Iterator[Method]:
    """Those without a model, the trained one where there is one, and each provider by itself."""
    without = settings.llm.model_copy(update={"providers": ("extractive",)})
    if step == "summary":
        yield _method("extractive", settings, without, step)
    else:
        yield _method("keywords", settings, without, step)
        if settings.topics.trained.model_dir is not None:
            yield _method("trained", settings, without, step)
    for name in settings.llm.providers:
        if name != "extractive":
            alone = settings.llm.model_copy(update={"providers": (name,), "strict": True})
            yield _method(LLM, settings, alone, step)


def _method(name: str, settings: Settings, llm: Any, step: str) -> Method:
    area = "topics" if step == "topic" else "summary"
    chosen = getattr(settings, area).model_copy(update={"method": name, "measured": None})
    return Method(name, settings.model_copy(update={"llm": llm, area: chosen}))


def _answers(step: str, method: Method, calls: Sequence[CallForAnalysis]) -> Answered:
    from analysis.llm.router import build_router
    from analysis.redaction import build_redactor
    from analysis.steps import build_language_steps

    settings = method.settings
    router = build_router(settings.llm, build_redactor(settings.redaction)) if method.name == LLM else None
    try:
        steps = build_language_steps(settings, router, open_encoder(settings.encoder))
        serving: AnalysisStep = next(one for one in steps if one.name == step)
        started = time.monotonic()
        results = tuple(serving.run(calls, [{}] * len(calls)))
        took = time.monotonic() - started
        model = router.models[0] if router is not None else None
        return Answered(method=method.name, model=model, results=results, seconds=took)
    finally:
        if router is not None:
            router.close()


# ------------------------------------------------------------------------------------------ judging


def _judge_topics(answered: Answered, calls: Sequence[LabelledCall]) -> MeasuredMethod:
    """Score: topics that are right, of all calls; a withheld answer is not right."""
    found = [one.payload if isinstance(one.payload, Topic) else None for one in answered.results]
    right = [topic is not None and topic.topic == one.labels["topic"] for topic, one in zip(found, calls, strict=True)]
    both = [
        hit and topic is not None and topic.subtopic == one.labels.get("subtopic")
        for hit, topic, one in zip(right, found, calls, strict=True)
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


def _judge_summaries(answered: Answered, calls: Sequence[LabelledCall]) -> MeasuredMethod:
    """Score: what of the labelled values and the outcome is kept, times the share of statements that are verified."""
    kept, outcomes, verified = [], [], []
    for result, one in zip(answered.results, calls, strict=True):
        text = _text_of(result.payload)
        wanted = [str(value) for value in one.labels.get("values", ())]
        hits = [holds(text, value, one.call.transcript.language) for value in wanted]
        outcome = tells(text, str(one.labels["outcome"]), one.call.transcript.language)
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
    interval = share(scores, [1.0] * len(scores), SEED)
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


def _table(measured: Measured) -> Table:
    names = list(measured.methods[0].figures)
    made = table(f"{measured.step}: {measured.calls} calls")
    for name in ("method", "score (95 %)", *names):
        made.add_column(name.replace("_", " "))
    for one in measured.methods:
        figures = ("-" if one.figures[name] is None else f"{one.figures[name]:.3g}" for name in names)
        interval = "" if one.low is None or one.high is None else f" ({one.low:.2f} to {one.high:.2f})"
        made.add_row(cell(one.model or one.method), f"{one.score:.2f}{interval}", *figures)
    return made
