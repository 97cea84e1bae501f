"""What a run prints at its end."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

from commands.console import Terminal
from commands.run.delivery import Delivered, file_statuses
from commands.run.summary import print_summary
from pipeline.handled import Handled, HandledAs
from pipeline.records import CallStatus
from pipeline.run.batch import BatchResult
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from pipeline.run.reconcile import COUNTED, Reconciliation
from tests.commands.report.test_attention import found, result_of


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
