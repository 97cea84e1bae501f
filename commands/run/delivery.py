"""The files of a run: results, failures, file statuses, the performance report. Each appears whole or not at all."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from commands.report.attention import InputLimits
from commands.report.build import RunFacts, run_report
from commands.report.page import write_page
from commands.run.outbox import Outbox
from commands.run.proposals import write_proposals
from db.connection import Database
from db.export.files import whole_file
from db.export.result_rows import result_rows
from db.export.table_files import TableFormat, export_results, export_table
from db.export.tables import CALLS
from db.export.transcripts import TRANSCRIPTS, export_transcripts
from db.ledger.store import PostgresStore
from db.queries.calls import calls_to_deliver_of
from db.queries.chosen import CallFilter
from pipeline.config.areas.output import OutputSettings, SaveMode
from pipeline.config.root import Settings
from pipeline.disk import outlast_full_disk
from pipeline.run.batch import BatchResult
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.plan import Plan

log = logging.getLogger("earshot.run")

SHOWN_CALLS = 40

Written = TypeVar("Written")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a run left behind."""

    results_csv: Path | None
    results: int
    """Calls delivered: those completed since the last delivery. Without a CSV: since the last run that delivered."""
    rows: tuple[Mapping[str, Any], ...]
    """The first of them, for the table on the terminal."""
    files: tuple[Path, ...]
    """Without the transcripts."""
    transcripts: int
    """Files in `transcripts/` of the output folder."""
    uploaded: int = 0
    """Files copied to the bucket of `output.upload_to`."""
    uploaded_to: str | None = None
    report: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Source and destination of a delivery."""

    settings: OutputSettings
    everything: Settings
    stamp: str
    run_id: str
    database: Database
    store: PostgresStore
    limits: InputLimits
    listed_whole: bool = True
    """Whether all recordings of the input were offered: what was not may otherwise still be there."""

    def deliver(self, result: BatchResult, recorder: PerformanceRecorder) -> Delivered:
        """Write every file of the run; a full disk is waited for, and another run that delivers.

        A bucket that does not take them is no error: the report's `attention` tells it. Raises OutputUnavailable.
        """
        with self.store.delivering():
            outbox = Outbox(self.settings)
            delivered = self._deliver(result, recorder, outbox)
            outbox.close()
        if outbox.trouble is None:
            return replace(delivered, uploaded=outbox.uploaded, uploaded_to=self.settings.upload_to)
        attention = [*delivered.report.get("attention", ()), outbox.trouble]
        return replace(delivered, uploaded=outbox.uploaded, report={**delivered.report, "attention": attention})

    def _deliver(self, result: BatchResult, recorder: PerformanceRecorder, outbox: Outbox) -> Delivered:
        folder, patiently = self.settings.directory, self._patiently
        outbox.expect(self._own_files())
        call_ids = self._call_ids()
        transcripts = patiently(lambda: self._transcripts(call_ids))
        outbox.expect(transcripts)
        short_csv = self._short(call_ids)
        results_csv = self._results(call_ids, outbox)
        rows = tuple(islice(result_rows(self.database, call_ids[:SHOWN_CALLS]), SHOWN_CALLS))
        facts = RunFacts(
            result=result,
            recorder=recorder,
            settings=self.everything,
            store=self.store,
            run_id=self.run_id,
            stamp=self.stamp,
            limits=self.limits,
            listed_whole=self.listed_whole,
        )
        report = run_report(facts)
        performance, statuses = f"performance_report_{self.stamp}", f"file_statuses_{self.stamp}.json"
        terms = folder / f"proposed_terms_{self.stamp}.csv"
        proposals = patiently(lambda: write_proposals(self.database, self.run_id, terms))
        files = [
            *([results_csv] if results_csv else []),
            *([short_csv] if short_csv else []),
            *([proposals] if proposals else []),
            patiently(lambda: write_json(folder / f"failed_calls_{self.stamp}.json", failed_calls(result))),
            patiently(lambda: write_json(folder / statuses, file_statuses(result))),
            patiently(lambda: write_json(folder / f"{performance}.json", report)),
        ]
        if self.settings.performance_report:
            files.append(patiently(lambda: write_page(folder / f"{performance}.html", report)))
        return Delivered(
            results_csv=results_csv,
            results=len(call_ids),
            rows=rows,
            files=tuple(files),
            transcripts=len(transcripts),
            report=report,
        )

    def _own_files(self) -> list[Path]:
        """All that this run may write, without the transcripts."""
        folder, stamp, report = self.settings.directory, self.stamp, f"performance_report_{self.stamp}"
        tables = [folder / f"{name}_{stamp}.csv" for name in ("results", "calls", "proposed_terms")]
        lists = [folder / f"{name}_{stamp}.json" for name in ("failed_calls", "file_statuses")]
        return [*tables, *lists, folder / f"{report}.json", folder / f"{report}.html"]

    def _patiently(self, write: Callable[[], Written]) -> Written:
        return outlast_full_disk(write, self.everything.run.disk_patience_s, log.warning)

    def _transcripts(self, call_ids: Sequence[str]) -> Sequence[Path]:
        if not self.settings.transcripts.formats:
            return ()
        return export_transcripts(self.database, call_ids, self.settings.directory / TRANSCRIPTS, self.settings)

    def _call_ids(self) -> Sequence[str]:
        """The calls to deliver. Only a CSV completes a delivery: calls that went to the database alone are in a later
        CSV."""
        if self.settings.save_mode is SaveMode.DATABASE:
            return calls_to_deliver_of(self.database, self.run_id)
        return self.store.undelivered(self.run_id)

    def _short(self, call_ids: Sequence[str]) -> Path | None:
        """The same calls in a few columns for people; None when there is no results CSV or it is not wanted."""
        if not call_ids or self.settings.save_mode is SaveMode.DATABASE or not self.settings.csv.short:
            return None
        path = self.settings.directory / f"calls_{self.stamp}.csv"
        chosen = CallFilter(call_ids=tuple(map(uuid.UUID, call_ids)))
        how = TableFormat(name="csv", csv=self.settings.csv, zone=ZoneInfo(self.everything.input.timezone))
        self._patiently(lambda: export_table(self.database, chosen, CALLS, path, how))
        return path

    def _results(self, call_ids: Sequence[str], outbox: Outbox) -> Path | None:
        """The results CSV; None when nothing is new or only the database is wanted.

        Last of what is delivered by call: a run killed before the mark is delivered again as a whole by the next. So is
        one whose bucket did not take it: the folder may be gone by then, with the machine.
        """
        if not call_ids or self.settings.save_mode is SaveMode.DATABASE:
            return None
        path = self.settings.directory / f"results_{self.stamp}.csv"
        self._patiently(lambda: export_results(self.database, call_ids, path, self.settings))
        if outbox.bring():
            self.store.mark_delivered(call_ids, self.run_id)
        return path


def failed_calls(result: BatchResult) -> list[dict[str, object]]:
    """One entry per failed call of this run, and one per quarantined call or known terminal failure that was not
    tried."""
    failed: list[dict[str, object]] = [
        {
            "source_uri": failure.found.source_uri,
            "file_name": failure.found.file_name,
            "stage": failure.stage,
            "error_type": failure.error_type,
            "message": failure.message,
            "transient": failure.transient,
            "traceback": failure.traceback,
            "in_this_run": True,
        }
        for failure in result.tally.failures
    ]
    failed.extend(
        {
            "source_uri": call.found.source_uri,
            "file_name": call.found.file_name,
            "status": call.known.status.value if call.known else None,
            "in_this_run": False,
        }
        for call in result.plan.quarantined
    )
    return failed


def file_statuses(result: BatchResult) -> dict[str, object]:
    """Counts, and the outcome of every file this run looked at; unchanged files are only counted.

    Those left for the next run, by `run.limit` or because this one was stopped, are named too. The second file of a
    call in two files has an entry of its own, and `second_files` counts all of them.
    """
    plan = result.plan
    looked_at = {str(status["source_uri"]) for status in result.tally.statuses} | {
        item.source_uri for item in result.tally.skipped_files
    }
    left = [
        {"source_uri": call.found.source_uri, "file_name": call.found.file_name, "status": "left"}
        for call in (*plan.to_do, *plan.beyond_limit)
        if call.found.source_uri not in looked_at
    ]
    skipped = [
        {
            "source_uri": item.source_uri,
            "file_name": item.file_name,
            "status": "waiting" if item.waiting else "skipped",
            "reason": item.reason,
            "detail": item.message,
        }
        for item in [*plan.skipped, *result.tally.skipped_files, *plan.waiting]
    ]
    account = result.reconciliation
    return {
        "counts": result.counts,
        "adds_up": account.adds_up,
        "faults": list(account.faults),
        "second_files": len(plan.second_files),
        "files": [*result.tally.statuses, *skipped, *left, *_second_files(plan)],
    }


def _second_files(plan: Plan) -> list[dict[str, object]]:
    return [
        {
            "source_uri": file.source_uri,
            "file_name": file.file_name,
            "status": "joined",
            "detail": f"the other side of {call.found.file_name}",
            "call_source_uri": call.found.source_uri,
        }
        for call in (*plan.to_do, *plan.undecided, *plan.beyond_limit, *plan.quarantined, *plan.skipped_before)
        for file in call.found.files[1:]
    ]


def write_json(path: Path, content: object) -> Path:
    """Write `content` as JSON, whole or not at all."""
    text = json.dumps(content, ensure_ascii=False, indent=1, default=str)
    with whole_file(path) as aside:
        aside.write_text(text, encoding="utf-8")
    return path
