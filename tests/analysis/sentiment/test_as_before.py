"""Moods of calls drawn at random, from words, voice and both, kept as they are: any change of one is seen."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.records import CallSentiment, Sentiment
from analysis.sentiment.acoustic import pauses_db
from analysis.sentiment.steps import AcousticSentimentStep, FusionStep, TextSentimentStep
from pipeline.config.areas.sentiment import SentimentSettings
from pipeline.records import CallForAnalysis, ChannelAudio, Role, StepResult, TranscriptChunk
from tests.analysis.calls import call, chunk
from tests.pinned import assert_pinned

SAID = (
    "this is awful and nobody helps me", "thank you so much, that is wonderful", "my number is four four one",
    "i am really angry now", "mhm", "", "[noise]", "oh great, perfect, thanks", "where is my parcel", "no",
    "that is not good at all", "it is fine", "i want to complain about the terrible service", "lovely", "ok",
)  # fmt: skip
RATE = 16_000


class FakeVoice:
    """Half of the chunks are too short; the others sound as their number says."""

    model = "fake"

    def identity(self) -> str:
        return "fake voice"

    def channel(
        self, samples: object, spans: Sequence[tuple[float, float]], role: Role
    ) -> list[tuple[Sentiment | None, str | None]]:
        shares = [((start_s * 7) % 10 / 10, (end_s * 3) % 10 / 10) for start_s, end_s in spans]
        return [
            (None, "too short")
            if end_s - start_s < 1.5
            else (Sentiment(0.6 * low, 1 - 0.6 * low - 0.4 * high, 0.4 * high), None)
            for (start_s, end_s), (low, high) in zip(spans, shares, strict=True)
        ]

    def close(self) -> None:
        pass


def drawn(generator: random.Random, name: str, spool: Path) -> CallForAnalysis:
    made: list[TranscriptChunk] = []
    start_s = 0.0
    for number in range(generator.randrange(0, 14)):
        end_s = start_s + generator.choice((0.0, 0.6, 1.4, 2.0, 3.1, 5.5, 9.0))
        role = generator.choice((Role.CLIENT, Role.CLIENT, Role.AGENT, Role.UNKNOWN))
        made.append(chunk(number, role, generator.choice(SAID), start_s=round(start_s, 1), end_s=round(end_s, 1)))
        if generator.random() < 0.1:
            made[-1] = replace(made[-1], flags=("low_confidence",))
        if generator.random() < 0.2:
            made[-1] = replace(made[-1], language=generator.choice(("EN_us", "english", "fr", " en ")))
        start_s = end_s + generator.choice((-0.5, 0.2, 0.2, 2.0))
        start_s = max(start_s, made[-1].start_s)
    base = call(language=generator.choice(("en", "en", "en", None, "de-AT")), name=name)
    channels = generator.choice(((0, 1), (0, 1), (0,), ()))
    audio = tuple(
        ChannelAudio(channel=channel, role=Role.UNKNOWN, samples_path=spool, samples=RATE) for channel in channels
    )
    transcript = replace(base.transcript, chunks=tuple(made))
    metadata = replace(base.metadata, language=generator.choice((None, None, "en", "nl")))
    return replace(base, transcript=transcript, metadata=metadata, audio=audio, duration_s=start_s + 1.0)


VARIANTS: Mapping[str, Mapping[str, object]] = {
    "usual": {},
    "turning": {
        "call": {"turn_min_chunks": 1, "turn_min_change": 0.2, "lowest_min_s": 2.0, "neutral_s": 0.5},
        "fusion": {"method": "fixed", "agent_text_weight": 0.3, "client_text_weight": 0.0},
        "text": {"engine": "lexicon", "min_characters": 12, "language_if_unknown": "en"},
    },
    "off": {
        "fusion": {"method": "off"}, "acoustic": {"engine": "off"}, "text": {"engine": "off"},
    },
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_moods_of_drawn_calls(variant: str, tmp_path: Path) -> None:
    np.zeros(RATE, dtype="<f4").tofile(tmp_path / "spool")
    settings = SentimentSettings.model_validate({"text": {"engine": "lexicon"}, **VARIANTS[variant]})
    text = TextSentimentStep(settings)
    acoustic = AcousticSentimentStep(settings, None if variant == "off" else FakeVoice())
    steps = (text, acoustic, FusionStep(settings, text, acoustic))
    generator = random.Random(20261127)
    calls = [drawn(generator, f"call-{number}", tmp_path / "spool") for number in range(30 if variant != "off" else 3)]
    earlier: list[dict[str, StepResult]] = [{} for _ in calls]
    for step in steps:
        for so_far, result in zip(earlier, step.run(calls, earlier), strict=True):
            so_far[step.name] = result
        step.close()
    lines = [line for of_call in earlier for result in of_call.values() for line in told(result)]
    assert_pinned(f"moods_{variant}.txt", "\n".join(lines))


def told(result: StepResult) -> Iterator[str]:
    yield f"= {result.step} {result.state} {result.provider} {result.model} {result.fingerprint[:8]}: {result.reason}"
    if not isinstance(result.payload, CallSentiment):
        return
    made = result.payload
    turned = made.mood_turned_by, made.mood_turned_at_s, made.mood_turned_to, made.mood_turned_line
    yield f"turned: {' '.join(map(str, turned))}"
    for role in made.roles:
        quarters = [None if score is None else f"{score:.3f}" for score in role.quarters or ()]
        lowest = f"{role.lowest_at_s} {role.lowest_line}"
        yield f"{role.role.value} {shares(role.sentiment)} {quarters} {lowest}: {role.reason}"
    for one in made.chunks:
        yield f"  {one.channel}.{one.ordinal} {shares(one.sentiment)} {one.reason}"


def shares(sentiment: Sentiment | None) -> str:
    return "-" if sentiment is None else " ".join(f"{share:.3f}" for share in sentiment.shares)


def test_levels_of_drawn_pauses() -> None:
    """Of channels whose level changes every quarter of a second, with speech anywhere, also past the end."""
    lines = []
    for number in range(60):
        generator = random.Random(number)
        seconds = generator.choice([0, 1, 2, 5, 20, 90])
        levels = np.repeat([10 ** -generator.uniform(0.5, 4) for _ in range(seconds * 4)], RATE // 4)
        samples = (levels * np.random.default_rng(number).standard_normal(len(levels))).astype(np.float32)
        samples[5:7] = np.nan
        starts = [generator.uniform(-0.1, seconds + 1) for _ in range(generator.randint(0, 4))]
        spans = [(max(0.0, start_s), start_s + generator.choice([0.0, 0.3, 1.0, 4.0])) for start_s in starts]
        found = pauses_db(samples, spans)
        lines.append(f"{seconds} s, {len(spans)} spans: {'nothing' if found is None else f'{found:.2f} dB'}")
    assert_pinned("pauses.txt", "\n".join(lines))


@pytest.mark.parametrize(("pause_s", "known"), [(0.98, False), (1.0, True), (1.02, True)])
def test_a_second_of_pauses_tells_their_level(pause_s: float, known: bool) -> None:
    samples = np.full(4 * RATE, 0.1, dtype=np.float32)
    for spans in ([(pause_s, 4.0)], [(0.0, 4.0 - pause_s)], [(pause_s - 0.5, 3.5)]):
        assert pauses_db(samples, spans) == (pytest.approx(-20.0, abs=1e-4) if known else None)


def test_of_long_pauses_the_first_minute_is_read() -> None:
    samples = np.full(70 * RATE, 0.1, dtype=np.float32)
    samples[: 31 * RATE] = 0.01
    assert pauses_db(samples, []) == pytest.approx(-40.0, abs=1e-4)
    assert pauses_db(samples, [(0.0, 2.0)]) == pytest.approx(-20.0, abs=1e-4)
