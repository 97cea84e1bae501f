"""A mono call becomes one of two speakers, or goes on as it is, with the reason."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.config.areas.speech.diarisation import DiarisationSettings, PyannoteWeights, RoleSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.config.root import Settings
from pipeline.diarisation.calls import CallDiariser
from pipeline.diarisation.choice import best_of, longest_s, pyannote_installed
from pipeline.diarisation.diariser import DiarisationGivenUp, Diariser, SpeakerTurn
from pipeline.errors import ConfigurationError, ModelUnavailable
from pipeline.records import (
    AudioHeader,
    CallMetadata,
    Direction,
    EngineIdentity,
    FoundCall,
    PreparedCall,
    PreparedChannel,
    Role,
    SegmentText,
    SpeechSegment,
    StepState,
)
from pipeline.run.processes.preparer import PrepareTask, build_preparer
from pipeline.run.transcripts import Transcripts
from tests.pipeline.audio.sounds import silence, tone, write

TURNS = (SpeakerTurn(0, 4, 0), SpeakerTurn(4, 9, 1), SpeakerTurn(10, 12, 0))


class FakeDiariser:
    """Answers what it was given; remembers the limit."""

    name = "fake"

    def __init__(self, answer: Sequence[SpeakerTurn] | Exception) -> None:
        self.answer = answer
        self.limits: list[float] = []

    def diarise(
        self, samples_path: Path, samples: int, segments: Sequence[SpeechSegment], limit_s: float
    ) -> tuple[SpeakerTurn, ...]:
        assert segments
        self.limits.append(limit_s)
        if isinstance(self.answer, Exception):
            raise self.answer
        return tuple(self.answer)


def with_answer(answer: Sequence[SpeakerTurn] | Exception, **changes: float) -> tuple[CallDiariser, FakeDiariser]:
    fake = FakeDiariser(answer)

    def build(settings: DiarisationSettings) -> Diariser:
        return fake

    return CallDiariser(DiarisationSettings(**changes), {"auto": build}), fake


def channel(number: int, role: Role = Role.UNKNOWN, same_as: int | None = None, speech: bool = True) -> PreparedChannel:
    spans = ((0.0, 9.0), (10.0, 12.0)) if speech and same_as is None else ()
    return PreparedChannel(
        channel=number, role=role, samples_path=Path("0.f32"), samples=200_000, rms_dbfs=-20.0, peak=0.5, gain_db=0.0,
        speech_s=sum(end - start for start, end in spans), flags=(), same_as_channel=same_as,
        segments=tuple(
            SpeechSegment(channel=number, ordinal=n, start_s=start, end_s=end) for n, (start, end) in enumerate(spans)
        ),
    )  # fmt: skip


def call(*channels: PreparedChannel, duration_s: float = 12.5) -> PreparedCall:
    header = AudioHeader(
        container="wav", codec="pcm_s16le", sample_rate_hz=8000, channels=len(channels), duration_s=duration_s
    )
    return PreparedCall(audio_sha256="a" * 64, header=header, duration_s=duration_s, channels=channels, flags=("mono",))


@pytest.mark.parametrize(
    "mono", [call(channel(0)), call(channel(0), channel(1, same_as=0))], ids=["one channel", "one channel and its copy"]
)
def test_both_speakers_get_their_segments(mono: PreparedCall) -> None:
    diariser, _ = with_answer(TURNS)
    found = diariser.apply(mono)
    assert found.flags == ("diarised", "mono")
    assert found.notes == {}
    assert found.diariser == "fake"
    assert [[(s.channel, s.start_s, s.end_s) for s in c.segments] for c in found.channels] == [
        [(0, 0.0, 4.0), (0, 10.0, 12.0)], [(1, 4.0, 9.0)],
    ]  # fmt: skip
    assert [(c.channel, c.speech_s, c.samples_path, c.same_as_channel) for c in found.channels] == [
        (0, 6.0, Path("0.f32"), None), (1, 5.0, Path("0.f32"), None),
    ]  # fmt: skip
    assert found.header == mono.header


@pytest.mark.parametrize(
    "other",
    [
        call(channel(0, Role.CLIENT), channel(1, Role.AGENT)),
        call(channel(0), channel(1)),
        call(channel(0), channel(1), channel(2, same_as=0)),
        call(channel(0, Role.AGENT)),
        call(channel(0, speech=False)),
        call(),
    ],
    ids=["two sides", "two unknown sides", "three channels", "one known side", "no speech", "nothing"],
)
def test_other_calls_are_left_as_they_are(other: PreparedCall) -> None:
    diariser, fake = with_answer(TURNS)
    assert diariser.apply(other) is other
    assert fake.limits == []


@pytest.mark.parametrize(
    ("answer", "changes", "reason"),
    [
        (DiarisationGivenUp("not finished after 5 s"), {}, "not finished after 5 s"),
        (RuntimeError("out of\nmemory"), {}, "fake failed: RuntimeError: out of memory"),
        ([], {}, "fewer than two speakers"),
        ([SpeakerTurn(0, 12, 0)], {}, "fewer than two speakers"),
        ([SpeakerTurn(0, 12, 0), SpeakerTurn(100, 110, 1)], {}, "fewer than two speakers"),
        (TURNS, {"max_duration_min": 0.2}, "longer than 0.2 minutes"),
    ],
)
def test_what_goes_wrong_costs_the_roles_and_not_the_call(
    answer: Sequence[SpeakerTurn] | Exception, changes: dict[str, float], reason: str
) -> None:
    diariser, _ = with_answer(answer, **changes)
    mono = call(channel(0))
    found = diariser.apply(mono)
    assert found.channels == mono.channels
    assert found.flags == ("mono", "not_diarised")
    assert reason in found.notes["not_diarised"]


@pytest.mark.parametrize(("longer_s", "diarised"), [(0.0, True), (0.001, False)])
def test_a_call_of_the_greatest_length_is_diarised(longer_s: float, diarised: bool) -> None:
    diariser, _ = with_answer(TURNS, max_duration_min=0.5)
    found = diariser.apply(replace(call(channel(0)), duration_s=30.0 + longer_s))
    assert ("diarised" in found.flags) is diarised


def test_time_is_short() -> None:
    diariser, fake = with_answer(TURNS, time_limit_s=50.0)
    for left_s in (None, 80.0, 20.0):
        diariser.apply(call(channel(0)), left_s)
    assert fake.limits == [50.0, 50.0, 20.0]


def test_a_missing_diariser_is_looked_for_once() -> None:
    asked = []

    def build(settings: DiarisationSettings) -> Diariser:
        asked.append(settings)
        raise ModelUnavailable("weights not on disk")

    diariser = CallDiariser(DiarisationSettings(), {"auto": build})
    found = [diariser.apply(call(channel(0))) for _ in range(3)]
    assert [one.notes for one in found] == [{"not_diarised": "weights not on disk"}] * 3
    assert len(asked) == 1


def test_time_is_set_aside_only_where_there_is_a_diariser() -> None:
    there = pyannote_installed()
    assert longest_s(DiarisationSettings(engine="none", time_limit_s=50.0)) == 0.0
    assert longest_s(DiarisationSettings(engine="pyannote", time_limit_s=50.0)) == (50.0 if there else 0.0)
    assert longest_s(DiarisationSettings(time_limit_s=50.0)) == 50.0


def unavailable(settings: DiarisationSettings) -> Diariser:
    raise ModelUnavailable("not installed")


def test_the_plainer_diariser_serves_where_the_better_is_missing_and_both_reasons_are_said() -> None:
    _, fake = with_answer(TURNS)

    def there(settings: DiarisationSettings) -> Diariser:
        return fake

    def broken(settings: DiarisationSettings) -> Diariser:
        raise AssertionError("the better one serves")

    assert best_of(there, broken)(DiarisationSettings()) is fake
    assert best_of(unavailable, there)(DiarisationSettings()) is fake
    with pytest.raises(ModelUnavailable, match="not installed; not installed"):
        best_of(unavailable, unavailable)(DiarisationSettings())


def test_pyannote_metrics_alone_is_not_pyannote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its packages share the namespace `pyannote`: that one was taken for the diariser."""
    (tmp_path / "pyannote" / "metrics").mkdir(parents=True)
    (tmp_path / "pyannote" / "metrics" / "__init__.py").touch()
    before = pyannote_installed()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert pyannote_installed() == before


def test_switched_off() -> None:
    found = CallDiariser(DiarisationSettings(engine="none")).apply(call(channel(0)))
    assert found.notes == {"not_diarised": "diarisation.engine is none"}


# --------------------------------------------------------------------------------------- with the words

IDENTITY = EngineIdentity(engine="scripted", model="m", revision=None, options_hash="", rank=0, demonstration=True)
NOW = datetime(2026, 9, 14, tzinfo=UTC)
WORDS = ("Thank you for calling, how can I help?", "I lost my card.", "Is there anything else?")


def found_call(direction: Direction | None = None) -> FoundCall:
    metadata = CallMetadata(direction=direction)
    return FoundCall(source_uri="file:///a.wav", file_name="a.wav", size_bytes=1, modified_at=NOW, metadata=metadata)


def spoken(prepared: PreparedCall, words: Sequence[str] = WORDS) -> list[SegmentText]:
    segments = sorted((s for c in prepared.channels for s in c.segments), key=lambda s: s.start_s)
    return [
        SegmentText(
            channel=s.channel, ordinal=s.ordinal, start_s=s.start_s, end_s=s.end_s, text=text, language="en"
        )
        for s, text in zip(segments, words, strict=False)
    ]  # fmt: skip


@pytest.fixture
def diarised() -> PreparedCall:
    return with_answer(TURNS)[0].apply(call(channel(0)))


def test_chunks_get_the_roles_of_their_speakers(diarised: PreparedCall) -> None:
    maker = Transcripts(Settings())
    transcript = maker.assemble(diarised, "f", IDENTITY, spoken(diarised))
    assert [(c.role, c.channel, c.text) for c in transcript.chunks] == [
        (Role.AGENT, 0, WORDS[0]), (Role.CLIENT, 1, WORDS[1]), (Role.AGENT, 0, WORDS[2]),
    ]  # fmt: skip
    kept = maker.speakers(diarised, transcript)
    assert kept is not None
    assert (kept.step, kept.state, kept.reason, kept.provider) == ("speakers", StepState.DONE, None, "fake")
    assert isinstance(kept.payload, dict)
    assert kept.payload["roles"] == ["agent", "client"]
    assert kept.payload["confidence"] > 0.95
    assert 'speaker 0 says "thank you for calling" (greeting)' in kept.payload["evidence"]


def test_roles_that_are_not_sure_are_unknown(diarised: PreparedCall) -> None:
    maker = Transcripts(Settings())
    transcript = maker.assemble(diarised, "f", IDENTITY, spoken(diarised, ("yes", "no", "well")))
    assert {chunk.role for chunk in transcript.chunks} == {Role.UNKNOWN}
    assert {chunk.channel for chunk in transcript.chunks} == {0, 1}
    kept = maker.speakers(diarised, transcript)
    assert kept is not None
    assert kept.reason == "who is agent and who is client is not sure enough: 0.59"


def test_the_direction_decides_where_words_do_not(diarised: PreparedCall) -> None:
    settings = Settings(diarisation=DiarisationSettings(min_role_confidence=0.6))
    maker = Transcripts(settings)
    said = spoken(diarised, ("hello", "hello", "well"))
    roles = {
        direction: maker.assemble(diarised, "f", IDENTITY, said, direction).chunks[0].role
        for direction in (None, Direction.INBOUND, Direction.OUTBOUND)
    }
    assert roles == {None: Role.UNKNOWN, Direction.INBOUND: Role.AGENT, Direction.OUTBOUND: Role.CLIENT}


def test_a_phrases_file_that_is_not_there_is_said_before_any_call(tmp_path: Path) -> None:
    roles = RoleSettings(phrases_file=tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigurationError, match=r"diarisation\.roles\.phrases_file"):
        Transcripts(Settings(diarisation=DiarisationSettings(roles=roles)))


def test_a_mono_call_that_was_not_diarised_says_why() -> None:
    mono = CallDiariser(DiarisationSettings(engine="none")).apply(call(channel(0)))
    maker = Transcripts(Settings())
    transcript = maker.assemble(mono, "f", IDENTITY, spoken(mono))
    assert {chunk.role for chunk in transcript.chunks} == {Role.UNKNOWN}
    kept = maker.speakers(mono, transcript)
    assert kept is not None
    assert (kept.state, kept.payload) == (StepState.MISSING, None)
    assert kept.reason is not None
    assert kept.reason.endswith("diarisation.engine is none")


def test_calls_with_a_channel_per_side_say_nothing_of_speakers() -> None:
    stereo = call(channel(0, Role.CLIENT), channel(1, Role.AGENT))
    maker = Transcripts(Settings())
    assert maker.speakers(stereo, maker.assemble(stereo, "f", IDENTITY, ())) is None


def test_the_words_tell_the_roles_of_two_channels_that_are_nobodys() -> None:
    """Two files of a call, `-in` and `-out`: which of them is the agent's depends on the recorder."""
    pair = call(channel(0), channel(1))
    said = [
        SegmentText(channel=side, ordinal=n, start_s=n, end_s=n + 1.0, text=text, language="en")
        for n, (side, text) in enumerate(zip((1, 0, 1), WORDS, strict=False))
    ]
    maker = Transcripts(Settings())
    transcript = maker.assemble(pair, "f", IDENTITY, said)
    assert [(c.channel, c.role) for c in transcript.chunks] == [(1, Role.AGENT), (0, Role.CLIENT), (1, Role.AGENT)]
    kept = maker.speakers(pair, transcript)
    assert kept is not None
    assert (kept.reason, kept.provider, kept.model) == (None, None, None)
    doubtful = maker.speakers(pair, replace(transcript, chunks=transcript.chunks[:1]))
    assert doubtful is not None
    assert doubtful.reason is not None
    copied = call(channel(0), replace(channel(1), same_as_channel=0))
    assert {chunk.role for chunk in maker.assemble(copied, "f", IDENTITY, said).chunks} == {Role.UNKNOWN}


def test_diarisation_is_in_the_fingerprint_of_diarised_calls_alone(diarised: PreparedCall) -> None:
    plain, other, moved, pinned = (
        Transcripts(Settings(diarisation=settings))
        for settings in (
            DiarisationSettings(),
            DiarisationSettings(pyannote=PyannoteWeights(revision="0" * 40)),
            DiarisationSettings(pyannote=PyannoteWeights(device="cpu", cpu_threads=7), time_limit_s=9.0),
            DiarisationSettings(engine="pyannote"),
        )
    )
    mono = replace(call(channel(0)), flags=("mono", "not_diarised"))
    by_pyannote, by_voices = replace(diarised, diariser="pyannote"), replace(diarised, diariser="voices")

    def key(maker: Transcripts, prepared: PreparedCall, direction: Direction | None = None) -> str:
        return maker.fingerprint(found_call(direction), prepared, IDENTITY)

    assert key(plain, mono) == key(other, mono) == key(plain, mono, Direction.INBOUND)
    assert key(plain, by_pyannote) == key(moved, by_pyannote) == key(pinned, by_pyannote)
    assert key(plain, by_voices) == key(other, by_voices), "pyannote's settings are not in use"
    assert len({key(plain, mono), key(plain, by_pyannote), key(other, by_pyannote), key(plain, by_voices)}) == 4
    assert key(plain, by_pyannote) != key(plain, by_pyannote, Direction.INBOUND)


def test_the_decoder_hands_over_mono_calls_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    folder.mkdir()
    path = write(folder / "a.wav", np.concatenate((silence(1.0), tone(2.0, 180, 360, 540), silence(1.0))))
    found = FoundCall(source_uri=path.as_uri(), file_name=path.name, size_bytes=path.stat().st_size, modified_at=NOW)
    prepare = build_preparer(
        InputSettings(path=str(path.parent)),
        AudioSettings(),
        VoiceActivitySettings(detectors=("energy",)),
        DiarisationSettings(engine="none"),
    )
    answer = prepare(PrepareTask(found, tmp_path / "spool", 60.0))
    assert isinstance(answer, PreparedCall)
    assert answer.channels[0].segments
    assert {"mono", "not_diarised"} <= set(answer.flags)
    assert answer.notes == {"not_diarised": "diarisation.engine is none"}


def test_a_package_that_can_be_found_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyannote"]:
        monkeypatch.delitem(sys.modules, name)
    package = tmp_path / "pyannote"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert not pyannote_installed(), "its name alone is not enough"
        (package / "audio").mkdir()
        (package / "audio" / "__init__.py").touch()
        importlib.invalidate_caches()
        assert pyannote_installed()
        assert longest_s(DiarisationSettings(engine="pyannote", time_limit_s=50.0)) == 50.0
    finally:
        sys.modules.pop("pyannote", None)
