"""A configuration as one of the systems: the run itself, with a store that keeps transcripts and writes no database.

Calls go through the recogniser one after the other, so that each has its own processor time; the segments of one call
are batched as always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import psutil

from commands.evaluate.comparison.claims_in_memory import ClaimsInMemory
from commands.evaluate.comparison.kept import Effort, KeptTranscript, KeptTranscripts
from commands.evaluate.comparison.running import CallsWithTruth, SystemResult, Told, Transcribed
from commands.run.wiring import build_parts
from pipeline.config.root import Settings
from pipeline.judging.scores import HeardCall
from pipeline.ports import AnalysisStep
from pipeline.records import (
    CallFailure,
    CallOutcome,
    CallStatus,
    Claim,
    FoundCall,
    KnownCall,
    SegmentText,
    SkippedFile,
    StepResult,
    StoredOutcome,
    Transcript,
)
from pipeline.run.batch import Batch
from pipeline.run.context import ChildBuild
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.recipes import build_recipe
from pipeline.run.processes.analyser import build_analyser
from pipeline.sources.source import build_source

_SAMPLE_EVERY_S = 0.5
StoredTranscript = Callable[[str], Transcript | None]
"""By fingerprint: what runs have stored already."""


def run_configuration(  # noqa: PLR0917
    settings: Settings,
    names: Iterable[str],
    kept: KeptTranscripts,
    stored: StoredTranscript,
    machine: str,
    tell: Told,
    fresh: bool = False,
) -> SystemResult:
    """Transcribe the recordings of `input.path` that are among `names`, as a run would.

    Args:
        stored: transcripts of earlier runs by fingerprint.
        fresh: make every transcript again.

    Raises StartupError (no recogniser, no input, no room).
    """
    settings = one_call_after_the_other(settings)
    recorder = PerformanceRecorder(_SAMPLE_EVERY_S)
    source = CallsWithTruth(build_source(settings.input), frozenset(names))
    store = ComparisonStore(source, kept, stored, recorder, machine, fresh=fresh)
    parts = build_parts(settings, store, store.claims)
    parts = replace(
        parts,
        source=source,
        analyser=ChildBuild(build_analyser, (_no_steps, ())),
    )
    batch = Batch(settings.run, parts, Observer(store.result, tell), build_recipe(settings), recorder)
    store.recogniser_pid = lambda: batch.recogniser_pid
    try:
        recorder.start()
        plan = batch.plan()
        if plan.to_do:
            batch.load_recogniser()
            store.begin()
        batch.work(plan, "comparison")
    finally:
        recorder.stop()
        batch.close()
    return store.result


def one_call_after_the_other(settings: Settings) -> Settings:
    """With one segment handed out at a time as the limit, the next call waits until this one has all of its results."""
    run = settings.run.model_copy(
        update={
            "segments_per_batch": 1, "decode_workers": 1, "calls_ahead": 1, "limit": None,
            "max_hours": None, "stop_time": None, "stop_grace_s": 0.0,
        }
    )  # fmt: skip
    return settings.model_copy(update={"run": run})


def _no_steps() -> Sequence[AnalysisStep]:
    return ()


class ComparisonStore:
    """A `CallStore` that knows no calls, finds stored transcripts, and keeps new ones in a folder with their effort."""

    def __init__(
        self,
        source: CallsWithTruth,
        kept: KeptTranscripts,
        stored: StoredTranscript,
        recorder: PerformanceRecorder,
        machine: str,
        *,
        fresh: bool,
    ) -> None:
        self.result = SystemResult()
        self.claims = ClaimsInMemory()
        self.recogniser_pid: Callable[[], int | None] = lambda: None
        self._source = source
        self._kept = kept
        self._stored = stored
        self._recorder = recorder
        self._machine = machine
        self._fresh = fresh
        self._stored_efforts: dict[str, Effort | None] = {}
        self._made: dict[str, _Making] = {}
        self._spent = ProcessorSeconds()

    def begin(self) -> None:
        """The recogniser is loaded: what it takes from now on is for the calls."""
        self._spent.since_last(self.recogniser_pid())

    def transcript(self, transcript_fingerprint: str) -> Transcript | None:
        if self._fresh:
            return None
        kept = self._kept.get(transcript_fingerprint)
        found = kept.transcript if kept else self._stored(transcript_fingerprint)
        if found is not None:
            self._stored_efforts[transcript_fingerprint] = kept.effort if kept else None
        return found

    def save_transcript(self, transcript: Transcript, audio_sha256: str, claim: Claim | None = None) -> None:  # noqa: ARG002
        """Called when the last segment of a call is finished, before the next call's are handed out."""
        own_s, other_s = self._spent.since_last(self.recogniser_pid())
        self._made[transcript.fingerprint] = _Making(
            processor_s=own_s,
            other_processor_s=other_s,
            peak_memory_bytes=max((sample.memory_bytes for sample in self._recorder.samples), default=0),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def save_call(self, outcome: CallOutcome) -> bool:
        self._end(outcome.claim)
        transcript, prepared = outcome.transcript, outcome.prepared
        if transcript is None or prepared is None:
            return False
        making = self._made.get(transcript.fingerprint)
        effort = self._stored_efforts.get(transcript.fingerprint)
        if making is not None:
            effort = Effort(
                audio_s=prepared.duration_s,
                wall_s=outcome.timings_s["recognise"],
                machine=self._machine,
                **asdict(making),
            )
            self._kept.put(KeptTranscript(transcript=transcript, effort=effort))
        name = self._source.name_of(outcome.found)
        heard = HeardCall.of(transcript, name=name, duration_s=prepared.duration_s, flags=prepared.flags)
        self.result.calls[name] = Transcribed(heard=heard, effort=effort, reused=making is None)
        return True

    def save_failure(self, failure: CallFailure, quarantine_after: int) -> bool:  # noqa: ARG002
        self._end(failure.claim)
        self.result.failures[self._source.name_of(failure.found)] = failure.message
        return False

    def save_skipped(self, skipped: Iterable[SkippedFile], run_id: str, claim: Claim | None = None) -> None:  # noqa: ARG002
        self._end(claim)
        self.result.failures |= {self._source.name_of(item): item.message for item in skipped}

    def _end(self, claim: Claim | None) -> None:
        if claim is not None:
            self.claims.end_as_lost([claim.fence])

    def begin_run(
        self,
        configuration: Mapping[str, object],  # noqa: ARG002
        configuration_hash: str,  # noqa: ARG002
        host: str,  # noqa: ARG002
        inputs: Sequence[str] = (),  # noqa: ARG002
    ) -> str:
        return "comparison"

    def join_runs(self) -> None: ...

    def keep_locks(self) -> None: ...

    def end_run(self, run_id: str, exit_code: int, counts: Mapping[str, int], report: Mapping[str, object]) -> None: ...

    def heartbeat(self, run_id: str, progress: Mapping[str, object]) -> None: ...

    def known_calls(self, source_uris: Sequence[str]) -> dict[str, KnownCall]:  # noqa: ARG002
        return {}

    def erased(self, offered: Sequence[FoundCall | SkippedFile]) -> frozenset[str]:  # noqa: ARG002
        return frozenset()

    def is_erased(self, found: FoundCall, audio_sha256: str) -> bool:  # noqa: ARG002
        return False

    def known_by_content(self, audio_sha256: str) -> Sequence[KnownCall]:  # noqa: ARG002
        return ()

    def claim_call(self, found: FoundCall, audio_sha256: str, moved_from: str | None) -> str:  # noqa: ARG002
        return found.source_uri

    def finished_segments(self, transcript_fingerprint: str) -> Sequence[SegmentText]:  # noqa: ARG002
        return ()

    def save_segments(
        self,
        transcript_fingerprint: str,
        segments: Iterable[SegmentText],
        audio_sha256: str,
        claim: Claim | None = None,
    ) -> None: ...

    def step_results(self, call_id: str, transcript_fingerprint: str) -> Mapping[str, StepResult]:  # noqa: ARG002
        return {}

    def undelivered(self, run_id: str | None = None) -> Sequence[str]:  # noqa: ARG002
        return ()

    def mark_delivered(self, call_ids: Sequence[str], run_id: str) -> None: ...

    def disappeared(self, prefix: str, seen_uris: Iterable[str]) -> Sequence[str]:  # noqa: ARG002
        return ()

    def outcomes(self, source_uris: Sequence[str], run_id: str) -> Mapping[str, StoredOutcome]:  # noqa: ARG002
        return {}

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    """What a transcript took, before it is known of which recording it is: see `Effort`."""

    processor_s: float
    other_processor_s: float
    peak_memory_bytes: int
    made_at: str


def _children() -> Iterable[psutil.Process]:
    yield from psutil.Process().children(recursive=True)


class ProcessorSeconds:
    """Processor seconds of the recogniser's process, and of this process's other children, between two looks."""

    def __init__(self, processes: Callable[[], Iterable[psutil.Process]] = _children) -> None:
        self._processes = processes
        self._before: dict[int, float] = {}

    def since_last(self, recogniser_pid: int | None) -> tuple[float, float]:
        own_s = other_s = 0.0
        for process in self._processes():
            with suppress(psutil.Error):  # it has just ended
                times = process.cpu_times()
                now_s = times.user + times.system
                spent_s = now_s - self._before.get(process.pid, 0.0)
                self._before[process.pid] = now_s
                if process.pid == recogniser_pid:
                    own_s += spent_s
                else:
                    other_s += spent_s
        return own_s, other_s


class Observer:
    """What a run tells: progress for the terminal, notices for the report."""

    def __init__(self, result: SystemResult, tell: Told) -> None:
        self._result = result
        self._tell = tell

    def planned(self, total: int, total_bytes: int) -> None: ...

    def call_finished(self, found: FoundCall, status: CallStatus, detail: str) -> None:
        self._tell(found, status, detail)

    def notice(self, message: str) -> None:
        self._result.notices.append(message)
