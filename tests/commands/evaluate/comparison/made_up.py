"""Systems and what they heard, made up: calls whose errors are known."""

from __future__ import annotations

from collections.abc import Sequence

from commands.evaluate.comparison.figures import ComparedSystems, compared
from commands.evaluate.comparison.kept import Effort
from commands.evaluate.comparison.running import SystemResult, Transcribed
from commands.evaluate.comparison.systems import PLAIN, System
from pipeline.config.root import Settings
from pipeline.judging.scores import HeardCall
from pipeline.judging.truth import TrueCall, TrueTurn
from pipeline.records import Role, TranscriptChunk

WORDS = 50
CALLS = 8


def text(wrong: int) -> str:
    return " ".join(["wrong"] * wrong + ["right"] * (WORDS - wrong))


TRUTHS = {
    f"call-{number}": TrueCall(
        name=f"call-{number}",
        language="en",
        turns=(TrueTurn(channel=0, role="agent", start_s=1.0, end_s=20.0, text=text(0)),),
    )
    for number in range(CALLS)
}


def system(name: str, **changed: object) -> System:
    settings = Settings.model_validate(changed) if changed else Settings()
    return System(name=name, settings=settings, path="" if name == PLAIN else f"configurations/{name}")


def heard(name: str, wrong: int, words: str | None = None, engine: str = "scripted") -> HeardCall:
    chunk = TranscriptChunk(
        channel=0, ordinal=0, role=Role.AGENT, start_s=1.0, end_s=20.0, text=text(wrong) if words is None else words
    )
    return HeardCall(
        name=name, duration_s=30.0, language="en", flags=(), chunks=(chunk,), engine=engine, model="m", revision=None
    )


def result(
    errors: Sequence[int],
    processor_s: float | None = 3.0,
    reused: int = 0,
    *,
    engine: str = "scripted",
    wall_s: float = 6.0,
) -> SystemResult:
    effort = None if processor_s is None else Effort(
        audio_s=30.0, processor_s=processor_s, other_processor_s=0.5, wall_s=wall_s, peak_memory_bytes=10**9,
        machine="a machine", made_at="2026-11-26T12:00:00+00:00",
    )  # fmt: skip
    return SystemResult(
        calls={
            f"call-{number}": Transcribed(
                heard=heard(f"call-{number}", wrong, engine=engine), effort=effort, reused=number < reused
            )
            for number, wrong in enumerate(errors)
        }
    )


def comparison(systems: Sequence[System], *results: SystemResult, names: Sequence[str] = ()) -> ComparedSystems:
    by_name = {system.name: result for system, result in zip(systems, results, strict=True)}
    return compared(systems, by_name, TRUTHS, names=names)
