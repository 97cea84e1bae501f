"""What `batch.py` needs from outside the pipeline, as Protocols; `commands` wires the real ones in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeGuard

from pipeline.handled import EndedClaim, Handled
from pipeline.presence import WorkerReport
from pipeline.records import (
    CallFailure,
    CallForAnalysis,
    CallOutcome,
    Claim,
    ClaimStage,
    FoundCall,
    KnownCall,
    SegmentText,
    SkippedFile,
    StepResult,
    StoredOutcome,
    Transcript,
)


class AnalysisStep(Protocol):
    """One enrichment. Batch first: a step that cannot batch loops."""

    name: str
    needs_audio: bool
    after: tuple[str, ...]
    """Names of the steps whose results it reads."""

    def fingerprint(self, call: CallForAnalysis) -> str:
        """Hash of what the step reads and how: transcript or audio, model, prompt, glossary, options.

        Reads `transcript.fingerprint`, `audio_sha256` and `metadata` only: planning asks for it for every stored call
        with `chunks` and `audio` empty.
        """
        ...

    def run(
        self, calls: Sequence[CallForAnalysis], earlier: Sequence[Mapping[str, StepResult]]
    ) -> Sequence[StepResult]:
        """One result per call, in order. Raises nothing for a single bad call: it answers MISSING or FAILED."""
        ...

    def close(self) -> None: ...


class KnowsFormerResults(Protocol):
    """A step whose results earlier versions stored under other fingerprints."""

    def former_fingerprints(self, call: CallForAnalysis) -> tuple[str, ...]:
        """Earlier fingerprints of the result that `AnalysisStep.fingerprint` names today. Reads the same inputs."""
        ...


def knows_former_results(step: object) -> TypeGuard[KnowsFormerResults]:
    """`isinstance` with a Protocol takes fifty times as long; planning asks this several times for every call."""
    return hasattr(step, "former_fingerprints")


class CallStore(Protocol):
    """The ledger. Every method may raise DatabaseUnavailable; writes are idempotent."""

    def begin_run(
        self, configuration: Mapping[str, object], configuration_hash: str, host: str, inputs: Sequence[str] = ()
    ) -> str:
        """Take the locks of the inputs and open a `runs` row; returns run_id. Raises RunLocked."""
        ...

    def end_run(self, run_id: str, exit_code: int, counts: Mapping[str, int], report: Mapping[str, object]) -> None: ...

    def join_runs(self) -> None:
        """Work on the calls of other runs. Raises RunLocked when a run wants the database for itself."""
        ...

    def keep_locks(self) -> None:
        """The sign of life of a worker that has no run of its own. Raises RunLocked."""
        ...

    def heartbeat(self, run_id: str, progress: Mapping[str, object]) -> None:
        """What `run.py status` reads from another terminal."""
        ...

    def known_calls(self, source_uris: Sequence[str]) -> dict[str, KnownCall]:
        """By address, with step states; one round trip per thousand."""
        ...

    def erased(self, offered: Sequence[FoundCall | SkippedFile]) -> frozenset[str]:
        """Addresses of those that were erased and have not changed since: nobody wants to see them again."""
        ...

    def is_erased(self, found: FoundCall, audio_sha256: str) -> bool:
        """Whether the recording was erased, or these bytes under whatever name; then this address is erased, too."""
        ...

    def known_by_content(self, audio_sha256: str) -> Sequence[KnownCall]:
        """Calls with the same bytes (to recognise a moved file)."""
        ...

    def claim_call(self, found: FoundCall, audio_sha256: str, moved_from: str | None) -> str:
        """The stable call_id of this recording: kept by address, or `moved_from`, the call_id of a vanished address."""
        ...

    def finished_segments(self, transcript_fingerprint: str) -> Sequence[SegmentText]: ...

    def save_segments(
        self,
        transcript_fingerprint: str,
        segments: Iterable[SegmentText],
        audio_sha256: str,
        claim: Claim | None = None,
    ) -> None:
        """For an interrupted run to go on from. Nothing is stored where the claim is gone."""
        ...

    def transcript(self, transcript_fingerprint: str) -> Transcript | None: ...

    def save_transcript(self, transcript: Transcript, audio_sha256: str, claim: Claim | None = None) -> None:
        """Stored before analysis starts; the finished segments under the same fingerprint are dropped.

        Raises ClaimLost when the claim no longer holds.
        """
        ...

    def step_results(self, call_id: str, transcript_fingerprint: str) -> Mapping[str, StepResult]:
        """Stored results with payloads, for steps that read earlier ones; none once the transcript is another."""
        ...

    def save_call(self, outcome: CallOutcome) -> bool:
        """One transaction: call row, chunks, steps, and the end of its claim. A call with fewer chunks than before
        loses the old ones.

        False when a better engine's transcript of the same audio is there already: then nothing was changed.
        Raises ClaimLost, as `save_failure` and `save_skipped` do, when its claim no longer holds.
        """
        ...

    def save_failure(self, failure: CallFailure, quarantine_after: int) -> bool:
        """Returns True when the call is quarantined by this failure. Never overwrites results that are there."""
        ...

    def save_skipped(self, skipped: Iterable[SkippedFile], run_id: str, claim: Claim | None = None) -> None: ...

    def undelivered(self, run_id: str | None = None) -> Sequence[str]:
        """call_ids completed since the last delivered results CSV; without those of runs other than `run_id` that are
        under way."""
        ...

    def mark_delivered(self, call_ids: Sequence[str], run_id: str) -> None: ...

    def disappeared(self, prefix: str, seen_uris: Iterable[str]) -> Sequence[str]:
        """Addresses under `prefix` that the database knows and that the source no longer offers."""
        ...

    def outcomes(self, source_uris: Sequence[str], run_id: str) -> Mapping[str, StoredOutcome]:
        """What is stored at these addresses, for the account at the end of a run."""
        ...

    def close(self) -> None: ...


class Claims(Protocol):
    """The calls to be done, and which of them this worker has. Every method may raise DatabaseUnavailable."""

    def enqueue(self, run_id: str, calls: Mapping[str, str], priority: int = 0) -> Collection[str]:
        """What a run has planned, JSON by address, in the order asked for. Returns what another run has already.

        `priority`: higher is claimed first; above 0 a worker takes it before what it has in hand.
        """
        ...

    def claim(
        self, run_id: str | None, most: int, least_priority: int | None = None, in_hand: int | None = None
    ) -> Sequence[Claim]:
        """Up to `most` free calls of a run, or of all runs with this worker's configuration, of at least this priority.

        Higher priority first, then in the order asked for. With `in_hand`, the calls this worker has, it gets no more
        than makes up its share of those that are not done with, as long as other workers are there.
        """
        ...

    def renew(self, fences: Collection[int]) -> None:
        """A new lease for those that this worker still has."""
        ...

    def held(self) -> Collection[int]:
        """Fences of the claims that this worker has."""
        ...

    def give_back(self, fences: Collection[int]) -> None:
        """Free for anybody at once."""
        ...

    def end(self, claim: Claim, handled: Handled) -> None:
        """The call is done with, and nothing about it is to be stored. Raises ClaimLost."""
        ...

    def end_as_lost(self, fences: Collection[int]) -> None: ...

    def free_of_the_dead(self) -> None:
        """What dead processes of this machine have claimed is free at once."""
        ...

    def free_of(self, worker: str) -> None:
        """What this worker has claimed is free at once: it has died, and whoever says so knows it."""
        ...

    def withdraw(self, run_id: str) -> None:
        """Nobody begins the calls of a run that nobody has begun."""
        ...

    def ended_elsewhere(self, run_id: str, since: datetime | None) -> Sequence[EndedClaim]:
        """Calls of a run that other workers have ended since then, some of them perhaps again; in that order."""
        ...

    def present(self, report: WorkerReport, *, leaving: bool = False) -> None:
        """A sign of life of this worker, its last one if it is `leaving`. Not patient: the next one comes soon."""
        ...

    def outcomes(self, run_id: str) -> Mapping[str, int]:
        """How the calls of a run have ended so far (`HandledAs`), by number."""
        ...

    def tell_stages(self, stages: Sequence[ClaimStage]) -> None:
        """Where this worker is with its calls, for those who follow them. Not patient."""
        ...

    def left(self, run_id: str | None) -> int:
        """Calls of a run, or of all runs, that are not done with, whoever has them."""
        ...
