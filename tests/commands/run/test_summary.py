"""What a run prints at its end."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands.console import Terminal
from commands.run.delivery import Delivered, file_statuses
from commands.run.summary import calls_table, print_summary, shortened
from pipeline.handled import Handled, HandledAs
from pipeline.records import CallStatus
from pipeline.run.batch import BatchResult
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from pipeline.run.reconcile import COUNTED, Reconciliation
from tests.commands.report.test_attention import found, result_of
from tests.pinned import assert_pinned


def shown(result: BatchResult, transcripts: int = 0, **report: Any) -> str:
    delivered = Delivered(
        results_csv=None,
        results=0,
        rows=(),
        files=(Path("out/failed_calls_x.json"),),
        transcripts=transcripts,
        report=report,
    )
    file = io.StringIO()
    print_summary(Terminal(file=file, width=200), result, delivered)
    return file.getvalue()


def test_of_74000_transcripts_the_folder_is_named_and_no_file() -> None:
    text = shown(result_of(Plan()), transcripts=74_000)
    assert "out/transcripts: 74,000 files" in text
    assert text.count("\n") < 10


def test_what_needs_a_look_is_named_at_most_twenty_at_a_time() -> None:
    names = [{"file_name": f"bad{number}.wav", "reason": "empty"} for number in range(50)]
    text = shown(result_of(Plan()), attention=["9 of 9"], unusable={"recordings": 500, "first": names})
    assert "attention: 9 of 9" in text
    assert text.count(".wav: empty") == 20
    assert "and 480 more: file_statuses_*.json names them" in text


def test_a_planned_stop_says_how_many_calls_are_left_and_the_file_names_them() -> None:
    plan = Plan(to_do=[PlannedCall(found=found(name), action=Action.NEW) for name in ("a.wav", "b.wav", "c.wav")])
    account = Reconciliation(counts=dict.fromkeys(("found", *COUNTED), 0) | {"left": 2})
    result = replace(result_of(plan), planned_stop="the stop time 05:00 has come", reconciliation=account)
    result.tally.take(found("a.wav"), Handled(handled_as=HandledAs.DONE, status=CallStatus.DONE))
    assert "stopped as planned: the stop time 05:00 has come; 2 calls are left for the next run" in shown(result)
    files: Any = file_statuses(result)["files"]
    assert [(one["file_name"], one["status"]) for one in files] == [
        ("a.wav", "done"),
        ("b.wav", "left"),
        ("c.wav", "left"),
    ]


ROWS = (
    {"file_name": "20260914-" + "x" * 80 + "-lost-card.wav", "duration_s": 61.4, "topics": "Billing",
     "client_fusion_sentiment": "negative", "agent_fusion_sentiment": "positive",
     "summary": "It was\nwrong." + 99 * "."},
    {"file_name": "b\x1b.wav", "duration_s": None, "topics": None, "client_fusion_sentiment": None,
     "agent_fusion_sentiment": "neutral", "summary": None},
)  # fmt: skip


@pytest.mark.parametrize("width", [80, 160])
def test_the_whole_summary_is_as_before(width: int) -> None:
    result = replace(
        result_of(Plan(to_do=[PlannedCall(found=found("a.wav"), action=Action.NEW)])),
        reconciliation=Reconciliation(
            counts=dict.fromkeys(("found", *COUNTED), 0) | {"found": 3, "done": 2, "left": 1}
        ),
        planned_stop="05:00",
    )
    delivered = Delivered(
        results_csv=None, results=5, rows=ROWS, files=(Path("out/a.csv"), Path("out/b.json")), transcripts=1,
        uploaded=2, uploaded_to="s3://bucket/out",
        report={
            "engine_changes": [{"at": "03:00", "left": "mlx", "now": "sphinx", "why": "away"}],
            "calls_by_engine": {"mlx": 1, "sphinx": 2}, "attention": ["9 of 9"], "engine": "sphinx",
            "unusable": {"recordings": 1, "first": [{"file_name": "e.wav", "reason": "empty"}]}, "audio_s": 90.0,
            "wall_s": 24.0, "times_real_time": 3.75, "transcription_billed_s": 95, "transcription_cost_usd": 0.125,
        },
    )  # fmt: skip
    file = io.StringIO()
    console = Terminal(file=file, width=width)
    print_summary(console, result, delivered)
    console.print(calls_table(ROWS, width, summaries=True))
    assert_pinned(f"summary_{width}.txt", file.getvalue())


@pytest.mark.parametrize(
    ("text", "length", "tail", "shown"),
    [
        ("abcdef", 6, 16, "abcdef"),
        ("abcdefg", 6, 16, "ab…efg"),
        ("abcdefghij", 6, 2, "abc…ij"),
        ("abcdefghij", 6, 0, "abcde…"),
    ],
)
def test_a_long_name_keeps_its_end(text: str, length: int, tail: int, shown: str) -> None:
    assert shortened(text, length, tail=tail) == shown


@pytest.mark.parametrize(("cost", "told"), [(None, "at an unknown price"), (0.0, "0.00 USD"), (1.25, "1.25 USD")])
def test_what_services_charge_is_told(cost: float | None, told: str) -> None:
    text = shown(result_of(Plan()), transcription_billed_s=90, transcription_cost_usd=cost)
    assert f"transcription services: 1.5 min billed, {told}" in text
