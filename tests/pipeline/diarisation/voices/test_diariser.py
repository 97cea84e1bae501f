"""The real encoder on recordings whose speakers are known: the project's samples, and real calls where they are."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.materials.recordings import PROJECT, sample_speech, write_wav
from bench.voice_activity import decoded
from bench.voices import marked_turns
from pipeline.audio.prepare import CallPreparer
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.diarisation import DiarisationSettings, VoicesSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.diarisation.calls import CallDiariser
from pipeline.diarisation.diariser import DiarisationGivenUp, Diariser, SpeakerTurn
from pipeline.diarisation.voices.diariser import VoicesDiariser, surely
from pipeline.diarisation.voices.encoder import Floats
from pipeline.records import SAMPLE_RATE_HZ, CallMetadata, PreparedCall, PreparedChannel

MINIMUM = 0.95


def prepared(samples: Floats, folder: Path) -> PreparedCall:
    wav = write_wav(folder / "call.wav", (np.clip(samples, -1, 1) * 32767).astype(np.int16))
    preparer = CallPreparer(AudioSettings(), VoiceActivitySettings())
    return preparer.prepare(wav, CallMetadata(), folder / "spool")


def channel(samples: Floats, folder: Path) -> PreparedChannel:
    [only] = prepared(samples, folder).channels
    return only


def turns(diariser: Diariser, found: PreparedChannel) -> tuple[SpeakerTurn, ...]:
    return diariser.diarise(found.samples_path, found.samples, found.segments, 3600.0)


def agreement(found: Sequence[SpeakerTurn], truth: Sequence[SpeakerTurn], duration_s: float) -> float:
    """Share of the moments in which one person speaks, and somebody is found, that are given to the right one."""
    moments = np.arange(0.0, duration_s, 0.01)

    def who(of: Sequence[SpeakerTurn]) -> tuple[np.ndarray, np.ndarray]:
        speaking = [
            np.any([(t.start_s <= moments) & (moments < t.end_s) for t in of if t.speaker == n], axis=0) for n in (0, 1)
        ]
        return speaking[1].astype(int), speaking[0] ^ speaking[1]

    (true_speaker, true_alone), (found_speaker, found_alone) = who(truth), who(found)
    both = true_alone & found_alone
    same = float((true_speaker == found_speaker)[both].mean())
    return max(same, 1 - same)


def sample_truth() -> list[SpeakerTurn]:
    path = next((PROJECT / "samples" / "truth").glob("*wrong-charge.json"))
    content = json.loads(path.read_text(encoding="utf-8"))
    return [SpeakerTurn(turn["start_s"], turn["end_s"], turn["channel"]) for turn in content["turns"]]


@pytest.fixture(scope="module")
def sample() -> Floats:
    """Both sides, shape (samples, 2)."""
    both: Floats = sample_speech().astype(np.float32) / np.float32(32768)
    return both


def test_two_speakers_are_told_apart_and_always_the_same_way(
    diariser: VoicesDiariser, sample: Floats, tmp_path: Path
) -> None:
    mono = channel(sample.mean(axis=1), tmp_path)
    found = turns(diariser, mono)
    assert agreement(found, sample_truth(), mono.samples / SAMPLE_RATE_HZ) >= MINIMUM
    assert found[0].speaker == 0
    assert all(before.end_s <= after.start_s for before, after in itertools.pairwise(found))
    assert turns(diariser, mono) == found
    assert turns(VoicesDiariser(VoicesSettings()), mono) == found


def test_one_speaker_is_not_split_and_the_reason_is_said(
    diariser: VoicesDiariser, sample: Floats, tmp_path: Path
) -> None:
    call = prepared(sample[:, 1], tmp_path)
    found = CallDiariser(DiarisationSettings(engine="voices")).apply(call)
    assert "not_diarised" in found.flags
    assert found.channels == call.channels
    assert found.notes["not_diarised"].startswith("one voice is heard: evidence of two")


def test_a_call_that_says_hardly_anything_is_not_split(
    diariser: VoicesDiariser, sample: Floats, tmp_path: Path
) -> None:
    with pytest.raises(DiarisationGivenUp, match=r"s of speech are too few to tell one voice from two"):
        turns(diariser, channel(sample[: 7 * SAMPLE_RATE_HZ].mean(axis=1), tmp_path))


def test_time_is_short(diariser: VoicesDiariser, sample: Floats, tmp_path: Path) -> None:
    mono = channel(sample.mean(axis=1), tmp_path)
    with pytest.raises(DiarisationGivenUp, match=r"not finished after -1 s \(diarisation\.time_limit_s\)"):
        diariser.diarise(mono.samples_path, mono.samples, mono.segments, -1.0)


@pytest.mark.data
@pytest.mark.slow
def test_real_calls_mixed_to_mono(diariser: VoicesDiariser, reference_data: Path, tmp_path: Path) -> None:
    calls = sorted((reference_data / "calls" / "harper_valley").glob("*.wav"))
    assert calls
    for path in calls:
        mono = channel(np.mean(np.stack(decoded(path)), axis=0, dtype=np.float32), tmp_path)
        found = turns(diariser, mono)
        truth = marked_turns(path.with_suffix(".rttm"))
        assert agreement(found, truth, mono.samples / SAMPLE_RATE_HZ) >= MINIMUM, path.name


@pytest.mark.parametrize(("windows", "needed"), [(2, 1.11), (30, 1.11), (36, 1.066), (45, 1.0), (8000, 1.0)])
def test_a_short_recording_needs_more_evidence_of_a_second_voice(windows: int, needed: float) -> None:
    """One speech of 11 s was taken for two speakers: evidence 4.8 in 25 windows."""
    assert surely(windows) == pytest.approx(needed)
