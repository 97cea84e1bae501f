"""`run.py evaluate topics | summaries`: each method side by side on calls that people labelled.

Labels are a folder with a JSON file per call, as in samples/truth: `turns` (who says what) and `labels` with `topic`
and `subtopic`, or `outcome` and `values` (what a summary must keep: amounts, days, names). docs/language-models.md
explains the figures.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.encoder.choice import open_encoder
from analysis.measured import LLM, Measured, write_measured
from commands.console import Terminal, cell, table
from commands.evaluate.language_scores import Answered, LabelledCall, judge_summaries, judge_topics
from commands.terminal import say_json
from pipeline.config.loader import load_settings
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from pipeline.judging.truth import open_truth
from pipeline.ports import AnalysisStep
from pipeline.records import (
    CallForAnalysis,
    CallMetadata,
    CustomerSegment,
    EngineIdentity,
    Role,
    Transcript,
    TranscriptChunk,
)

if TYPE_CHECKING:
    from rich.table import Table

WORDS_ALONE = "keywords without the encoder"
"""Measured to show what the encoder adds; `method: auto` never takes it."""
_IDENTITY = EngineIdentity(engine="truth", model="", revision=None, options_hash="", rank=0, demonstration=False)


@dataclass(frozen=True, slots=True)
class Method:
    """One way to fill a step, and the settings that choose it."""

    name: str
    settings: Settings


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
                    {
                        "method": method.method,
                        "model": method.model,
                        "score": method.score,
                        "interval": [method.low, method.high],
                    }
                    | dict[str, Any](method.figures)
                    for method in measured.methods
                ],
            }
        )
    else:
        Terminal().print(_table(measured))
    return 0


def labelled_calls(folder: Path, step: str) -> list[LabelledCall]:
    """Raises ConfigurationError where no file has labels for the step."""
    wanted = "topic" if step == "topic" else "outcome"
    truth = open_truth(folder, "--labels")
    found = []
    for path in sorted(folder.glob("*.json")):
        labels = _labels(path)
        true = truth.of(path.stem) if wanted in labels else None
        if true is None or not true.spoken:
            continue
        chunks = tuple(
            TranscriptChunk(
                channel=turn.channel,
                ordinal=index,
                role=Role(turn.role) if turn.role in ("agent", "client") else Role.UNKNOWN,
                start_s=turn.start_s if turn.start_s is not None else float(index),
                end_s=turn.end_s if turn.end_s is not None else float(index) + 1.0,
                text=turn.text,
            )
            for index, turn in enumerate(true.spoken)
        )
        segment = labels.get("segment") or next((known for known in CustomerSegment if f"_{known}_" in path.name), None)
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
    judge = judge_topics if step == "topic" else judge_summaries
    methods = [
        judge(_answers(step, method, [labelled.call for labelled in calls]), calls)
        for method in methods_of(step, settings)
    ]
    return Measured(step=step, calls=len(calls), methods=tuple(methods))


def methods_of(step: str, settings: Settings) -> Iterator[Method]:
    """Those without a model, of topics with and without the sentence encoder, the trained one where there is one, and
    each provider by itself."""
    without = settings.llm.model_copy(update={"providers": ("extractive",)})
    if step == "summary":
        yield _method("extractive", settings, without, step)
    else:
        yield _method("keywords", settings, without, step)
        if settings.encoder.engine != "off":
            off = settings.encoder.model_copy(update={"engine": "off"})
            by_words = _method("keywords", settings.model_copy(update={"encoder": off}), without, step)
            yield replace(by_words, name=WORDS_ALONE)
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
    from analysis.llm.choice import build_router
    from analysis.redaction import redactor_of
    from analysis.steps import build_language_steps

    settings = method.settings
    router = build_router(settings.llm, redactor_of(settings)) if method.name == LLM else None
    try:
        steps = build_language_steps(settings, router, open_encoder(settings.encoder))
        serving: AnalysisStep = next(candidate for candidate in steps if candidate.name == step)
        started = time.monotonic()
        results = tuple(serving.run(calls, [{}] * len(calls)))
        took = time.monotonic() - started
        model = router.models[0] if router is not None else None
        return Answered(method=method.name, model=model, results=results, seconds=took)
    finally:
        if router is not None:
            router.close()


def _table(measured: Measured) -> Table:
    names = list(measured.methods[0].figures)
    headings = ("method", "score (95 %)", *(name.replace("_", " ") for name in names))
    made = table(f"{measured.step}: {measured.calls} calls", headings)
    for method in measured.methods:
        figures = ("-" if method.figures[name] is None else f"{method.figures[name]:.3g}" for name in names)
        interval = "" if method.low is None or method.high is None else f" ({method.low:.2f} to {method.high:.2f})"
        made.add_row(cell(method.model or method.method), f"{method.score:.2f}{interval}", *figures)
    return made
