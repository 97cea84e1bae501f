"""The whole report of one invented run, as data and as the page drawn from it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from commands.report import spans as spans_of
from commands.report.attention import InputLimits
from commands.report.bottleneck import Load, bottleneck
from commands.report.build import RunFacts, disappeared, failures, run_report, transcription_cost
from commands.report.page import charts, page, shown_number, shown_seconds, shown_share
from db.ledger.store import PostgresStore
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.config.root import Settings
from pipeline.handled import ServiceUse
from pipeline.purse import Purse
from pipeline.records import CallFailure, EngineIdentity
from pipeline.run.batch import BatchResult
from pipeline.run.performance import GpuReading, MachineShares, PerformanceRecorder, ResourceSample, StageSpan
from pipeline.run.planning.plan import Plan
from pipeline.run.reconcile import COUNTED, Reconciliation
from pipeline.run.tally import EngineChange, Tally
from tests.commands.report.test_attention import failure, found, skipped
from tests.pinned import assert_pinned

SPANS = [
    StageSpan("prepare", "a.wav", 10.0, 12.0, 60.0),
    StageSpan("prepare.vad", "a.wav", 10.5, 11.0, 60.0),
    StageSpan("prepare", "b.wav", 10.0, 13.0, 30.0),
    StageSpan("recognise", "a.wav", 13.0, 17.0, 60.0),
    StageSpan("recognise", "b.wav", 15.0, 19.0, 30.0),
    StageSpan("analyse", "a.wav", 17.5, 18.5, 60.0),
    StageSpan("store", "a.wav", 18.5, 19.0, 60.0),
    StageSpan("store", "b.wav", 19.0, 20.0, 30.0),
]
SAMPLES = [
    ResourceSample(1.0, 10**9, 50.0, {"store": 1}),
    ResourceSample(
        2.04, 3 * 10**9, 150.0, {"prepare": 2, "other": 1}, GpuReading(2**30, 40.0), 5 * 10**8,
        MachineShares(0.1, 0.02, 0.03, 0.5),
    ),
    ResourceSample(3.0, 2 * 10**9, 250.0, {"prepare": 1, "store": 3}, None, None, MachineShares(0.3, 0.0, 0.05, 0.1)),
]  # fmt: skip


def result() -> BatchResult:
    tally = Tally(
        done=2,
        failed=3,
        skipped=1,
        recognised_s=90.0,
        speech_s=41.5,
        failures=[failure("c.wav", True), failure("d.wav", False), other_failure()],
        skipped_files=[skipped("e.wav", "not_audio")],
        gates={"quiet": 2, "clipped": 5},
        services={"chat": ServiceUse(4, 1, "503"), "local": ServiceUse(2, 2, None)},
        by_engine={"scripted": 2},
        engine_changes=[
            EngineChange(at=datetime(2026, 9, 14, 3, 4, 5, 678, tzinfo=UTC), left="mlx", now="scripted", why="away",
                         calls_again=2)
        ],
    )  # fmt: skip
    return BatchResult(
        plan=Plan(uris={f"file:///calls/{name}.wav" for name in "abcde"}, skipped=[skipped("f.txt", "other_type")]),
        tally=tally,
        identity=EngineIdentity(
            engine="scripted", model="m<1>", revision=None, options_hash="o", rank=1, demonstration=True,
            passed_over=("mlx: no weights",),
        ),
        interrupted="SIGTERM",
        planned_stop="the stop time 05:00 has come",
        recogniser_busy_s=5.1234,
        recogniser_span_s=6.25,
        recogniser_restarts=2,
        wall_s=24.0,
        reconciliation=Reconciliation(counts={**dict.fromkeys(COUNTED, 0), "found": 6, "done": 2, "failed": 3},
                                      unaccounted=("file:///calls/x.wav",)),
        spent=Purse(cost_usd=0.123456, units=95),
    )  # fmt: skip


def other_failure() -> CallFailure:
    return CallFailure(
        found=found("g.wav"), run_id="r", stage="recognise", error_type="EngineError", message="m" * 400,
        transient=True,
    )  # fmt: skip


def facts(store: PostgresStore, run_id: str, **settings: Any) -> RunFacts:
    recorder = PerformanceRecorder(read_gpu=lambda: None)
    recorder.spans = list(SPANS)
    for sample in SAMPLES:
        recorder.keep(sample)
    return RunFacts(
        result=result(), recorder=recorder, store=store, run_id=run_id, stamp="20260914_050000", limits=InputLimits(),
        settings=Settings.model_validate({
            "run": {"max_memory_gb": 2.5, "memory_threshold": 0.9, "decode_workers": 2, "analysis_workers": 2},
            "input": {"path": "s3://bucket/in"}, **settings,
        }),
    )  # fmt: skip


def test_a_report_says_all_of_a_run(store: PostgresStore, run_id: str) -> None:
    report = run_report(facts(store, run_id))
    cores = report["resources"].pop("cores")
    assert cores >= 1
    assert report.pop("run_id") == run_id
    report["timeline"]["stages"] = {stage: sum(values) for stage, values in report["timeline"]["stages"].items()}
    assert_pinned("report.json", json.dumps(report, indent=1, default=str, sort_keys=True))


def test_a_page_shows_all_of_a_report() -> None:
    calls = spans_of.by_call(SPANS)
    report = {
        "stamp": "20260914_050000", "run_id": "r-1", "engine": "scripted", "model": "m<1>", "demonstration": True,
        "error": "no <room>", "interrupted": "SIGTERM", "planned_stop": "05:00", "adds_up": False,
        "attention": ["9 of 9 recordings"], "passed_over": ["mlx: no weights"],
        "unusable": {"recordings": 3, "first": [{"file_name": "e.wav", "reason": "empty"}]},
        "reconciliation": {"faults": ["found 2, accounted for 1"], "database_all": {"done": 12_000, "failed": 1}},
        "counts": {"failed": 2, "done": 12_345, "found": 12_347, "else": 1}, "skipped": {"empty": 3, "other_type": 1},
        "wall_s": 7300.0, "audio_s": 90.0, "times_real_time": 19.44, "files_per_hour": 1234, "startup_s": 0.5,
        "recogniser_busy_s": 5.0, "recogniser_span_s": 8.0, "peak_memory_bytes": 3_210_000_000,
        "services": [
            {"step": "summary", "provider": "chat", "model": "big", "calls": 3, "failed": 1, "tokens_in": 1000,
             "tokens_out": 50, "cost_usd": 0.125},
            {"step": "topic", "provider": "none", "model": None, "calls": 2, "failed": 0, "tokens_in": None,
             "tokens_out": None, "cost_usd": None},
        ],
        "bottleneck": {"name": "recognise", "why": "it was busy", "setting": "a faster engine"},
        "stages": [{"stage": "prepare", "workers": 2, "utilisation": 0.257, "calls": 2, "p50_s": 2.5, "p95_s": 125.0,
                    "total_s": 4000.0}],
        "waits": [{"before": "recognise", "calls": 2, "p50_s": 0.25, "p95_s": None, "total_s": 1.0}],
        "parts": [{"part": "prepare.vad", "calls": 1, "p50_s": 0.5, "p95_s": 0.5, "total_s": 0.5}],
        "timeline": {"bin_s": 10.0, "stages": {"store": [0.0, 1.0], "prepare": [2.0, 1.0]}},
        "calls": [[1.0, 0.1], [0.5, 0.2]],
        "slowest": spans_of.slowest(calls, 5),
        "resources": {**spans_of.resources(SAMPLES, 400), "memory_limit_bytes": 11 * 10**9, "cores": 4},
        "failures": [{"error_type": "AudioUndecodable", "stage": "prepare", "calls": 2, "transient": False,
                      "example": "c.wav: noise"},
                     {"error_type": "EngineError", "stage": "recognise", "calls": 1, "transient": True,
                      "example": "g.wav: m"}],
        "failed_calls": [{"file_name": "c.wav", "stage": "prepare", "error_type": "E", "message": "noise"}],
        "disappeared": {"calls": 2, "first": ["file:///gone.wav"]},
        "transcription_billed_s": 95, "transcription_cost_usd": None,
        "engine_changes": [{"at": "2026-09-14T03:04:05+00:00", "left": "mlx", "now": "scripted", "why": "away"}],
        "passed_over_providers": [{"provider": "chat", "asked": 4, "answered": 1, "reason": "503"}],
        "recogniser_restarts": 2, "segment_flags": {"clipped": 5, "quiet": 2},
        "comparison": {
            "runs": [{"started_at": "2026-09-13T02:00:00+00:00", "engine": None, "counts": {"done": 9, "failed": 1},
                      "wall_s": 100.0, "times_real_time": 2.0}],
            "tests": [
                {"what": "words per minute", "method": "Welch's t-test", "now": "130", "before": "140",
                 "p_value": 0.00012, "effect": -0.51, "effect_name": "d", "drift": True},
                {"what": "topics", "method": "chi-squared", "now": "a", "before": "b", "p_value": None, "effect": None,
                 "effect_name": "w", "drift": False},
            ],
        },
    }  # fmt: skip
    assert_pinned("page.html", page(report))


@pytest.mark.parametrize(
    ("limit_bytes", "lines"), [(None, 1), (0, 1), (11_900_000_000, 2), (12_000_000_000, 1), (1_000_000_000, 2)]
)
def test_a_limit_far_above_would_flatten_the_memory_used(limit_bytes: int | None, lines: int) -> None:
    resources = {"at_s": [1.0, 2.0], "memory_bytes": [10**9, 3 * 10**9], "cpu_percent": [1.0, 2.0],
                 "memory_limit_bytes": limit_bytes}  # fmt: skip
    drawn = charts({"resources": resources})["memory"]
    assert drawn is not None
    assert drawn.count("<polyline") == lines


def test_only_ten_rows_are_drawn() -> None:
    rows = [{"error_type": f"E{n}", "stage": "s", "calls": n, "file_name": f"{n}", "stages": {}} for n in range(12)]
    drawn = charts({"failures": rows, "slowest": rows})
    assert (drawn["failures"] or "").count("<rect") == 10
    assert (drawn["slowest"] or "").count('class="tick" x="10.0" y') == 11  # with the axis' own 0


@pytest.mark.parametrize(
    ("value", "number", "seconds", "share"),
    [
        (None, "–", "–", "–"),
        (0.0, "0", "0 ms", "0%"),
        (0.9994, "0.999", "999 ms", "100%"),
        (1.0, "1", "1.0 s", "100%"),
        (9.87654, "9.88", "9.9 s", "988%"),
        (10.25, "10.2", "10.2 s", "1025%"),
        (119.94, "119.9", "119.9 s", "11994%"),
        (120.0, "120", "2.0 min", "12000%"),
        (3599.0, "3 599", "60.0 min", "359900%"),
        (3600.0, "3 600", "1.0 h", "360000%"),
        (12345.6, "12 345.6", "3.4 h", "1234560%"),
    ],
)
def test_figures_are_written_for_people(value: float | None, number: str, seconds: str, share: str) -> None:
    shown = [text.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{NO-BREAK SPACE}", " ")
             for text in (shown_number(value), shown_seconds(value), shown_share(value))]  # fmt: skip
    assert shown == [number, seconds, share]


@pytest.mark.parametrize(
    ("engines", "units", "cost"),
    [(["deepgram"], 95, 0.1235), (["deepgram", "azure"], 95, None), (["deepgram", "azure"], 0, 0.1235)],
)
def test_a_price_that_is_not_known_makes_no_cost(engines: list[str], units: int, cost: float | None) -> None:
    run = result()
    run.spent.units = units
    services = {
        "deepgram": {"usd_per_minute": 0.006, "model": "nova-3"},
        "azure": {"usd_per_minute": None, "endpoint": "https://a"},
    }
    settings = TranscriptionSettings.model_validate({"engines": engines, "cloud_as_fallback": True, **services})
    told = transcription_cost(run, settings)
    assert told == {"transcription_billed_s": units, "transcription_cost_usd": cost, "transcription_max_cost_usd": None}


def test_failures_are_counted_by_type_and_stage() -> None:
    told = failures(result(), shown=1)
    assert told == [
        {"error_type": "AudioUndecodable", "stage": "prepare", "calls": 2, "transient": False,
         "example": "d.wav: noise"}
    ]  # fmt: skip
    assert len(failures(result())[1]["example"]) == 300


def test_what_was_not_listed_whole_has_not_disappeared(store: PostgresStore, run_id: str) -> None:
    whole = facts(store, run_id)
    assert disappeared(replace(whole, listed_whole=False)) == {"calls": 0, "first": []}


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (
            {"short_of_memory_share": 0.51},
            ("memory", "51% of the time the run was above its memory threshold and began no call",
             "raise run.max_memory_gb, or lower run.calls_ahead (now 7) and run.decode_workers (now 2)"),
        ),
        ({"short_of_memory_share": 0.5, "startup_share": 0.5},
         (None, "no stage was busy for over half of the time", "raise run.calls_ahead if calls are long")),
        ({"startup_share": 0.51},
         ("start-up", "planning and loading models took 51% of the run",
          "nothing to tune for so few calls: process more calls per run")),
        ({"machine": MachineShares(0.2, 0.06, 0.1, 0.04)},
         ("machine", "other processes took 20% of the processors' time, the hypervisor 6%, and 4% was idle; every "
          "stage took longer for it", "run at an hour when the machine is free, or on dedicated cores")),
        ({"machine": MachineShares(0.2, 0.05, 0.1, 0.04)},
         (None, "no stage was busy for over half of the time", "raise run.calls_ahead if calls are long")),
        ({"machine": MachineShares(0.2, 0.06, 0.1, 0.05)},
         (None, "no stage was busy for over half of the time", "raise run.calls_ahead if calls are long")),
        ({"machine": MachineShares(0.0, 0.0, 0.26, 0.5)},
         ("disk", "the processors waited for a disk 26% of the time",
          "put run.spool_dir and the database on a faster disk, or read the recordings from one")),
        ({"machine": MachineShares(0.0, 0.0, 0.25, 0.5), "utilisation": {"prepare": 0.5}},
         (None, "no stage was busy for over half of the time", "raise run.calls_ahead if calls are long")),
        ({"utilisation": {"prepare": 0.6, "store": 0.51}},
         ("prepare", "prepare was busy 60% of the time, more than any other stage",
          "raise run.decode_workers from 2; the machine has 3 cores")),
        ({"utilisation": {"analyse": 0.6}},
         ("analyse", "analyse was busy 60% of the time, more than any other stage",
          "raise run.analysis_workers from 3, or llm.<provider>.concurrency")),
        ({"utilisation": {"analyse": 0.6}, "longest_step": "topic"},
         ("analyse", "analyse was busy 60% of the time, more than any other stage",
          "raise run.analysis_workers from 3 (most of it in the step topic), or llm.<provider>.concurrency")),
        ({"utilisation": {"store": 0.6}},
         ("store", "store was busy 60% of the time, more than any other stage",
          "put the database on a faster disk or nearer, or set database.store_words: false")),
    ],
)  # fmt: skip
def test_a_bottleneck_is_told_in_a_sentence(load: dict[str, Any], told: tuple[str | None, str, str]) -> None:
    run = {"calls_ahead": 7, "decode_workers": 2, "analysis_workers": 3}
    whole: dict[str, Any] = {"startup_share": 0.1, "short_of_memory_share": 0.0, "utilisation": {}} | load
    answer = bottleneck(Load(**whole), Settings.model_validate({"run": run}), cores=3)
    assert (answer["name"], answer["why"], answer["setting"]) == told


@pytest.mark.parametrize(("workers", "said"), [(2, "raise run.decode_workers"), (3, "(3) uses every core")])
def test_more_workers_than_cores_are_no_help(workers: int, said: str) -> None:
    load = Load(startup_share=0.0, short_of_memory_share=0.0, utilisation={"prepare": 0.9})
    assert said in bottleneck(load, Settings.model_validate({"run": {"decode_workers": workers}}), 3)["setting"]


def test_means_are_of_what_was_sampled() -> None:
    assert spans_of.mean_shares(SAMPLES) == MachineShares(0.2, 0.01, 0.04, 0.3)
    assert spans_of.mean_shares(SAMPLES[:1]) is None


def test_few_points_stand_for_many() -> None:
    calls = [spans_of.CallTimes(f"{n}", 60.0 * (n + 1), {}, {"prepare": 6.0 * (n + 1) ** 2}) for n in range(40)]
    points = spans_of.scatter(calls, 20)
    assert points == [
        *([n + 1.0, round((n + 1) / 10, 4)] for n in range(0, 39, 3)), [39.0, 3.9], [40.0, 4.0], [40.0, 4.0],
    ]  # fmt: skip
    assert len(spans_of.scatter(calls, 40)) == 40
    nothing = [spans_of.CallTimes("a", 0.0, {}, {"prepare": 1.0}), spans_of.CallTimes("b", 60.0, {}, {})]
    assert spans_of.scatter(nothing, 5) == []


def test_samples_are_put_together_by_stretches() -> None:
    drawn = spans_of.resources(SAMPLES, 2)
    assert drawn == {
        "at_s": [2.0, 3.0],
        "memory_bytes": [3 * 10**9, 2 * 10**9],
        "cpu_percent": [100.0, 250.0],
        "gpu_memory_bytes": [2**30, 0],
        "gpu_percent": [40.0, 0],
        "mlx_bytes": [5 * 10**8, 0],
        "queues": {"prepare": [2, 1], "store": [1, 3], "other": [1, 0]},
    }
    assert list(drawn["queues"]) == ["prepare", "store", "other"]
