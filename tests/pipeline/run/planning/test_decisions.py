"""What a run decides to do with a recording, held against what the database knows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.areas.pairs import PairSettings
from pipeline.config.areas.run import Order, Reprocess, RunSettings
from pipeline.records import (
    CallForAnalysis,
    CallMetadata,
    CallStatus,
    EngineIdentity,
    FoundCall,
    KnownCall,
    SkippedFile,
    StepResult,
    StepState,
    StoredStep,
    Transcript,
)
from pipeline.run.planning.decisions import (
    StaleSteps,
    decide,
    in_order,
    is_gone,
    leave,
    look_up,
    may_replace,
    needs_audio,
    settle,
    stub,
    with_steps,
    within_limit,
)
from pipeline.run.planning.paired_files import pair_line, said_of_sides
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from pipeline.run.planning.recipes import Recipe
from pipeline.run.processes.analyser import stale_steps
from pipeline.run.signals import RunSignals, stop_moment
from pipeline.sources.addresses import file_uri
from pipeline.sources.pairs import Pairing

NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)
FOUND = FoundCall(source_uri="file:///a.wav", file_name="a.wav", size_bytes=100, modified_at=NOON)
BEST = EngineIdentity(engine="best", model="m", revision="r", options_hash="o", rank=0, demonstration=False)
SECOND = replace(BEST, engine="second", rank=1)
DEMO = replace(BEST, engine="demo", rank=2, demonstration=True)
RECIPE = Recipe(engines=("best", "second", "demo"), first=BEST)


def known(**changes: object) -> KnownCall:
    call = KnownCall(
        call_id="id",
        source_uri=FOUND.source_uri,
        size_bytes=100,
        modified_at=NOON,
        etag=None,
        audio_sha256="sha",
        status=CallStatus.DONE,
        error_transient=None,
        failed_runs=0,
        transcript_fingerprint="print",
        engine_rank=0,
        engine="best",
        engine_demonstration=False,
        engine_model="m",
        engine_revision="r",
        engine_options_hash="o",
        steps={"text": StoredStep(step="text", fingerprint="t1", state=StepState.DONE, attempts=1)},
    )
    return replace(call, **changes)  # type: ignore[arg-type]


class Todays:
    """A step of which only the fingerprints are asked: today's, then earlier ones."""

    needs_audio = False
    after: tuple[str, ...] = ()

    def __init__(self, name: str, accepted: tuple[str, ...]) -> None:
        self.name = name
        self._accepted = accepted
        self.asked_for_former = 0

    def fingerprint(self, call: CallForAnalysis) -> str:
        return self._accepted[0]

    def former_fingerprints(self, call: CallForAnalysis) -> tuple[str, ...]:
        self.asked_for_former += 1
        return self._accepted[1:]

    def run(
        self, calls: Sequence[CallForAnalysis], earlier: Sequence[Mapping[str, StepResult]]
    ) -> Sequence[StepResult]:
        raise AssertionError(f"{len(calls)} calls were analysed with {len(earlier)}: planning only compares")

    def close(self) -> None: ...


def compared(steps: Sequence[Todays]) -> StaleSteps:
    """What the analysis process answers."""
    return lambda calls, stored: [stale_steps(steps, *one) for one in zip(calls, stored, strict=True)]


_TIMES = st.none() | st.datetimes(timezones=st.none() | st.timezones())


@given(st.lists(st.tuples(_TIMES, _TIMES), max_size=8), st.sampled_from(Order))
def test_no_time_a_recording_may_carry_keeps_the_others_from_being_ordered(
    times: list[tuple[datetime | None, datetime | None]], order: Order
) -> None:
    offered = [
        replace(FOUND, source_uri=f"file:///{n}.wav", modified_at=modified, metadata=CallMetadata(started_at=started))
        for n, (started, modified) in enumerate(times)
    ]
    calls = in_order(offered, Plan(), order, seed=0)
    assert {call.source_uri for call in calls} == {call.source_uri for call in offered}


@pytest.mark.parametrize(
    ("stored", "reprocess", "action"),
    [
        (None, Reprocess.NONE, Action.NEW),
        (known(), Reprocess.NONE, Action.UNCHANGED),
        (known(), Reprocess.ALL, Action.TRANSCRIBE),
        (known(size_bytes=99), Reprocess.NONE, Action.CHANGED),
        (known(modified_at=NOON - timedelta(seconds=1)), Reprocess.NONE, Action.CHANGED),
        (known(size_bytes=99, status=CallStatus.QUARANTINED), Reprocess.NONE, Action.CHANGED),
        (known(status=CallStatus.FAILED, error_transient=True), Reprocess.NONE, Action.RETRY),
        (known(status=CallStatus.FAILED, error_transient=False), Reprocess.NONE, Action.QUARANTINED),
        (known(status=CallStatus.FAILED, error_transient=False), Reprocess.ANALYSIS, Action.QUARANTINED),
        (known(status=CallStatus.FAILED, error_transient=False), Reprocess.FAILED, Action.RETRY),
        (known(status=CallStatus.QUARANTINED), Reprocess.NONE, Action.QUARANTINED),
        (known(status=CallStatus.QUARANTINED), Reprocess.FAILED, Action.RETRY),
        (known(status=CallStatus.SKIPPED, error_type="not_audio"), Reprocess.NONE, Action.SKIPPED),
        (known(status=CallStatus.SKIPPED, error_type="too_short"), Reprocess.NONE, Action.SKIPPED),
        (known(status=CallStatus.SKIPPED, error_type="too_short"), Reprocess.FAILED, Action.RETRY),
        # Offered all the same: input.include, exclude or min_size_bytes were changed since.
        (known(status=CallStatus.SKIPPED, error_type="not_included"), Reprocess.NONE, Action.RETRY),
        (known(status=CallStatus.SKIPPED, error_type="too_small"), Reprocess.NONE, Action.RETRY),
        (known(status=CallStatus.TRANSCRIBED), Reprocess.NONE, Action.RETRY),
        (known(transcript_fingerprint=None), Reprocess.NONE, Action.RETRY),
        (known(engine="demo", engine_rank=2), Reprocess.NONE, Action.UNDECIDED),
        (known(engine_options_hash="older"), Reprocess.NONE, Action.UNDECIDED),
        (known(engine_model="another"), Reprocess.NONE, Action.UNDECIDED),
    ],
)
def test_the_action_follows_from_what_is_known(stored: KnownCall | None, reprocess: Reprocess, action: Action) -> None:
    decided = decide(FOUND, stored, reprocess, RECIPE)
    assert decided.action is action
    assert (decided.found, decided.known) == (FOUND, stored)
    assert decided.forced is (action is Action.TRANSCRIBE), "what is asked for is made anew, though it is stored"


@pytest.mark.parametrize(
    ("stored", "action"),
    [
        (known(), Action.UNCHANGED),
        (known(engine_options_hash="of an earlier version"), Action.UNCHANGED),
        (known(engine_model="small"), Action.UNCHANGED),
        (known(engine="second", engine_rank=1), Action.UNDECIDED),
        (known(status=CallStatus.FAILED, error_transient=True), Action.RETRY),
    ],
    ids=["today's", "other settings", "other weights", "a fallback's", "failed"],
)
def test_stale_transcripts_stay_where_that_is_wanted(stored: KnownCall, action: Action) -> None:
    assert decide(FOUND, stored, Reprocess.NONE, replace(RECIPE, keep_stale=True)).action is action


@pytest.mark.parametrize(
    ("stored", "serving", "allow", "replaced"),
    [
        (known(engine="demo", engine_demonstration=True), BEST, False, True),
        (known(engine="second"), BEST, False, True),
        (known(engine="best"), SECOND, False, False),
        (known(engine="best"), SECOND, True, True),
        (known(engine="best"), DEMO, False, False),
        (known(engine="no longer listed"), DEMO, False, False),
        (known(engine="no longer listed"), SECOND, False, True),
        (known(engine="best", engine_options_hash="older"), BEST, False, True),
        (known(engine=None), DEMO, False, True),
    ],
)
def test_a_fallback_never_spoils_what_is_there(
    stored: KnownCall, serving: EngineIdentity, allow: bool, replaced: bool
) -> None:
    assert may_replace(stored, serving, replace(RECIPE, allow_downgrade=allow)) is replaced


def test_a_demonstration_listed_first_does_not_replace_a_real_engine() -> None:
    recipe = Recipe(engines=("demo", "best"), first=None)
    assert may_replace(known(engine="best"), DEMO, recipe) is False


def test_an_undecided_call_stays_when_the_same_fallback_serves_again() -> None:
    call = PlannedCall(found=FOUND, action=Action.UNDECIDED, known=known(engine="second", engine_rank=1))
    assert settle(call, SECOND, RECIPE).action is Action.UNCHANGED
    assert settle(call, BEST, RECIPE).action is Action.TRANSCRIBE


@pytest.mark.parametrize(
    ("today", "state", "reprocess", "steps"),
    [
        ({"text": "t1"}, StepState.DONE, Reprocess.NONE, None),
        ({"text": "t1"}, StepState.MISSING, Reprocess.NONE, None),
        ({"text": "t1"}, StepState.FAILED, Reprocess.NONE, {"text"}),
        ({"text": "t2"}, StepState.DONE, Reprocess.NONE, {"text"}),
        ({"text": "t1", "topic": "p1"}, StepState.DONE, Reprocess.NONE, {"topic"}),
        ({"text": "t1"}, StepState.DONE, Reprocess.ANALYSIS, {"text"}),
    ],
)
def test_only_stale_failed_or_new_steps_are_run(
    today: dict[str, str], state: StepState, reprocess: Reprocess, steps: set[str] | None
) -> None:
    stored = known(steps={"text": StoredStep(step="text", fingerprint="t1", state=state, attempts=1)})
    call = PlannedCall(found=FOUND, action=Action.UNCHANGED, known=stored)
    steps_of_today = [Todays(name, (fingerprint,)) for name, fingerprint in today.items()]
    (planned,) = with_steps([call], compared(steps_of_today), reprocess)
    assert planned.action is (Action.UNCHANGED if steps is None else Action.ANALYSE)
    assert planned.steps == steps


def test_a_result_under_a_fingerprint_of_an_earlier_version_is_not_made_again() -> None:
    stored = known(steps={"text": StoredStep(step="text", fingerprint="former", state=StepState.DONE, attempts=1)})
    call = PlannedCall(found=FOUND, action=Action.UNCHANGED, known=stored)
    (planned,) = with_steps([call], compared([Todays("text", ("today", "former"))]), Reprocess.NONE)
    assert planned.action is Action.UNCHANGED


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from("12345"), min_size=1, max_size=3)), max_size=4),
    st.dictionaries(st.sampled_from("abcd"), st.tuples(st.sampled_from("12345"), st.sampled_from(StepState))),
    st.sampled_from(Reprocess),
)
def test_a_step_is_run_where_no_usable_result_has_one_of_its_fingerprints(
    steps: list[tuple[str, list[str]]], stored: dict[str, tuple[str, StepState]], reprocess: Reprocess
) -> None:
    """What planning has said since its first version, which compared all fingerprints of all calls."""
    today = dict(steps)
    stale = set(today)
    if reprocess is not Reprocess.ANALYSIS:
        for name, (fingerprint, state) in stored.items():
            if fingerprint in today.get(name, ()) and state is not StepState.FAILED:
                stale.discard(name)
    of_call = known(steps={name: StoredStep(name, *result, attempts=1) for name, result in stored.items()})
    call = PlannedCall(found=FOUND, action=Action.UNCHANGED, known=of_call)
    asked = compared([Todays(name, tuple(accepted)) for name, accepted in today.items()])
    (planned,) = with_steps([call], asked, reprocess)
    assert planned == (replace(call, action=Action.ANALYSE, steps=frozenset(stale)) if stale else call)


def test_former_fingerprints_are_made_only_where_todays_does_not_fit() -> None:
    (step,) = steps = [Todays("text", ("t1", "former"))]
    call = PlannedCall(found=FOUND, action=Action.UNCHANGED, known=known())
    assert with_steps([call], compared(steps), Reprocess.NONE) == [call]
    assert step.asked_for_former == 0


def test_words_alone_need_no_audio() -> None:
    call = PlannedCall(found=FOUND, action=Action.ANALYSE, known=known(), steps=frozenset({"topic"}))
    assert not needs_audio(call, {"acoustic"})
    assert needs_audio(replace(call, steps=frozenset({"topic", "acoustic"})), {"acoustic"})
    assert needs_audio(replace(call, action=Action.NEW), set())


def offered() -> list[FoundCall | SkippedFile]:
    calls: list[FoundCall | SkippedFile] = [
        replace(FOUND, source_uri=f"file:///{n}.wav", modified_at=NOON + timedelta(hours=n)) for n in (2, 0, 1)
    ]
    named = CallMetadata(started_at=NOON - timedelta(days=1))
    calls.append(replace(FOUND, source_uri="file:///named.wav", metadata=named))
    passed_over = SkippedFile(
        source_uri="file:///x", file_name="x", size_bytes=0, modified_at=None, reason="empty", message=""
    )
    calls.extend((passed_over, replace(passed_over, waiting=True)))
    return calls


@pytest.mark.parametrize(
    ("order", "expected"),
    [(Order.NEWEST, ["2", "1", "0", "named"]), (Order.OLDEST, ["named", "0", "1", "2"])],
)
def test_order_is_by_start_time_else_by_file_time(order: Order, expected: list[str]) -> None:
    plan = Plan()
    calls = in_order(offered(), plan, order, seed=0)
    assert [Path(call.source_uri).stem for call in calls] == expected
    assert (len(plan.skipped), len(plan.waiting)) == (1, 1)


def test_a_shuffle_is_the_same_for_the_same_seed() -> None:
    one, same, other = (
        [call.source_uri for call in in_order(offered(), Plan(), Order.SHUFFLE, seed)] for seed in (1, 1, 2)
    )
    assert one == same != other
    assert sorted(one) == sorted(other)


@given(st.lists(st.sampled_from(sorted(Action)), max_size=40), st.integers(1, 50))
def test_every_call_found_is_in_exactly_one_count(actions: list[Action], limit: int) -> None:
    plan = Plan()
    for action in actions:
        plan.add(PlannedCall(found=FOUND, action=action))
    within_limit(plan, limit)
    assert plan.found == len(actions)
    assert len(plan.to_do) <= limit


def test_an_address_is_gone_only_when_nothing_is_there(tmp_path: Path) -> None:
    there = tmp_path / "ä b%.wav"
    there.touch()
    assert not is_gone(file_uri(str(there)))
    assert is_gone(file_uri(str(tmp_path / "gone.wav")))
    assert not is_gone("s3://bucket/key.wav")


def test_an_address_that_cannot_be_looked_at_is_not_gone_and_ends_no_run(tmp_path: Path) -> None:
    """Found by reading: `Path.exists` raises where a folder is closed or its server away; for a name too long too."""
    assert not is_gone(file_uri(str(tmp_path / ("x" * 400))))
    (tmp_path / "file").touch()
    assert is_gone(file_uri(str(tmp_path / "file" / "below.wav")))


def test_a_stop_time_that_passes_while_the_run_plans_is_not_tomorrow_s() -> None:
    signals = RunSignals(RunSettings(stop_time="06:30"))
    assert signals.stop_at is not None
    signals.stop_at -= 86_400.0  # as if the run had begun before half past six
    signals.check_clock()
    assert signals.stopping.is_set()
    assert signals.reason == "the stop time 06:30 has come"


def test_a_signal_after_a_planned_stop_is_an_interruption_and_the_clock_after_a_signal_is_not_its_reason() -> None:
    signals = RunSignals(RunSettings())
    signals.stop("the stop time 06:30 has come", planned=True)
    assert (signals.reason, signals.planned) == ("the stop time 06:30 has come", True)
    for reason, planned in (("SIGTERM received", False), ("run.max_hours (6) is used up", True), ("SIGINT", False)):
        signals.stop(reason, planned=planned)
        assert (signals.reason, signals.planned) == ("SIGTERM received", False)


def test_the_stop_time_is_the_next_one() -> None:
    settings = RunSettings(stop_time="06:30")
    evening, morning = datetime(2026, 9, 14, 22, 0), datetime(2026, 9, 15, 5, 0)
    stop = datetime(2026, 9, 15, 6, 30).timestamp()
    assert stop_moment(settings, evening) == stop == stop_moment(settings, morning)
    assert stop_moment(RunSettings(), evening) is None


OTHER = replace(FOUND, source_uri="file:///b.wav", file_name="b.wav", size_bytes=50)
PAIR = next(
    item
    for item in Pairing(PairSettings()).joined(
        [replace(FOUND, source_uri="file:///7-in.wav"), replace(OTHER, source_uri="file:///7-out.wav")]
    )
    if isinstance(item, FoundCall)
)


@pytest.mark.parametrize(
    ("stored", "action"),
    [
        (known(etag=PAIR.etag, size_bytes=150), Action.UNCHANGED),
        (known(etag=PAIR.etag, size_bytes=150, status=CallStatus.FAILED), Action.CHANGED),
        (known(etag="pair:0000+1111", size_bytes=150), Action.CHANGED),
        (known(), Action.UNCHANGED),
        (known(size_bytes=99), Action.CHANGED),
    ],
)
def test_one_side_of_a_stored_call_replaces_it_only_where_that_failed_or_the_side_has_changed(
    stored: KnownCall, action: Action
) -> None:
    alone = replace(PAIR.sides[0], lone_side="in")
    assert decide(alone, stored, Reprocess.NONE, RECIPE).action is action


@pytest.mark.parametrize(
    ("stored", "others", "replaces"),
    [
        (None, (), False),
        (known(), (), True),
        (known(etag="pair:0000+1111"), (), False),
        (None, (known(source_uri="file:///7-out.wav"),), True),
        (known(transcript_fingerprint=None, status=CallStatus.FAILED, error_transient=True), (), False),
    ],
)
def test_a_run_tells_which_calls_were_files_of_their_own(
    stored: KnownCall | None, others: tuple[KnownCall, ...], replaces: bool
) -> None:
    planned = replace(decide(PAIR, stored, Reprocess.NONE, RECIPE), other_sides=others)
    assert planned.replaces_single_files is replaces
    plan = Plan()
    plan.add(planned)
    assert ("1 call is transcribed again" in " ".join(said_of_sides(plan))) is replaces


def test_a_call_in_two_files_counts_once_and_says_so() -> None:
    plan = Plan()
    assert pair_line(plan) is None
    (call,) = in_order([PAIR], plan, Order.NEWEST, 0)
    plan.add(decide(call, None, Reprocess.NONE, RECIPE))
    assert plan.found == 1
    assert plan.second_files == {"file:///7-out.wav"}
    assert pair_line(plan) == "1 call has two files, one for each side: 2 files in all"


def test_steps_are_judged_by_the_engine_that_is_known() -> None:
    """A step's fingerprint may hold the engine of its transcript."""
    stored = known(engine_model="m", engine_rank=1)
    identity = stub(PlannedCall(found=FOUND, action=Action.UNCHANGED, known=stored)).transcript.identity
    assert identity == EngineIdentity(
        engine=stored.engine or "",
        model="m",
        revision=stored.engine_revision,
        options_hash="o",
        rank=1,
        demonstration=bool(stored.engine_demonstration),
    )


def test_steps_are_judged_by_all_that_is_known_of_a_stored_call() -> None:
    stored = known(duration_s=12.5, engine_rank=2, engine_demonstration=True)
    call = stub(PlannedCall(found=FOUND, action=Action.UNCHANGED, known=stored))
    assert call == CallForAnalysis(
        call_id="id", audio_sha256="sha", duration_s=12.5, metadata=FOUND.metadata, audio=(),
        transcript=Transcript(
            fingerprint="print", identity=replace(BEST, rank=2, demonstration=True), language=None, chunks=()
        ),
    )  # fmt: skip
    names = ("audio_sha256", "duration_s", "transcript_fingerprint", "engine", "engine_model", "engine_revision",
             "engine_options_hash", "engine_rank", "engine_demonstration")  # fmt: skip
    nothing = stub(PlannedCall(found=FOUND, action=Action.UNCHANGED, known=known(**dict.fromkeys(names))))
    nobody = EngineIdentity(engine="", model="", revision=None, options_hash="", rank=0, demonstration=False)
    assert (nothing.audio_sha256, nothing.duration_s) == ("", 0.0)
    assert nothing.transcript == Transcript(fingerprint="", identity=nobody, language=None, chunks=())


def test_a_thousand_calls_are_looked_up_together_and_none_twice() -> None:
    asked: list[int] = []

    class Known:
        def known_calls(self, uris: Sequence[str]) -> dict[str, KnownCall]:
            asked.append(len(uris))
            return {uri: known(source_uri=uri) for uri in uris if uri.endswith("7")}

    calls = [replace(FOUND, source_uri=f"file:///{number}") for number in range(2_001)]
    decided = look_up(calls, cast("Any", Known()), Reprocess.NONE, RECIPE)
    assert asked == [1_000, 1_000, 1]
    assert [call.found for call in decided] == calls
    assert [call.found.source_uri for call in decided if call.action is not Action.NEW] == [
        call.source_uri for call in calls if call.source_uri.endswith("7")
    ]


def to_do(*names: str) -> list[PlannedCall]:
    return [
        PlannedCall(found=replace(FOUND, source_uri=f"file:///{name}", file_name=name), action=Action.NEW)
        for name in names
    ]


@pytest.mark.parametrize(
    ("limit", "kept", "left"),
    [(None, "abc", ""), (4, "abc", ""), (3, "abc", ""), (2, "ab", "c"), (0, "", "abc")],
)
def test_the_first_calls_up_to_the_limit_are_done(limit: int | None, kept: str, left: str) -> None:
    plan = Plan(to_do=to_do(*"abc"))
    within_limit(plan, limit)
    assert ([call.found.file_name for call in plan.to_do], plan.beyond_limit) == (list(kept), to_do(*left))


def test_calls_are_left_for_a_later_run_by_their_address() -> None:
    plan = Plan(to_do=to_do(*"abcd"), beyond_limit=to_do("e"))
    leave(plan, {"file:///b", "file:///d", "file:///elsewhere"})
    assert (plan.to_do, plan.beyond_limit) == (to_do("a", "c"), to_do("e", "b", "d"))
