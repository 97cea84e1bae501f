"""The figures of a run as data; the page is drawn from them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from commands.report import spans as spans_of
from commands.report.attention import InputLimits, attention, offered, unusable
from commands.report.bottleneck import Load, bottleneck
from commands.report.drift import compare
from db.ledger.store import PostgresStore
from db.queries.calls import status_counts
from db.queries.report import Questions
from db.queries.runs import earlier_runs
from pipeline.config.areas.buckets import in_bucket
from pipeline.config.areas.run import usable_cores
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.config.root import Settings
from pipeline.run.batch import BatchResult
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.stages.fetch import default_limit_gb
from pipeline.sources.addresses import file_uri

SHOWN_DISAPPEARED = 50
SHOWN_UNUSABLE = 50
SHOWN_FAILED = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Everything the report is made from."""

    result: BatchResult
    recorder: PerformanceRecorder
    settings: Settings
    store: PostgresStore
    run_id: str
    stamp: str
    limits: InputLimits
    listed_whole: bool = True


def run_report(facts: RunFacts) -> dict[str, Any]:
    """The whole report; a MB or two at most, whatever the number of calls. Raises DatabaseUnavailable."""
    questions = Questions(facts.store.database, facts.run_id)
    quality = questions.quality()
    earlier = earlier_runs(facts.store.database, facts.run_id, facts.settings.reporting.report.compare_runs)
    gone = disappeared(facts)
    without_use = unusable(facts.result)
    return {
        **_headline(facts),
        **_stages(facts, questions),
        "services": questions.services(),
        "passed_over_providers": [
            {"provider": name, **asdict(use)}
            for name, use in sorted(facts.result.tally.services.items())
            if use.answered < use.asked
        ],
        "attention": attention(facts.result, facts.limits, gone["calls"]),
        "failures": failures(facts.result),
        "failed_calls": failed_calls(facts.result),
        "skipped": dict(Counter(s.reason for s in [*facts.result.plan.skipped, *facts.result.tally.skipped_files])),
        "reconciliation": _reconciliation(facts),
        "offered": offered(facts.result),
        "unusable": {
            "recordings": len(without_use),
            "first": [asdict(recording) for recording in without_use[:SHOWN_UNUSABLE]],
        },
        "disappeared": gone,
        "quality": quality,
        "comparison": {
            "runs": [{key: run[key] for key in run if key != "quality"} for run in earlier],
            "tests": compare(quality, [run["quality"] for run in earlier], facts.settings.reporting.report),
        },
    }


def _headline(facts: RunFacts) -> dict[str, Any]:
    result = facts.result
    wall_s, audio_s, identity = result.wall_s, result.tally.recognised_s, result.identity
    finished = result.tally.done + result.tally.failed + result.tally.skipped
    return {
        "run_id": facts.run_id,
        "stamp": facts.stamp,
        "wall_s": round(wall_s, 3),
        "audio_s": round(audio_s, 3),
        "speech_s": round(result.tally.speech_s, 3),
        "times_real_time": round(audio_s / wall_s, 3) if wall_s and audio_s else None,
        "files_per_hour": round(finished / wall_s * 3600) if wall_s and finished else None,
        "audio_hours_per_hour": round(audio_s / wall_s, 3) if wall_s and audio_s else None,
        "counts": result.counts,
        "adds_up": result.adds_up,
        "engine": identity.engine if identity else None,
        "model": identity.model if identity else None,
        "demonstration": identity.demonstration if identity else None,
        "passed_over": list(identity.passed_over) if identity else [],
        "calls_by_engine": dict(result.tally.by_engine),
        "engine_changes": [
            {**asdict(change), "at": change.at.isoformat(timespec="seconds")} for change in result.tally.engine_changes
        ],
        **transcription_cost(result, facts.settings.transcription),
        "recogniser_busy_s": round(result.recogniser_busy_s, 3),
        "recogniser_span_s": round(result.recogniser_span_s, 3),
        "recogniser_restarts": result.recogniser_restarts,
        "segment_flags": dict(sorted(result.tally.gates.items())),
        "interrupted": result.interrupted,
        "planned_stop": result.planned_stop,
    }


def transcription_cost(result: BatchResult, settings: TranscriptionSettings) -> dict[str, Any]:
    """What transcription services charge for the run; the cost is None where one's price is unknown."""
    prices = [settings.price(engine).usd_per_minute for engine in settings.engines]
    unknown = result.spent.units > 0 and None in prices
    return {
        "transcription_billed_s": result.spent.units,
        "transcription_cost_usd": None if unknown else round(result.spent.cost_usd, 4),
        "transcription_max_cost_usd": settings.max_cost_usd,
    }


def _stages(facts: RunFacts, questions: Questions) -> dict[str, Any]:
    recorder, run = facts.recorder, facts.settings.run
    options = facts.settings.reporting.report
    spans = list(recorder.spans)
    calls = spans_of.by_call(spans)
    end_s = max((span.end_s for span in spans), default=0.0)
    begin_s = min((span.start_s for span in spans), default=0.0)
    workers = {"prepare": run.decode_workers, "recognise": 1, "analyse": run.analysis_workers, "store": 1}
    busy = {stage: spans_of.busy_s(spans, stage) for stage in spans_of.STAGES}
    busy["recognise"] = facts.result.recogniser_busy_s
    window_s = end_s - begin_s
    utilisation = {stage: min(1.0, busy[stage] / (workers[stage] * window_s)) for stage in busy if window_s > 0}
    parts = questions.parts()
    limit_bytes = (facts.settings.run.max_memory_gb or default_limit_gb()) * 1e9
    machine = spans_of.mean_shares(recorder.samples)
    load = Load(
        startup_share=begin_s / end_s if end_s else 0.0,
        short_of_memory_share=spans_of.share_above(recorder.samples, limit_bytes * run.memory_threshold),
        utilisation=utilisation,
        machine=machine,
        longest_step=next((p["part"].split(".")[1] for p in parts if p["part"].startswith("analyse.")), None),
    )
    waits = [call.waits_s for call in calls]
    return {
        "stage_seconds": {stage: round(seconds, 3) for stage, seconds in busy.items()},
        "stages": [
            {
                "stage": stage,
                "workers": workers[stage],
                "utilisation": round(utilisation.get(stage, 0.0), 4),
                **spans_of.quantiles([call.share_s[stage] for call in calls if stage in call.share_s]),
            }
            for stage in spans_of.STAGES
        ],
        "parts": parts,
        "waits": [
            {"before": stage, **spans_of.quantiles([wait[stage] for wait in waits if stage in wait])}
            for stage in spans_of.STAGES[1:]
        ],
        "startup_s": round(begin_s, 3),
        "bottleneck": bottleneck(load, facts.settings, usable_cores()) if spans else None,
        "timeline": spans_of.timeline(spans, end_s),
        "calls": spans_of.scatter(calls, options.max_points),
        "slowest": spans_of.slowest(calls, options.slowest_calls),
        "resources": {
            **spans_of.resources(recorder.samples, options.max_points),
            "machine": None if machine is None else {key: round(part, 4) for key, part in asdict(machine).items()},
            "memory_limit_bytes": round(limit_bytes),
            "cores": usable_cores(),
        },
        "peak_memory_bytes": max((sample.memory_bytes for sample in recorder.samples), default=None),
    }


def failed_calls(result: BatchResult) -> list[dict[str, Any]]:
    """Every failed call with its reason, up to SHOWN_FAILED; failed_calls_*.json has all of them."""
    return [
        {
            "file_name": failure.found.file_name,
            "stage": failure.stage,
            "error_type": failure.error_type,
            "message": failure.message[:300],
        }
        for failure in result.tally.failures[:SHOWN_FAILED]
    ]


def failures(result: BatchResult, shown: int = 30) -> list[dict[str, Any]]:
    """Failed calls by type and stage, most frequent first, each with one message."""
    numbers = Counter((failure.error_type, failure.stage) for failure in result.tally.failures)
    example = {(failure.error_type, failure.stage): failure for failure in result.tally.failures}
    return [
        {
            "error_type": kind,
            "stage": stage,
            "calls": number,
            "transient": example[kind, stage].transient,
            "example": f"{example[kind, stage].found.file_name}: {example[kind, stage].message}"[:300],
        }
        for (kind, stage), number in numbers.most_common(shown)
    ]


def _reconciliation(facts: RunFacts) -> dict[str, Any]:
    database = facts.store.database
    return {
        "counts": facts.result.counts,
        "adds_up": facts.result.adds_up,
        "faults": list(facts.result.reconciliation.faults[:SHOWN_DISAPPEARED]),
        "database_this_run": status_counts(database, facts.run_id),
        "database_all": status_counts(database),
    }


def disappeared(facts: RunFacts) -> dict[str, Any]:
    """Recordings of this source that the database knows but the source no longer has; their rows are kept.
    None where only a part of it was listed."""
    if not facts.listed_whole:
        return {"calls": 0, "first": []}
    paths = (facts.settings.input.path, *facts.settings.input.more)
    plan = facts.result.plan
    seen = {*plan.uris, *plan.second_files, *(item.source_uri for item in (*plan.skipped, *plan.waiting))}
    gone: Sequence[str] = [
        uri for path in paths for prefix in prefixes(path) for uri in facts.store.disappeared(prefix, seen)
    ]
    return {"calls": len(gone), "first": list(gone[:SHOWN_DISAPPEARED])}


def prefixes(input_path: str) -> list[str]:
    """How addresses of this input begin; none for a single recording, beside which others may lie."""
    if in_bucket(input_path):
        return [input_path if input_path.endswith("/") else f"{input_path}/"]
    path = Path(os.path.abspath(os.path.expanduser(input_path)))
    address = file_uri(str(path)).removeprefix("file://")
    if path.is_dir():
        inside = address.rstrip("/") + "/"
        return [f"file://{inside}", f"zip://{inside}"]
    return [f"zip://{address}!/"] if path.suffix.lower() == ".zip" else []
