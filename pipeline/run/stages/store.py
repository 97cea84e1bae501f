"""Last stage: one transaction per call, and the count of what became of it."""

from __future__ import annotations

import threading
from dataclasses import replace

from pipeline.errors import CallWithdrawn, ClaimLost, StartupError, described, portable
from pipeline.handled import Handled, HandledAs, handled_call, handled_failure, handled_skipped
from pipeline.log_lines import about_call
from pipeline.records import (
    ERASED,
    CallFailure,
    CallOutcome,
    CallStatus,
    Claim,
    FoundCall,
    StepResult,
    erased_file,
)
from pipeline.run.context import RunContext
from pipeline.run.stages.work import Finished, Kept, StageQueue, Unusable, Work, failure_of
from pipeline.threads import begun


class StoreStage:
    """One thread, the only one that writes finished calls."""

    def __init__(self, context: RunContext) -> None:
        self._store = context.parts.store
        self._transcripts = context.parts.transcripts
        self._signals = context.signals
        self._recorder = context.recorder
        self._observer = context.observer
        self._tally = context.tally
        self._desk = context.desk
        self._claims = context.parts.claims

    def start(self, inbox: StageQueue[Finished]) -> threading.Thread:
        return begun("store", self._loop, inbox)

    def _loop(self, inbox: StageQueue[Finished]) -> None:
        try:
            while not inbox.finished:
                item = inbox.get()
                if item is not None:
                    self._write(item)
        except BaseException as error:  # noqa: BLE001 - without the database the run cannot go on
            self._signals.fail(portable(error))

    def _write(self, item: Finished) -> None:
        claim = _claim_of(item)
        if claim is not None:
            self._desk.tell(claim, "store")
        try:
            self._write_item(item)
        except CallWithdrawn as withdrawn:
            self._observer.notice(str(withdrawn))
            self._end_as_erased(item)
        except ClaimLost as lost:
            self._observer.notice(f"{_found_of(item).source_uri}: {lost}")
        finally:
            if claim is not None:
                self._desk.settle(claim)

    def _end_as_erased(self, item: Finished) -> None:
        """A copy of bytes that were erased meanwhile has its claim still."""
        claim, handled = _claim_of(item), handled_skipped(erased_file(_found_of(item)))
        if claim is None:
            return
        try:
            self._claims.end(claim, handled)
        except ClaimLost:
            return
        self._tell(_found_of(item), handled, claim)

    def _write_item(self, item: Finished) -> None:
        if isinstance(item, Work):
            self._write_call(item)
            return
        if isinstance(item, Kept):
            self._write_kept(item.work)
            return
        try:
            if isinstance(item, CallFailure):
                self._write_failure(item)
            else:
                self._write_skipped(item)
        except (StartupError, ClaimLost):
            raise
        except Exception as error:  # noqa: BLE001 - the account at the end names the recording without a row
            self._observer.notice(f"{_found_of(item).source_uri}: no row could be written for it: {described(error)}")

    def _write_call(self, work: Work) -> None:
        outcome = CallOutcome(
            call_id=work.call_id,
            found=work.planned.found,
            status=CallStatus.DONE,
            run_id=work.claim.run_id,
            prepared=work.prepared,
            transcript=work.transcript,
            steps=work.steps,
            timings_s=work.timings_s,
            claim=work.claim,
        )
        try:
            outcome = replace(outcome, steps=(*outcome.steps, *self._of_speakers(work)))
            with self._recorder.stage("store", work.file_name, work.duration_s):
                changed = self._store.save_call(outcome)
        except (StartupError, ClaimLost):
            raise
        except Exception as error:  # noqa: BLE001 - what cannot be stored of one call is no reason to lose the others
            self._write_item(failure_of(work, "store", portable(error)))
            return
        finally:
            work.drop_spool()
        self._tell(work.planned.found, handled_call(outcome, changed=changed), work.claim)

    def _write_kept(self, work: Work) -> None:
        work.drop_spool()
        handled = Handled(handled_as=HandledAs.KEPT, status=CallStatus.DONE, call_id=work.call_id)
        self._claims.end(work.claim, handled)
        self._tell(work.planned.found, handled, work.claim)

    def _of_speakers(self, work: Work) -> tuple[StepResult, ...]:
        """What is stored about the speakers of a call that this run transcribed."""
        if work.prepared is None or work.transcript is None:
            return ()
        direction = work.planned.found.metadata.direction
        result = self._transcripts.speakers(work.prepared, work.transcript, direction)
        return () if result is None else (result,)

    def _write_failure(self, failure: CallFailure) -> None:
        quarantined = self._store.save_failure(failure, self._signals.settings.quarantine_after_runs)
        self._tell(failure.found, handled_failure(failure, quarantined=quarantined), failure.claim)

    def _write_skipped(self, unusable: Unusable) -> None:
        claim, handled = unusable.work.claim, handled_skipped(unusable.file)
        if unusable.file.reason == ERASED:  # a row would bring its name back
            self._claims.end(claim, handled)
        else:
            self._store.save_skipped([unusable.file], claim.run_id, claim)
        self._tell(unusable.work.planned.found, handled, claim)

    def _tell(self, found: FoundCall, handled: Handled, claim: Claim | None) -> None:
        self._tally.take(found, handled)
        if handled.status is None or handled.skipped is not None:
            return
        detail = _KEPT if handled.handled_as is HandledAs.KEPT else handled.detail or ""
        with about_call(found.file_name, handled.call_id, "store", claim.origin if claim else None):
            self._observer.call_finished(found, handled.status, detail)


_KEPT = "left as it was: a better recogniser's rows are there (run.allow_downgrade replaces them)"


def _claim_of(item: Finished) -> Claim | None:
    if isinstance(item, Work | CallFailure):
        return item.claim
    return item.work.claim


def _found_of(item: Finished) -> FoundCall:
    if isinstance(item, Work):
        return item.planned.found
    return item.found if isinstance(item, CallFailure) else item.work.planned.found
