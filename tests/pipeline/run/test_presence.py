"""Signs of life of a worker: often enough, not too often, and what is told of language models."""

from __future__ import annotations

from commands.evaluate.comparison.claims_in_memory import ClaimsInMemory
from pipeline.handled import Handled, HandledAs, ServiceUse
from pipeline.presence import WorkerReport
from pipeline.records import EngineIdentity, FoundCall, SkippedFile, StepResult, StepState
from pipeline.run.presence import BEAT_S, Presence
from pipeline.run.tally import Tally


class Told(ClaimsInMemory):
    """Keeps what is told."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: list[tuple[WorkerReport, bool]] = []

    def present(self, report: WorkerReport, *, leaving: bool = False) -> None:
        self.reports.append((report, leaving))


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


FOUND = FoundCall(source_uri="file:///a.wav", file_name="a.wav", size_bytes=1, modified_at=None)
ENGINE = EngineIdentity(
    engine="faster_whisper", model="base", revision=None, options_hash="", rank=1, demonstration=False,
    passed_over=("mlx_qwen3: no weights",),
)  # fmt: skip


def asked(provider: str, *, answered: bool, cost_usd: float | None = None) -> StepResult:
    return StepResult(
        step="summary", fingerprint="f", state=StepState.DONE if answered else StepState.FAILED, payload=None,
        provider=provider if answered else None, cost_usd=cost_usd,
        services={provider: None if answered else "refused"},
    )  # fmt: skip


def test_a_sign_of_life_comes_now_and_then_and_at_the_end() -> None:
    claims, clock = Told(), Clock()
    presence = Presence(claims, Tally(), clock)
    for clock.at in (100.0, 101.0, 99.9 + BEAT_S, 100.1 + BEAT_S):
        presence.beat(None)
    presence.leave(ENGINE)
    assert [leaving for _, leaving in claims.reports] == [False, False, True]
    assert (claims.reports[0][0].engine, claims.reports[-1][0].engine) == (None, "faster_whisper")
    assert claims.reports[-1][0].passed_over == 1


def test_a_worker_that_never_worked_does_not_say_good_bye() -> None:
    claims = Told()
    Presence(claims, Tally()).leave(None)
    assert claims.reports == []


def test_what_others_did_is_not_told_as_ones_own() -> None:
    """A run counts the calls that joined workers did: in sums over all workers they would count twice."""
    claims, tally = Told(), Tally()
    done = Handled(handled_as=HandledAs.DONE, audio_s=60.0, speech_s=40.0, services={"a": ServiceUse(1, 1)})
    tally.take_elsewhere(FOUND, done)
    skipped = SkippedFile(
        source_uri="file:///b", file_name="b", size_bytes=1, modified_at=None, reason="empty", message="it is empty"
    )
    tally.take(FOUND, Handled(handled_as=HandledAs.SKIPPED, skipped=skipped))
    Presence(claims, tally).beat(None)
    totals = claims.reports[0][0].totals
    assert (totals["calls_done"], totals["calls_skipped"], totals["audio_s"]) == (0, 1, 0.0)
    assert "llm_asked:a" not in totals


def test_a_language_model_is_silent_from_its_last_refusal_to_its_next_answer() -> None:
    claims, clock, tally = Told(), Clock(), Tally()
    presence = Presence(claims, tally, clock)
    seen = []
    for answered in (True, None, False, None, False, True, None):
        if answered is not None:
            tally.asked([asked("openai_chat", answered=answered, cost_usd=0.5 if answered else None)])
        presence.beat(None)
        clock.at += BEAT_S
        seen.append(claims.reports[-1][0].providers["openai_chat"].silent)
    assert seen == [False, False, True, True, True, False, False]
    totals = claims.reports[-1][0].totals
    assert (totals["llm_asked:openai_chat"], totals["llm_answered:openai_chat"]) == (4, 2)
    assert totals["llm_cost_usd:openai_chat"] == 1.0
