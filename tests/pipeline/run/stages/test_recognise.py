"""Which segments the recogniser is given, and which transcript a call gets: with a store and a process in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from commands.evaluate.comparison.claims_in_memory import ClaimsInMemory
from pipeline.config.areas.run import RunSettings
from pipeline.errors import ModelUnavailable
from pipeline.records import (
    AudioHeader,
    CallFailure,
    CallMetadata,
    CallStatus,
    Claim,
    Direction,
    EngineIdentity,
    FoundCall,
    KnownCall,
    PreparedCall,
    PreparedChannel,
    Role,
    SegmentText,
    SpeechSegment,
    Transcript,
)
from pipeline.run.context import BatchParts, RunContext
from pipeline.run.desk import Desk
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.plan import Action, PlannedCall
from pipeline.run.planning.recipes import Recipe
from pipeline.run.processes.recogniser_child import SegmentTask, WindowTask
from pipeline.run.signals import RunSignals
from pipeline.run.stages.engine_return import EngineReturn
from pipeline.run.stages.engine_watch import EngineWatch
from pipeline.run.stages.recognise import RecogniseStage
from pipeline.run.stages.under_way import window_task
from pipeline.run.stages.work import Finished, Kept, StageQueue, Work
from pipeline.run.tally import Tally
from pipeline.transcription.engine import (
    COST_CEILING,
    OUT_OF_MEMORY,
    SERVICE_UNAVAILABLE,
    EngineDescription,
    SegmentResult,
)

FIRST = EngineIdentity(engine="first", model="m", revision=None, options_hash="0", rank=0, demonstration=False)
SECOND = replace(FIRST, engine="second", rank=1)


@dataclass
class FakeStore:
    transcripts: dict[str, Transcript] = field(default_factory=dict)
    finished: dict[str, list[SegmentText]] = field(default_factory=dict)
    elsewhere: list[KnownCall] = field(default_factory=list)
    saved_segments: list[tuple[str, SegmentText]] = field(default_factory=list)
    claims: list[tuple[str, str | None]] = field(default_factory=list)
    """File names with the call_id they were moved from."""

    def claim_call(self, found: FoundCall, audio_sha256: str, moved_from: str | None) -> str:
        self.claims.append((found.file_name, moved_from))
        return moved_from or f"id of {found.file_name}"

    def known_by_content(self, audio_sha256: str) -> Sequence[KnownCall]:
        return [known for known in self.elsewhere if known.audio_sha256 == audio_sha256]

    def transcript(self, transcript_fingerprint: str) -> Transcript | None:
        return self.transcripts.get(transcript_fingerprint)

    def save_transcript(self, transcript: Transcript, audio_sha256: str, claim: Claim | None = None) -> None:
        self.transcripts[transcript.fingerprint] = transcript

    def finished_segments(self, transcript_fingerprint: str) -> Sequence[SegmentText]:
        return self.finished.get(transcript_fingerprint, [])

    def save_segments(
        self,
        transcript_fingerprint: str,
        segments: Iterable[SegmentText],
        audio_sha256: str,
        claim: Claim | None = None,
    ) -> None:
        self.saved_segments += [(transcript_fingerprint, segment) for segment in segments]


class FakeTranscripts:
    """The text of a transcript is in its flags: which segments, by whom."""

    def fingerprint(self, found: FoundCall, prepared: PreparedCall, identity: EngineIdentity) -> str:
        return f"{prepared.audio_sha256} by {identity.engine}"

    def assemble(
        self,
        prepared: PreparedCall,
        fingerprint: str,
        identity: EngineIdentity,
        segments: Sequence[SegmentText],
        direction: Direction | None = None,
    ) -> Transcript:
        texts = tuple(sorted(segment.text for segment in segments))
        return Transcript(fingerprint=fingerprint, identity=identity, language=None, chunks=(), flags=texts)


@dataclass
class FakeProcess:
    """Answers one segment at a look, with what `answer` makes of it."""

    answer: Callable[[SegmentTask], SegmentResult]
    changes_after: int = 10**9
    """Answers after which it restarts with the second engine and drops what it holds."""
    identity: EngineIdentity | None = None
    description: EngineDescription | None = None
    restarts: int = 0
    others: tuple[EngineIdentity, ...] = ()
    """Engines it can be started with when the first is left."""
    absent: frozenset[str] = frozenset()
    """Engines that are not to be had again."""
    without_memory: set[str] = field(default_factory=set)
    given: list[str] = field(default_factory=list)
    most: int = 0
    """Segments that it ever had at once."""
    waiting: list[SegmentTask] = field(default_factory=list)

    @property
    def outstanding(self) -> int:
        return len(self.waiting)

    def start(self, meanwhile: Callable[[], None] | None = None) -> tuple[None, EngineIdentity]:
        self.identity = FIRST
        return None, FIRST

    def submit(self, task: WindowTask) -> None:
        self.given.append("+".join(segment.key for segment in task.segments))
        self.waiting += task.segments
        self.most = max(self.most, len(self.waiting))

    def results(self, timeout_s: float) -> list[SegmentResult]:
        if self.changes_after == 0:
            self.identity, self.restarts, self.changes_after = SECOND, 1, 10**9
            self.waiting.clear()
            return []
        self.changes_after -= 1
        return [self.answer(self.waiting.pop(0))]

    def leave(self, why: str) -> None:
        if not self.others:
            raise ModelUnavailable(f"{why}; and no other engine can serve")
        self.waiting.clear()
        self.identity = replace(self.others[0], passed_over=(f"first: {why}",))

    def return_to(self, engine: str) -> bool:
        assert not self.waiting, "calls under way would lose their engine"
        if engine in self.absent:
            return False
        self.identity = FIRST
        return True

    def kill(self) -> None: ...


class Silent:
    def __init__(self) -> None:
        self.notices: list[str] = []

    def planned(self, total: int, total_bytes: int) -> None: ...

    def call_finished(self, found: FoundCall, status: CallStatus, detail: str) -> None: ...

    def notice(self, message: str) -> None:
        self.notices.append(message)


def says_its_key(task: SegmentTask) -> SegmentResult:
    return SegmentResult(key=task.key, text=task.key.partition("/")[2], language="en")


def found_call(name: str) -> FoundCall:
    return FoundCall(
        source_uri=f"file:///nowhere/{name}", file_name=name, size_bytes=1, modified_at=None, metadata=CallMetadata()
    )


def known_call(name: str, **changes: Any) -> KnownCall:
    known = KnownCall(
        call_id=f"old id of {name}", source_uri=f"file:///nowhere/{name}", size_bytes=1, modified_at=None, etag=None,
        audio_sha256="sha", status=CallStatus.DONE, error_transient=None, failed_runs=0, transcript_fingerprint="old",
        engine_rank=0, engine="first", engine_demonstration=False, engine_model="m", engine_revision=None,
        engine_options_hash="0", steps={},
    )  # fmt: skip
    return replace(known, **changes)


def channel(number: int, segments: int, same_as: int | None = None) -> PreparedChannel:
    cuts = tuple(SpeechSegment(channel=number, ordinal=n, start_s=n, end_s=n + 0.9) for n in range(segments))
    return PreparedChannel(
        channel=number, role=Role.UNKNOWN, samples_path=Path("none.f32"), samples=16_000, rms_dbfs=-20.0, peak=0.5,
        gain_db=0.0, speech_s=0.8, flags=(), segments=cuts, same_as_channel=same_as,
    )  # fmt: skip


CLAIM = Claim(claim_id=1, run_id="run", fence=1, call={})


def work(name: str, *channels: PreparedChannel, sha256: str = "sha", **planned: Any) -> Work:
    header = AudioHeader(container="wav", codec="pcm_s16le", sample_rate_hz=8000, channels=1, duration_s=9.0)
    prepared = PreparedCall(
        audio_sha256=sha256, header=header, duration_s=9.0, channels=channels or (channel(0, 2),), flags=()
    )
    call = PlannedCall(found=found_call(name), **{"action": Action.NEW, **planned})
    return Work(claim=CLAIM, planned=call, spool=Path("no_such_spool"), prepared=prepared)


@dataclass
class Outcome:
    out: list[Work]
    failures: list[CallFailure]
    signals: RunSignals
    observer: Silent
    tally: Tally
    kept: list[str]


def recognised(
    works: Sequence[Work],
    store: FakeStore,
    process: FakeProcess,
    uris: Iterable[str] = (),
    look: Callable[[str], object] | None = None,
    *,
    seen: list[RunSignals] | None = None,
    desk: Desk | None = None,
    **settings: Any,
) -> Outcome:
    """The stage over these calls, to its end. `look`: how an engine that went away is looked for, without pauses.

    `seen`: is given the run's signals before it begins.
    """
    signals, observer = RunSignals(RunSettings(**settings)), Silent()
    if seen is not None:
        seen.append(signals)
    in_memory: Any = store
    nothing: Any = None
    parts = BatchParts(
        source=nothing, store=in_memory, claims=nothing, preparer=nothing, recogniser=nothing, recogniser_arguments=(),
        analyser=nothing, transcripts=nothing_but(FakeTranscripts()),
        engines=("first", *(other.engine for other in process.others)),
    )  # fmt: skip
    context = RunContext(
        parts=parts, signals=signals, recorder=PerformanceRecorder(), observer=observer, tally=Tally(),
        desk=desk or Desk(ClaimsInMemory(), "run", signals.settings),
        recipe=Recipe(engines=("first", "second"), first=FIRST),
    )  # fmt: skip
    inbox: StageQueue[Work] = StageQueue(100, signals, 1)
    out: StageQueue[Work] = StageQueue(100, signals, 1)
    finished: StageQueue[Finished] = StageQueue(100, signals, 1)
    for item in works:
        inbox.put(item)
    inbox.writer_done()
    planted: Any = process
    returns = None if look is None else EngineReturn(look, 1e-6, 1e-6)
    watch = EngineWatch(context, planted, returns)
    RecogniseStage(context, planted, set(uris), watch).start(inbox, out, finished).join(30)
    assert not any(thread.name == "recognise" for thread in threading.enumerate()), "the stage has ended"
    ended = finished.take_waiting(100)
    failures = [item for item in ended if isinstance(item, CallFailure)]
    kept = [item.work.file_name for item in ended if isinstance(item, Kept)]
    return Outcome(out.take_waiting(100), failures, signals, observer, context.tally, kept)


def nothing_but(transcripts: FakeTranscripts) -> Any:
    return transcripts


def texts(outcome: Outcome) -> dict[str, tuple[str, ...]]:
    return {item.file_name: item.transcript.flags for item in outcome.out if item.transcript}


def test_every_segment_of_every_channel_is_recognised_once_but_for_copies_of_a_channel() -> None:
    store, process = FakeStore(), FakeProcess(says_its_key)
    outcome = recognised([work("a.wav", channel(0, 2), channel(1, 1), channel(2, 2, same_as=0))], store, process)
    assert process.given == ["id of a.wav/0/0", "id of a.wav/0/1", "id of a.wav/1/0"]
    assert texts(outcome) == {"a.wav": ("0/0", "0/1", "1/0")}
    assert {segment.text for _, segment in store.saved_segments} == {"0/0", "0/1", "1/0"}
    assert outcome.observer.notices == []


def test_flags_of_segments_are_counted_by_name() -> None:
    def flagged(task: SegmentTask) -> SegmentResult:
        return replace(says_its_key(task), flags=("loop", "unsure") if task.key.endswith("0") else ("loop",))

    outcome = recognised([work("a.wav", channel(0, 3))], FakeStore(), FakeProcess(flagged))
    assert outcome.tally.gates == {"loop": 3, "unsure": 1}


def test_equal_audio_under_two_names_is_recognised_once() -> None:
    store, process = FakeStore(), FakeProcess(says_its_key)
    outcome = recognised([work("a.wav"), work("b.wav"), work("c.wav", sha256="other")], store, process)
    assert process.given == [f"id of {name}/0/{n}" for name in ("a.wav", "c.wav") for n in (0, 1)]
    assert texts(outcome) == dict.fromkeys(("a.wav", "b.wav", "c.wav"), ("0/0", "0/1"))


WINDOWS = EngineDescription(
    engine="first", model="m", revision=None, demonstration=False, max_segment_s=30.0, takes_context=False,
    languages=None, window_s=2.9,
)  # fmt: skip


def test_segments_of_a_channel_go_in_windows_where_the_engine_hears_better_so() -> None:
    store, process = FakeStore(), FakeProcess(says_its_key, description=WINDOWS)
    outcome = recognised([work("a.wav", channel(0, 4), channel(1, 1))], store, process)
    windows = [[key.partition("/")[2] for key in window.split("+")] for window in process.given]
    assert windows == [["0/0", "0/1", "0/2"], ["0/3"], ["1/0"]]
    assert texts(outcome) == {"a.wav": ("0/0", "0/1", "0/2", "0/3", "1/0")}


@pytest.mark.parametrize(
    ("looks_ahead", "setting", "most"),
    [
        pytest.param(None, 128, 60, id="an engine that does not say"),
        pytest.param(1, 128, 16, id="one at a time"),
        pytest.param(20, 128, 40, id="twice what it looks ahead"),
        pytest.param(20, 8, 8, id="the setting allows less"),
    ],
)
def test_the_process_is_handed_no_more_than_its_engine_looks_ahead(
    looks_ahead: int | None, setting: int, most: int
) -> None:
    """What it has, no other worker can take."""
    store = FakeStore()
    process = FakeProcess(says_its_key, description=replace(WINDOWS, window_s=None, looks_ahead=looks_ahead))
    calls = [work(f"{n}.wav", channel(0, 1), sha256=str(n)) for n in range(60)]
    assert len(recognised(calls, store, process, segments_per_batch=setting).out) == 60
    assert process.most == most


@pytest.mark.parametrize(
    ("longest_s", "flags", "around"),
    [
        pytest.param(30.0, (), [0.0, 0.05, 0.05, 0.05, 0.05, 0.25], id="half of the way to the neighbour"),
        pytest.param(None, (), [0.0] * 6, id="an engine that takes segments"),
        pytest.param(30.0, ("diarised",), [0.0] * 6, id="the other speaker is around"),
    ],
)
def test_segments_of_a_window_are_heard_with_the_sound_around_them(
    longest_s: float | None, flags: tuple[str, ...], around: list[float]
) -> None:
    prepared = work("a.wav", channel(0, 3)).prepared
    assert prepared is not None
    prepared = replace(prepared, flags=flags)
    window = prepared.channels[0].segments
    task = window_task("id", found_call("a.wav"), prepared, window, longest_s)
    found = [value for segment in task.segments for value in (segment.before_s, segment.after_s)]
    assert found == pytest.approx(around)


@pytest.mark.parametrize(
    ("stored", "given"),
    [((0, 1, 2), ["0/3"]), ((0, 2), ["0/0", "0/1", "0/2", "0/3"]), ((3,), ["0/0", "0/1", "0/2"]), ((0, 1, 2, 3), [])],
    ids=["a whole window", "part of a window", "the last window", "all"],
)
def test_a_window_a_killed_run_did_not_finish_is_decoded_whole(stored: tuple[int, ...], given: list[str]) -> None:
    """Else the words would depend on where the kill came."""
    before = {"sha by first": [earlier(n, n, n + 0.9) for n in stored]}
    process = FakeProcess(says_its_key, description=WINDOWS)
    outcome = recognised([work("a.wav", channel(0, 4))], FakeStore(finished=before), process)
    assert [key.partition("/")[2] for window in process.given for key in window.split("+")] == given
    kept = 4 - len(given)
    assert texts(outcome) == {"a.wav": tuple(sorted([*given, *["earlier"] * kept]))}


def earlier(ordinal: int, start_s: float, end_s: float) -> SegmentText:
    return SegmentText(channel=0, ordinal=ordinal, start_s=start_s, end_s=end_s, text="earlier", language="en")


@pytest.mark.parametrize(
    ("stored", "given"),
    [
        (earlier(1, 1.0, 1.9), ["0/0"]),
        (earlier(1, 1.0, 1.8), ["0/0", "0/1"]),
        (earlier(1, 0.9, 1.9), ["0/0", "0/1"]),
        (earlier(7, 7.0, 7.9), ["0/0", "0/1"]),
    ],
    ids=["as today", "another end", "another start", "beyond the end"],
)
def test_segments_of_an_interrupted_run_count_where_they_lie_as_today(stored: SegmentText, given: list[str]) -> None:
    store, process = FakeStore(finished={"sha by first": [stored]}), FakeProcess(says_its_key)
    outcome = recognised([work("a.wav")], store, process)
    assert [key.partition("/")[2] for key in process.given] == given
    assert texts(outcome) == {"a.wav": tuple(sorted({*given, *(["earlier"] if len(given) == 1 else [])}))}


class Telling(Desk):
    """Keeps what it is told: stage, share and length of the recording."""

    def __init__(self) -> None:
        super().__init__(ClaimsInMemory(), "run", RunSettings())
        self.told: list[tuple[str, float | None, float | None]] = []

    def tell(self, claim: Claim, stage: str, share: float | None = None, audio_s: float | None = None) -> None:
        assert claim is CLAIM
        self.told.append((stage, share, audio_s))


@pytest.mark.parametrize(
    ("spans", "stored", "shares"),
    [
        pytest.param([(0, 1), (2, 5), (6, 10)], [], [0.0, 0.125, 0.5], id="by the length of what is through"),
        pytest.param([(0, 1), (2, 5)], [(0, 1)], [0.25], id="what an earlier run did counts"),
        pytest.param([(0, 1)], [(0, 1)], [1.0], id="an earlier run did it all"),
        pytest.param([], [], [1.0], id="silent"),
    ],
)
def test_how_much_of_a_call_is_recognised_is_told_as_it_goes(
    spans: list[tuple[int, int]], stored: list[tuple[int, int]], shares: list[float]
) -> None:
    segments = tuple(
        SpeechSegment(channel=0, ordinal=place, start_s=start_s, end_s=end_s)
        for place, (start_s, end_s) in enumerate(spans)
    )
    call = work("a.wav", replace(channel(0, 0), segments=segments))
    finished = [earlier(place, start_s, end_s) for place, (start_s, end_s) in enumerate(stored)]
    store = FakeStore(finished={"sha by first": finished})
    desk = Telling()
    outcome = recognised([call], store, FakeProcess(says_its_key), desk=desk, segments_per_batch=1)
    assert len(outcome.out) == 1
    assert desk.told == [("recognise", share, 9.0) for share in shares]


@pytest.mark.parametrize("forced", [False, True])
def test_what_is_stored_is_taken_unless_all_is_to_be_done_again(forced: bool) -> None:
    old = Transcript(fingerprint="sha by first", identity=FIRST, language=None, chunks=(), flags=("stored",))
    store = FakeStore(transcripts={"sha by first": old}, finished={"sha by first": [earlier(1, 1.0, 1.9)]})
    process = FakeProcess(says_its_key)
    outcome = recognised([work("a.wav", forced=forced)], store, process)
    assert texts(outcome) == {"a.wav": ("0/0", "0/1") if forced else ("stored",)}
    assert len(process.given) == (2 if forced else 0)


def test_an_analysis_alone_reads_the_stored_transcript_or_says_that_it_is_gone() -> None:
    old = Transcript(fingerprint="old", identity=FIRST, language=None, chunks=(), flags=("stored",))
    process = FakeProcess(says_its_key)
    planned: dict[str, Any] = {"action": Action.ANALYSE, "known": known_call("a.wav")}
    outcome = recognised([work("a.wav", **planned)], FakeStore(transcripts={"old": old}), process)
    assert texts(outcome) == {"a.wav": ("stored",)}
    assert outcome.out[0].call_id == "old id of a.wav"
    outcome = recognised([work("a.wav", **planned)], FakeStore(), process)
    assert [failure.error_type for failure in outcome.failures] == ["TranscriptMissing"]
    assert process.given == []


@pytest.mark.parametrize(
    ("planned", "uris", "moved_from"),
    [
        ({}, [], "old id of old.wav"),
        ({}, ["file:///nowhere/old.wav"], None),
        ({"known": known_call("a.wav")}, [], None),
    ],
    ids=["the old address is gone", "the old address is offered, too", "this address is known"],
)
def test_a_recording_that_moved_keeps_its_call_id(
    planned: dict[str, Any], uris: list[str], moved_from: str | None
) -> None:
    store = FakeStore(elsewhere=[known_call("old.wav")])
    recognised([work("a.wav", **planned)], store, FakeProcess(says_its_key), uris)
    assert store.claims == [("a.wav", moved_from)]


def test_after_a_restart_with_another_engine_calls_under_way_begin_again() -> None:
    store, process = FakeStore(), FakeProcess(says_its_key, changes_after=3)
    works = [work("a.wav"), work("b.wav", sha256="other"), work("c.wav", sha256="other")]
    outcome = recognised(works, store, process)
    assert {item.file_name: item.transcript.identity.engine for item in outcome.out if item.transcript} == {
        "a.wav": "first", "b.wav": "second", "c.wav": "second",
    }  # fmt: skip
    assert texts(outcome) == dict.fromkeys(("a.wav", "b.wav", "c.wav"), ("0/0", "0/1"))
    assert ("other by first", "0/0") in {(key, segment.text) for key, segment in store.saved_segments}, "for the day"
    assert any("no longer first" in notice and "2 calls" in notice for notice in outcome.observer.notices)
    assert outcome.observer.notices.count("the recogniser was restarted (1 so far)") == 1


def unserved(task: SegmentTask) -> SegmentResult:
    if "bad" not in task.key:
        return says_its_key(task)
    return SegmentResult(key=task.key, text="", language=None, flags=(SERVICE_UNAVAILABLE,), error="503")


def test_calls_a_service_did_not_serve_are_counted_in_a_row() -> None:
    names = ["bad1", "bad2", "good", "bad3", "silent", "bad4"]
    works = [work(name, channel(0, 0 if name == "silent" else 1), sha256=name) for name in names]
    outcome = recognised(works, FakeStore(), FakeProcess(unserved), unserved_calls=3, segments_per_batch=1)
    assert outcome.signals.fatal is None
    assert [failure.found.file_name for failure in outcome.failures] == ["bad1", "bad2", "bad3", "bad4"]
    works += [work("bad5", channel(0, 1), sha256="bad5")]
    outcome = recognised(works, FakeStore(), FakeProcess(unserved), unserved_calls=3, segments_per_batch=1)
    assert isinstance(outcome.signals.fatal, ModelUnavailable)


@pytest.mark.parametrize("flag", [SERVICE_UNAVAILABLE, OUT_OF_MEMORY])
def test_no_transcript_is_made_with_a_hole_that_another_run_may_fill(flag: str) -> None:
    def half(task: SegmentTask) -> SegmentResult:
        bad = task.key.endswith("1")
        return replace(says_its_key(task), error="not now" if bad else None, flags=(flag,) if bad else ())

    store = FakeStore()
    outcome = recognised([work("a.wav")], store, FakeProcess(half), unserved_calls=9)
    assert [(failure.error_type, failure.transient) for failure in outcome.failures] == [("RecognitionFailed", True)]
    assert [segment.text for _, segment in store.saved_segments] == ["0/0"], "the next run goes on from here"
    assert store.transcripts == {}


def test_a_segment_with_an_error_is_not_kept_for_a_later_run() -> None:
    def half(task: SegmentTask) -> SegmentResult:
        bad = task.key.endswith("1")
        return replace(says_its_key(task), error="too long" if bad else None, flags=("odd",) if bad else ())

    store = FakeStore()
    outcome = recognised([work("a.wav")], store, FakeProcess(half))
    assert [segment.text for _, segment in store.saved_segments] == ["0/0"]
    assert texts(outcome) == {"a.wav": ("", "0/0")}, "a hole that says so"


def made_by(outcome: Outcome) -> dict[str, str]:
    return {item.file_name: item.transcript.identity.engine for item in outcome.out if item.transcript}


class Service:
    """The first engine's service: down from its `dies`-th segment on, until a look finds it."""

    def __init__(self, dies: int, down_looks: int = 0) -> None:
        self.process = FakeProcess(self.answer, others=(SECOND,))
        self.left, self.down_looks, self.looks = dies, down_looks, 0

    def answer(self, task: SegmentTask) -> SegmentResult:
        if self.process.identity == FIRST:
            self.left -= 1
            if self.left < 0:
                return SegmentResult(key=task.key, text="", language=None, flags=(SERVICE_UNAVAILABLE,), error="503")
        else:
            time.sleep(0.002)  # a look is under way meanwhile
        return says_its_key(task)

    def look(self, engine: str) -> None:
        assert engine == "first"
        self.looks += 1
        if self.looks <= self.down_looks:
            raise ModelUnavailable("no answer")
        self.left = 10**9


def calls(number: int, segments: int = 2) -> list[Work]:
    names = [f"{n:02d}.wav" for n in range(number)]
    return [work(name, channel(0, segments), sha256=name) for name in names]


def test_a_service_that_goes_down_is_left_for_the_next_engine_and_no_call_fails() -> None:
    service, store = Service(dies=5), FakeStore()
    outcome = recognised(calls(6), store, service.process, unserved_calls=2)
    assert outcome.failures == []
    assert outcome.signals.fatal is None
    engines = made_by(outcome)
    assert set(engines) == {f"{n:02d}.wav" for n in range(6)}
    assert [engines[name] for name in sorted(engines)] == ["first"] * 2 + ["second"] * 4
    assert ("02.wav by first", "0/0") in {(key, segment.text) for key, segment in store.saved_segments}
    assert outcome.tally.by_engine == {"first": 2, "second": 4}
    (change,) = outcome.tally.engine_changes
    assert (change.left, change.now) == ("first", "second")
    assert "first gave no words for 2 calls in a row: 503" in change.why


def test_it_is_taken_again_when_a_look_finds_it_and_calls_under_way_keep_their_engine() -> None:
    service = Service(dies=3, down_looks=2)
    outcome = recognised(
        calls(60), FakeStore(), service.process, look=service.look, unserved_calls=1, segments_per_batch=4
    )
    engines = made_by(outcome)
    assert outcome.failures == []
    assert len(engines) == 60
    assert service.looks == 3
    assert [(change.left, change.now) for change in outcome.tally.engine_changes] == [
        ("first", "second"),
        ("second", "first"),
    ]
    assert outcome.tally.engine_changes[1].calls_again == 0
    assert engines["59.wav"] == "first"


def test_an_engine_found_that_does_not_load_is_left_alone_again() -> None:
    service = Service(dies=1)
    service.process.absent = frozenset({"first"})
    outcome = recognised(calls(5, 1), FakeStore(), service.process, look=service.look, unserved_calls=1)
    assert made_by(outcome) == {"00.wav": "first", **{f"{n:02d}.wav": "second" for n in range(1, 5)}}
    assert len(outcome.tally.engine_changes) == 1


def test_a_service_found_again_that_serves_nothing_is_left_at_its_first_call() -> None:
    service = Service(dies=2)
    looks: list[str] = []
    outcome = recognised(
        calls(30, 1), FakeStore(), service.process, look=looks.append, unserved_calls=3, segments_per_batch=1
    )
    assert outcome.failures == []
    assert len(made_by(outcome)) == 30
    ways = [(change.left, change.now, change.why) for change in outcome.tally.engine_changes]
    assert "3 calls in a row" in ways[0][2]
    again = [why for left, _, why in ways[1:] if left == "first"]
    assert again
    assert all("1 call in a row" in why for why in again)


def test_a_call_that_a_service_never_serves_fails_alone_though_another_engine_is_there() -> None:
    process = FakeProcess(unserved, others=(SECOND,))
    works = [work(name, channel(0, 1), sha256=name) for name in ("a", "bad", *(f"good{n}" for n in range(20)))]
    outcome = recognised(works, FakeStore(), process, unserved_calls=3, attempts=2, segments_per_batch=4)
    assert [failure.found.file_name for failure in outcome.failures] == ["bad"]
    assert outcome.tally.engine_changes == []


@pytest.mark.parametrize(
    ("known", "kept"),
    [
        (known_call("1", audio_sha256="1", engine="first"), True),
        (known_call("1", audio_sha256="1", engine="second"), False),
        (known_call("1", audio_sha256="other bytes", engine="first"), False),
        (known_call("1", audio_sha256="1", engine=None, transcript_fingerprint=None), False),
    ],
    ids=["rows of the first", "rows of the fallback", "the bytes changed", "no rows"],
)
def test_a_fallback_in_mid_run_leaves_a_better_engine_s_rows_and_asks_nothing_for_them(
    known: KnownCall, kept: bool
) -> None:
    service = Service(dies=0)
    works = [work("0", channel(0, 1), sha256="0"), work("1", channel(0, 1), sha256="1", known=known)]
    outcome = recognised(works, FakeStore(), service.process, unserved_calls=1, segments_per_batch=1)
    assert outcome.kept == (["1"] if kept else [])
    assert made_by(outcome) == {"0": "second"} | ({} if kept else {"1": "second"})


def test_a_ceiling_of_cost_stops_the_run_as_planned_and_fails_no_call() -> None:
    def dear(task: SegmentTask) -> SegmentResult:
        if task.key.endswith("02.wav/0/1"):
            return SegmentResult(
                key=task.key, text="", language=None, flags=(COST_CEILING,), error="transcription.max_cost_usd"
            )
        return says_its_key(task)

    store = FakeStore()
    outcome = recognised(calls(3), store, FakeProcess(dear))
    assert made_by(outcome) == {"00.wav": "first", "01.wav": "first"}
    assert outcome.failures == []
    assert (outcome.signals.planned, outcome.signals.reason) == (True, "transcription.max_cost_usd")
    assert ("02.wav by first", "0/0") in {(key, segment.text) for key, segment in store.saved_segments}


def test_a_run_that_is_abandoned_waits_for_no_answer() -> None:
    signals: list[RunSignals] = []

    class Slow(FakeProcess):
        def results(self, timeout_s: float) -> list[SegmentResult]:
            signals[0].abandoned.set()
            return []

    outcome = recognised([work("a.wav"), work("b.wav")], FakeStore(), Slow(says_its_key), seen=signals)
    assert (outcome.out, outcome.failures) == ([], [])
    assert signals[0].fatal is None
