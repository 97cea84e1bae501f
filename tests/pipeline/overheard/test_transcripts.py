"""The transcript of a call whose channels overhear each other."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from bench.materials.sound.overhearing import KINDS
from pipeline.config.areas.audio import AudioSettings, CrosstalkSettings
from pipeline.config.root import Settings
from pipeline.diarisation.calls import DIARISED
from pipeline.records import EngineIdentity, PreparedCall, Role, SegmentText, SpeechSegment, Transcript
from pipeline.run.planning.recipes import preparation
from pipeline.run.transcripts import Transcripts
from tests.pipeline.overheard.test_hearing import AGENT, CLIENT, RATE, on_other_channel, prepared, sample, segments

IDENTITY = EngineIdentity(engine="scripted", model="m", revision=None, options_hash="", rank=0, demonstration=True)
OFF = Settings(audio=AudioSettings(crosstalk=CrosstalkSettings(compare_words=False)))


def heard(folder: Path, kind: str, source: tuple[int, ...], delay_s: float) -> tuple[PreparedCall, list[SegmentText]]:
    call, turns = sample()
    said = segments(turns, [turn for side in source for turn in on_other_channel(turns, side, delay_s)])
    made = prepared(folder, KINDS[kind](call, RATE))
    channels = tuple(
        replace(
            channel,
            segments=tuple(
                SpeechSegment(
                    channel=s.channel, ordinal=s.ordinal, start_s=s.start_s, end_s=s.end_s,
                    speech=((s.start_s + 0.2, s.end_s - 0.2),),
                )
                for s in said
                if s.channel == channel.channel
            ),
        )
        for channel in made.channels
    )  # fmt: skip
    return replace(made, channels=channels), said


def texts(transcript: Transcript) -> list[tuple[Role, str]]:
    return [(chunk.role, chunk.text) for chunk in transcript.chunks if chunk.text]


def true_texts() -> list[tuple[Role, str]]:
    roles = {CLIENT: Role.CLIENT, AGENT: Role.AGENT}
    return [(roles[channel], text) for channel, _, _, text in sorted(sample()[1], key=lambda turn: turn[1])]


def test_an_echo_is_no_line_of_the_other_side(tmp_path: Path) -> None:
    call, said = heard(tmp_path, "echo 6 dB 20 ms", (AGENT,), 0.02)
    transcript = Transcripts(Settings()).assemble(call, "f", IDENTITY, said)
    assert texts(transcript) == true_texts()
    emptied = [chunk for chunk in transcript.chunks if not chunk.text]
    assert [(chunk.channel, chunk.flags, chunk.speech) for chunk in emptied] == [
        (CLIENT, ("overheard",), ()) for _ in emptied
    ]
    assert len(emptied) == sum(turn[0] == AGENT for turn in sample()[1])
    assert transcript.flags == ("overheard",)


def test_a_mono_copy_has_each_line_once_and_nobodys_role(tmp_path: Path) -> None:
    call, said = heard(tmp_path, "mono copy, AMR", (AGENT, CLIENT), 0.0)
    transcript = Transcripts(Settings()).assemble(call, "f", IDENTITY, said)
    assert texts(transcript) == [(Role.UNKNOWN, text) for _, text in true_texts()]
    assert transcript.flags == ("overheard", "side_uncertain")


@pytest.mark.parametrize(
    "settings", [OFF, Settings(audio=AudioSettings(crosstalk=CrosstalkSettings(enabled=False)))], ids=["words", "all"]
)
def test_switched_off_everything_stays(tmp_path: Path, settings: Settings) -> None:
    call, said = heard(tmp_path, "echo 6 dB 20 ms", (AGENT,), 0.02)
    assert len(texts(Transcripts(settings).assemble(call, "f", IDENTITY, said))) == len(said)


def test_speakers_of_one_channel_do_not_overhear_each_other(tmp_path: Path) -> None:
    call, said = heard(tmp_path, "echo 6 dB 20 ms", (AGENT,), 0.02)
    diarised = replace(call, flags=(DIARISED,))
    assert len(texts(Transcripts(Settings()).assemble(diarised, "f", IDENTITY, said))) == len(said)


def test_a_call_whose_samples_are_gone_keeps_all_its_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    call, said = heard(tmp_path, "echo 6 dB 20 ms", (AGENT,), 0.02)
    for channel in call.channels:
        channel.samples_path.unlink()
    with caplog.at_level(logging.WARNING):
        transcript = Transcripts(Settings()).assemble(call, "f", IDENTITY, said)
    assert len(texts(transcript)) == len(said)
    assert "could not be compared" in caplog.text


def test_comparing_words_makes_no_stored_transcript_stale() -> None:
    assert "compare_words" not in preparation(Settings())["audio"]["crosstalk"]
    assert preparation(OFF)["audio"]["crosstalk"]["compare_words"] is False
