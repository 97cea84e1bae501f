"""Jobs become planned calls, and end with them, whoever does them; with the real tables."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db.connection import Database
from db.jobs.records import NewJob
from db.jobs.store import PostgresJobs
from db.ledger.store import PostgresStore
from db.ledger.work.claims import PostgresClaims
from db.ledger.work.intake import PostgresIntakeRuns
from pipeline.config.areas.run import RunSettings
from pipeline.handled import Handled, HandledAs
from pipeline.jobs import Job, JobState
from pipeline.records import CallFailure, CallStatus, Claim, ClaimStage, FoundCall, SkippedFile
from pipeline.run.intake import Intake
from pipeline.run.planning.recipes import Recipe
from tests.db.samples import outcome, prepared, transcript

RECIPE = Recipe(engines=("planted",), first=None, former={}, allow_downgrade=False, keep_stale=True)


class Place:
    """The jobs, an intake over them, and a worker's claims."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.jobs = PostgresJobs(database)
        self.store = PostgresStore(database)
        self.worker = PostgresClaims(database, "somewhere-1-x", "hash", 60)
        self.now = 1000.0
        self.skipped: dict[str, str] = {}
        self.gone: set[str] = set()

    def intake(self) -> Intake:
        return Intake(
            jobs=self.jobs,
            runs=PostgresIntakeRuns(self.database, "file:///recordings", {}, "hash", "here"),
            store=self.store,
            claims=PostgresClaims(self.database, "here-1-y", "hash", 60),
            offered=self._offered,
            settings=RunSettings(),
            recipe=RECIPE,
            now=lambda: self.now,
        )

    def _offered(self, job: Job) -> Sequence[FoundCall | SkippedFile]:
        assert job.source_uri is not None
        if job.file_name in self.gone:
            raise FileNotFoundError(job.file_name)
        if job.file_name in self.skipped:
            return [SkippedFile(source_uri=job.source_uri, file_name=job.file_name, size_bytes=1, modified_at=None,
                                reason=self.skipped[job.file_name], message="why")]  # fmt: skip
        return [found_of(job.source_uri)]

    def accepted(self, name: str, priority: int = 0) -> str:
        job_id = str(uuid.uuid4())
        self.jobs.open(
            NewJob(job_id=job_id, state=JobState.RECEIVING, submitted_by="me", idempotency_key=None, request_hash="h",
                   file_name=name, recording_url=None, size_bytes=None, metadata={}, customer_segment=None, queue=None,
                   priority=priority, callback_url=None)
        )  # fmt: skip
        self.jobs.stored(job_id, source_uri=f"file:///recordings/{name}", file_name=name, size_bytes=1, sha256=name)
        return job_id

    def job(self, job_id: str) -> Job:
        found = self.jobs.job(job_id)
        assert found is not None
        return found

    def state(self, job_id: str) -> JobState:
        return self.job(job_id).state

    def do(self, claim: Claim) -> str:
        """As a worker does a call."""
        found = found_of(claim.call["found"]["source_uri"])
        sha = found.file_name
        call_id = self.store.claim_call(found, sha, None)
        done = outcome(call_id, claim.run_id, found, audio=prepared(sha), words=transcript(sha))
        self.store.save_call(replace(done, claim=claim))
        return call_id


def found_of(uri: str) -> FoundCall:
    name = uri.rpartition("/")[2]
    return FoundCall(source_uri=uri, file_name=name, size_bytes=1, modified_at=datetime(2026, 9, 1, tzinfo=UTC))


@pytest.fixture
def place(database: Database) -> Place:
    return Place(database)


def test_jobs_are_done_by_any_worker_the_urgent_ones_first(place: Place) -> None:
    low, high = place.accepted("low.wav"), place.accepted("high.wav", 5)
    intake = place.intake()
    intake.beat()
    claims = place.worker.claim(None, 9)
    assert [claim.call["found"]["file_name"] for claim in claims] == ["high.wav", "low.wav"]
    assert [claim.priority for claim in claims] == [5, 0]
    call_id = place.do(claims[0])
    intake.beat()
    assert (place.state(high), place.job(high).call_id) == (JobState.DONE, call_id)
    assert place.state(low) is JobState.QUEUED


def test_a_call_that_is_done_with_stays_where_it_was_until_its_end_is_read_off(place: Place) -> None:
    job = place.accepted("a.wav")
    place.intake().beat()
    (claim,) = place.worker.claim(None, 9)
    place.worker.tell_stages([ClaimStage(claim_id=claim.claim_id, fence=claim.fence, stage="analyse")])
    place.jobs.tell_stages()
    place.do(claim)
    assert place.jobs.progress(job) is None
    assert (place.state(job), place.job(job).stage) == (JobState.QUEUED, "analyse")


def test_a_failure_and_a_recording_that_is_no_call_say_why(place: Place) -> None:
    failing, short = place.accepted("failing.wav"), place.accepted("short.wav")
    place.skipped["short.wav"] = "too_small"
    intake = place.intake()
    intake.beat()
    assert (place.state(short), place.job(short).reason) == (JobState.SKIPPED, "too_small")
    (claim,) = place.worker.claim(None, 9)
    failure = CallFailure(found=found_of("file:///recordings/failing.wav"), run_id=claim.run_id, stage="prepare",
                          error_type="AudioUndecodable", message="no", transient=False, claim=claim)  # fmt: skip
    place.store.save_failure(failure, 3)
    intake.beat()
    assert (place.state(failing), place.job(failing).reason) == (JobState.FAILED, "AudioUndecodable")


def test_a_recording_that_is_gone_fails_its_job_alone(place: Place) -> None:
    gone, there = place.accepted("gone.wav"), place.accepted("there.wav")
    place.gone.add("gone.wav")
    place.intake().beat()
    assert (place.state(gone), place.job(gone).reason) == (JobState.FAILED, "recording_gone")
    assert place.state(there) is JobState.QUEUED


def test_a_killed_service_is_continued_with_its_run(place: Place) -> None:
    job = place.accepted("a.wav")
    place.intake().beat()  # killed: its connection, and with it the lock, is gone
    (claim,) = place.worker.claim(None, 9)
    later = place.accepted("b.wav")
    second = place.intake()
    second.beat()
    place.do(claim)
    second.beat()
    assert (place.state(job), place.state(later)) == (JobState.DONE, JobState.QUEUED)
    with place.database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_a_job_whose_claim_was_lost_with_its_run_is_planned_again(place: Place) -> None:
    job = place.accepted("a.wav")
    intake = place.intake()
    intake.beat()
    with place.database.connection() as connection:
        connection.execute("DELETE FROM claims")
    intake.beat()
    (claim,) = place.worker.claim(None, 9)
    place.do(claim)
    intake.beat()
    assert place.state(job) is JobState.DONE


def test_what_a_nightly_run_has_done_ends_the_job(place: Place) -> None:
    job = place.accepted("a.wav")
    nightly = place.store.begin_run({}, "hash", "here", ["file:///recordings"])
    found = found_of("file:///recordings/a.wav")
    call_id = place.store.claim_call(found, "a", None)
    place.store.save_call(outcome(call_id, nightly, found, audio=prepared("a"), words=transcript("a")))
    place.intake().beat()
    assert (place.state(job), place.job(job).call_id) == (JobState.DONE, call_id)


def test_a_call_that_a_nightly_run_has_planned_is_left_to_it(place: Place) -> None:
    nightly = place.store.begin_run({}, "hash", "here", ["file:///recordings"])
    planner = PostgresClaims(place.database, "here-2-z", "hash", 60)
    planner.enqueue(nightly, {"file:///recordings/a.wav": '{"found": {"source_uri": "file:///recordings/a.wav"}}'})
    job = place.accepted("a.wav")
    intake = place.intake()
    intake.beat()
    (claim,) = place.worker.claim(None, 9)
    assert claim.run_id == nightly
    place.do(claim)
    intake.beat()
    assert place.state(job) is JobState.DONE


def test_a_job_called_off_is_not_begun_and_what_is_under_way_is_not_stored(place: Place) -> None:
    from pipeline.errors import ClaimLost

    waiting, begun = place.accepted("waiting.wav"), place.accepted("begun.wav", 5)
    place.intake().beat()
    (claim,) = place.worker.claim(None, 1)
    place.jobs.cancel(waiting)
    place.jobs.cancel(begun)
    assert place.worker.claim(None, 9) == []
    with pytest.raises(ClaimLost):
        place.do(claim)
    assert {place.state(waiting), place.state(begun)} == {JobState.CANCELLED}


def test_a_call_of_which_nothing_could_be_stored_fails_its_job(place: Place) -> None:
    job = place.accepted("a.wav")
    intake = place.intake()
    intake.beat()
    (claim,) = place.worker.claim(None, 9)
    place.worker.end(claim, Handled(handled_as=HandledAs.LOST))
    intake.beat()
    assert (place.state(job), place.job(job).reason) == (JobState.FAILED, "lost")


def test_a_run_ends_when_nothing_comes_and_hands_over_when_it_grows_old(place: Place) -> None:
    place.accepted("a.wav")
    intake = place.intake()
    intake.beat()
    (claim,) = place.worker.claim(None, 9)
    place.now = 1000.0 + 4000.0
    intake.beat()
    with place.database.connection() as connection:
        states = connection.execute("SELECT state FROM runs ORDER BY started_at").fetchall()
    assert states == [("finished",), ("running",)], "its calls can be delivered now"
    place.do(claim)
    place.now = 1000.0 + 4001.0
    intake.beat()
    place.now = 1000.0 + 4100.0
    intake.beat()
    with place.database.connection() as connection:
        assert connection.execute("SELECT state, counts FROM runs ORDER BY started_at").fetchall()[1] == (
            "finished", {"done": 1},
        )  # fmt: skip
        assert connection.execute("SELECT status FROM calls").fetchall() == [(CallStatus.DONE,)]


def test_two_services_over_one_folder_plan_once(place: Place) -> None:
    first, second = place.intake(), place.intake()
    place.accepted("a.wav")
    first.beat()
    job = place.accepted("b.wav")
    second.beat()
    assert place.state(job) is JobState.ACCEPTED, "the first one plans it"
    first.beat()
    assert place.state(job) is JobState.QUEUED
    first.close()
    second.close()
