"""Last stage: one transaction per call, and the count of what became of it."""

from __future__ import annotations

import threading

from pipeline.errors import StartupError, described, portable
from pipeline.log_lines import about_call
from pipeline.records import ERASED, CallFailure, CallOutcome, CallStatus, FoundCall, SkippedFile, StepResult
from pipeline.run.context import RunContext
from pipeline.run.stages.work import Finished, Kept, StageQueue, Work, failure_of


class StoreStage:
    """One thread, the only one that writes finished calls."""

    def __init__(self, context: RunContext) -> None:
        self._store = context.parts.store
        self._transcripts = context.parts.transcripts
        self._signals = context.signals
        self._recorder = context.recorder
        self._observer = context.observer
        self._tally = context.tally
        self._run_id = context.run_id

    def start(self, inbox: StageQueue[Finished]) -> threading.Thread:
        thread = threading.Thread(target=self._loop, args=(inbox,), name="store", daemon=True)
        thread.start()
        return thread

    def _loop(self, inbox: StageQueue[Finished]) -> None:
        try:
            while not inbox.finished:
                item = inbox.get()
                if item is not None:
                    self._write(item)
        except BaseException as error:  # noqa: BLE001 - without the database the run cannot go on
            self._signals.fail(portable(error))

    def _write(self, item: Finished) -> None:
        if isinstance(item, Work):
            self._write_call(item)
            return
        if isinstance(item, Kept):
            item.work.drop_spool()
            self._tell_kept(item.work)
            return
        try:
            if isinstance(item, CallFailure):
                self._write_failure(item)
            else:
                self._write_skipped(item)
        except StartupError:
            raise
        except Exception as error:  # noqa: BLE001 - the account at the end names the recording without a row
            uri = item.found.source_uri if isinstance(item, CallFailure) else item.source_uri
            self._observer.notice(f"{uri}: no row could be written for it: {described(error)}")

    def _write_call(self, work: Work) -> None:
        try:
            outcome = CallOutcome(
                call_id=work.call_id,
                found=work.planned.found,
                status=CallStatus.DONE,
                run_id=self._run_id,
                prepared=work.prepared,
                transcript=work.transcript,
                steps=(*work.steps, *self._of_speakers(work)),
                timings_s=work.timings_s,
            )
            with self._recorder.stage("store", work.file_name, work.duration_s):
                changed = self._store.save_call(outcome)
        except StartupError:
            raise
        except Exception as error:  # noqa: BLE001 - what cannot be stored of one call is no reason to lose the others
            self._write(failure_of(work, self._run_id, "store", portable(error)))
            return
        finally:
            work.drop_spool()
        if not changed:
            self._tell_kept(work)
            return
        if work.prepared is not None:
            with self._tally.lock:
                self._tally.recognised_s += work.duration_s
                self._tally.speech_s += sum(channel.speech_s for channel in work.prepared.channels)
        flags = sorted(work.prepared.flags) if work.prepared else []
        self._tell("done", work.planned.found, CallStatus.DONE, ", ".join(flags), work.call_id)

    def _tell_kept(self, work: Work) -> None:
        with self._tally.lock:
            self._tally.kept.append(work.planned.found.source_uri)
        detail = "left as it was: a better recogniser's rows are there (run.allow_downgrade replaces them)"
        with about_call(work.file_name, work.call_id, "store"):
            self._observer.call_finished(work.planned.found, CallStatus.DONE, detail)

    def _of_speakers(self, work: Work) -> tuple[StepResult, ...]:
        """What is stored about the speakers of a mono call that this run transcribed."""
        if work.prepared is None or work.transcript is None:
            return ()
        direction = work.planned.found.metadata.direction
        result = self._transcripts.speakers(work.prepared, work.transcript, direction)
        return () if result is None else (result,)

    def _write_failure(self, failure: CallFailure) -> None:
        quarantined = self._store.save_failure(failure, self._signals.settings.quarantine_after_runs)
        status = CallStatus.QUARANTINED if quarantined else CallStatus.FAILED
        with self._tally.lock:
            self._tally.failures.append(failure)
        self._tell("failed", failure.found, status, f"{failure.error_type}: {failure.message}", "")

    def _write_skipped(self, skipped: SkippedFile) -> None:
        if skipped.reason != ERASED:  # a row would bring its name back
            self._store.save_skipped([skipped], self._run_id)
        with self._tally.lock:
            self._tally.skipped += 1
            self._tally.skipped_files.append(skipped)

    def _tell(self, count: str, found: FoundCall, status: CallStatus, detail: str, call_id: str) -> None:
        self._tally.count(
            count,
            {
                "source_uri": found.source_uri,
                "file_name": found.file_name,
                "call_id": call_id or None,
                "status": status.value,
                "detail": detail or None,
            },
        )
        with about_call(found.file_name, call_id or None, "store"):
            self._observer.call_finished(found, status, detail)
