"""Mono calls: how well two voices are told apart without gated weights, and whether one voice is left whole.

    python -m bench.voices [--data ../shared/data] [--hour]

Error rate (pyannote.metrics, 0.25 s collar, overlap scored) on mono mixes of the Harper Valley calls, on a telephone
talk, and on two synthesised sets, for three kinds of vectors behind the same clustering: the shipped speaker encoder;
means and deviations of MFCC with the pitch; the states of Whisper's encoder (the package's base). First when it is
known that there are two voices, then as shipped, where the product decides that. Intervals are bootstraps over calls.
False splits: recordings of one person that are taken for two. `--hour` adds processor seconds and memory of an hour.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.materials.recordings import write_wav
from bench.mono_roles import show
from bench.options import PROJECT, options_of
from bench.voice_activity import decoded
from pipeline.audio.prepare import CallPreparer
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.diarisation import VoicesSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.diarisation.calls import both_sides
from pipeline.diarisation.diariser import DiarisationGivenUp, SpeakerTurn
from pipeline.diarisation.error_rate import DiarisationErrors, diarisation_errors
from pipeline.diarisation.voices.diariser import VoicesDiariser, of_nearest, turns
from pipeline.diarisation.voices.encoder import Floats, VoiceEncoder, unit
from pipeline.diarisation.voices.two_voices import divide, speakers
from pipeline.diarisation.voices.weights import encoder_weights
from pipeline.diarisation.voices.windows import WINDOW_S, Loudness, Windows, encode
from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ, CallMetadata, PreparedChannel, SpeechSegment
from pipeline.transcription.engines.expected import weights_of
from pipeline.weights.hub import Hub

Way = Callable[[Floats, Windows], Floats]
"""Samples and windows to vectors, one for each window."""


@dataclass(frozen=True, slots=True)
class Recording:
    samples: Floats
    truth: list[SpeakerTurn]


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording with its speech found and its windows encoded by the shipped encoder."""

    recording: Recording
    segments: tuple[SpeechSegment, ...]
    windows: Windows
    loudness: list[Loudness]


def marked_turns(path: Path) -> list[SpeakerTurn]:
    """Turns of the recording that an RTTM file is named for; speakers numbered as they come."""
    names: dict[str, int] = {}
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = sorted((row for row in rows if row[1] == path.stem), key=lambda row: float(row[3]))
    return [
        SpeakerTurn(float(row[3]), float(row[3]) + float(row[4]), names.setdefault(row[7], len(names))) for row in rows
    ]


def mono_mix(path: Path) -> Floats:
    mixed: Floats = np.mean(np.stack(decoded(path)), axis=0, dtype=np.float32)
    return mixed


# ---------------------------------------------------------------------------------------------- ways


def spectral(samples: Floats, windows: Windows) -> Floats:
    """Means and deviations of 20 MFCC, and mean and deviation of the pitch (yin), against the recording's."""
    import librosa

    mfcc = librosa.feature.mfcc(y=samples, sr=SAMPLE_RATE_HZ, n_mfcc=20, n_fft=400, hop_length=160)
    pitch = librosa.yin(samples, fmin=60, fmax=400, sr=SAMPLE_RATE_HZ, frame_length=1024, hop_length=160)
    frames = np.vstack([mfcc, np.log(pitch)[None, : mfcc.shape[1]]])
    half = round(WINDOW_S * 100 / 2)
    rows = []
    for centre_s in windows.centre_s:
        middle = round(centre_s * 100)
        window = frames[:, max(0, middle - half) : middle + half]
        rows.append(np.concatenate([window.mean(axis=1), window.std(axis=1)]))
    made = np.array(rows)
    return unit(((made - made.mean(axis=0)) / (made.std(axis=0) + 1e-9)).astype(np.float32))


def whisper() -> Way:
    """Raises ModelUnavailable."""
    from faster_whisper import WhisperModel

    from pipeline.config.areas.speech.transcription import TranscriptionSettings

    settings = TranscriptionSettings()
    wanted = weights_of(settings, "faster_whisper")
    assert wanted is not None
    folder = Hub(allow_download=False, timeout_s=1.0).find(wanted).folder
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)

    def states(samples: Floats, windows: Windows) -> Floats:
        rows = []
        for start in range(0, len(samples), 30 * SAMPLE_RATE_HZ):
            features = model.feature_extractor(samples[start : start + 30 * SAMPLE_RATE_HZ])
            padded = np.pad(features[:, :3000], ((0, 0), (0, max(0, 3000 - features.shape[1]))))
            rows.append(np.array(model.encode(padded), dtype=np.float32).reshape(1500, -1))
        frames = np.concatenate(rows)
        half = round(WINDOW_S * 50 / 2)
        middles = [round(centre_s * 50) for centre_s in windows.centre_s]
        made = np.stack([frames[max(0, middle - half) : middle + half].mean(axis=0) for middle in middles])
        return unit(((made - made.mean(axis=0)) / (made.std(axis=0) + 1e-6)).astype(np.float32))

    return states


# ------------------------------------------------------------------------------------------- measures


def prepared(samples: Floats, folder: Path) -> PreparedChannel | None:
    wav = write_wav(folder / "call.wav", (np.clip(samples, -1, 1) * 32767).astype(np.int16))
    call = CallPreparer(AudioSettings(), VoiceActivitySettings()).prepare(wav, CallMetadata(), folder / "spool")
    return both_sides(call)


def heard(recording: Recording, encoder: VoiceEncoder) -> Heard | None:
    """None where no speech is found."""
    with tempfile.TemporaryDirectory() as folder:
        channel = prepared(recording.samples, Path(folder))
        if channel is None:
            return None
        spooled = np.fromfile(channel.samples_path, dtype="<f4")
    windows, loudness = encode(spooled, channel.segments, encoder.vectors, lambda: None)
    return Heard(replace(recording, samples=spooled), channel.segments, windows, loudness)


def by(way: Way | None, call: Heard) -> tuple[SpeakerTurn, ...]:
    """Turns when it is known that there are two voices; the shipped vectors for None."""
    windows = call.windows
    if way is not None:
        windows = replace(windows, vectors=way(call.recording.samples, windows))
    audible = windows.audible()
    voices = divide(audible.vectors)
    labels = np.zeros(len(audible.centre_s), dtype=np.int64) if voices is None else speakers(audible, voices)
    return turns(call.segments, windows, of_nearest(windows, audible, labels), call.loudness)


def decided(call: Heard, diariser: VoicesDiariser) -> tuple[SpeakerTurn, ...] | str:
    """Turns as the product makes them, or why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.f32"
        call.recording.samples.astype("<f4").tofile(path)
        try:
            return diariser.diarise(path, call.recording.samples.size, call.segments, 600.0)
        except DiarisationGivenUp as error:
            return str(error)


def whole(call: Heard) -> tuple[SpeakerTurn, ...]:
    return tuple(SpeakerTurn(segment.start_s, segment.end_s, 0) for segment in call.segments)


def errors_of(call: Heard, found: tuple[SpeakerTurn, ...]) -> DiarisationErrors:
    return diarisation_errors(call.recording.truth, found, (0.0, call.recording.samples.size / SAMPLE_RATE_HZ))


def pooled(of_calls: list[DiarisationErrors], seed: int = 1) -> dict[str, Any]:
    """Pooled rate and its 95 % interval over calls."""
    total = sum(of_calls, DiarisationErrors())
    chance = np.random.default_rng(seed)
    drawn = [
        sum((of_calls[i] for i in chance.integers(0, len(of_calls), len(of_calls))), DiarisationErrors()).rate or 0.0
        for _ in range(2000)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "calls": len(of_calls),
        "der": total.rate,
        "low": float(low),
        "high": float(high),
        "confusion": total.confusion_s / (total.speech_s or 1.0),
    }


def two_sided(data: Path) -> dict[str, list[Recording]]:
    harper = sorted((data / "calls" / "harper_valley").glob("*.wav"))
    talk = data / "speech" / "diarization"
    truths = sorted((PROJECT / "samples" / "truth").glob("*.json"))
    return {
        "Harper Valley": [Recording(mono_mix(path), marked_turns(path.with_suffix(".rttm"))) for path in harper],
        "telephone talk": [Recording(mono_mix(talk / "sample.wav"), marked_turns(talk / "sample.rttm"))],
        "samples (constants)": [_sample(path) for path in truths],
    }


def _sample(truth: Path) -> Recording:
    content = json.loads(truth.read_text(encoding="utf-8"))
    marked = [SpeakerTurn(t["start_s"], t["end_s"], int(t["role"] == "agent")) for t in content["turns"]]
    return Recording(mono_mix(PROJECT / "samples" / "calls" / content["file_name"]), sorted(marked))


def one_sided(data: Path) -> dict[str, list[Recording]]:
    harper = sorted((data / "calls" / "harper_valley").glob("*.wav"))
    read = sorted(p for p in (data / "speech" / "read_english").iterdir() if p.suffix in (".wav", ".flac"))
    return {
        "Harper Valley, each side": [Recording(side, []) for path in harper for side in decoded(path)],
        "read English": [Recording(mono_mix(path), []) for path in read],
        "garage, each side (constants)": [
            Recording(side, []) for side in decoded(data / "calls" / "garage" / "Auto_Repairs_40.wav")
        ],
        "acted emotions, each speaker": _acted(data / "emotion" / "emodb"),
    }


def _acted(folder: Path) -> list[Recording]:
    """All clips of each speaker, about 60 s, one emotion after the other: harder than any telephone."""
    by_speaker: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.flac")):
        by_speaker.setdefault(path.name[:2], []).append(path)
    return [Recording(np.concatenate([mono_mix(p) for p in paths[:24]]), []) for paths in by_speaker.values()]


def an_hour(diariser: VoicesDiariser, data: Path) -> dict[str, Any]:
    """The garage call over and over for an hour: what its diarisation costs."""
    call = mono_mix(data / "calls" / "garage" / "Auto_Repairs_40.wav")
    long = np.tile(call, 3600 * SAMPLE_RATE_HZ // len(call) + 1)[: 3600 * SAMPLE_RATE_HZ]
    with tempfile.TemporaryDirectory() as folder:
        channel = prepared(long, Path(folder))
        assert channel is not None
        before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        began, wall = time.process_time(), time.perf_counter()
        found = diariser.diarise(channel.samples_path, channel.samples, channel.segments, 3600.0)
        took = {"processor_s": time.process_time() - began, "wall_s": time.perf_counter() - wall}
    after_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**took, "speech_s": channel.speech_s, "turns": len(found), "peak_mb_more": after_mb - before_mb}


# ------------------------------------------------------------------------------------------------ main


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--hour", action="store_true", help="also the cost of an hour of audio")
    arguments = parser.parse_args()
    try:
        diariser = VoicesDiariser(VoicesSettings())
        encoder = VoiceEncoder(Hub(False, 1.0).find(encoder_weights(VoicesSettings())).folder)
        report = {"two voices": _two(arguments.data, diariser, encoder)}
    except ModelUnavailable as error:
        print(f"nothing measured: {error}")
        return
    report["one voice"] = _one(arguments.data, diariser, encoder)
    if arguments.hour:
        report["an hour"] = an_hour(diariser, arguments.data)
        show("an hour of audio", {"voices": report["an hour"]})
    print(json.dumps(report))


def _two(data: Path, diariser: VoicesDiariser, encoder: VoiceEncoder) -> dict[str, Any]:
    ways: Mapping[str, Way | None] = {"encoder": None, "MFCC and pitch": spectral, "Whisper states": whisper()}
    rows: dict[str, dict[str, Any]] = {}
    for name, recordings in two_sided(data).items():
        found = [call for recording in recordings if (call := heard(recording, encoder)) is not None]
        rows[f"{name}: one speaker"] = pooled([errors_of(call, whole(call)) for call in found])
        for way, vectors in ways.items():
            rows[f"{name}: {way}, two known"] = pooled([errors_of(call, by(vectors, call)) for call in found])
        answers = [decided(call, diariser) for call in found]
        shipped = [
            errors_of(call, whole(call) if isinstance(answer, str) else answer)
            for call, answer in zip(found, answers, strict=True)
        ]
        rows[f"{name}: as shipped"] = {**pooled(shipped), "taken for one": sum(isinstance(a, str) for a in answers)}
    show("diarisation error rate, collar 0.25 s, overlap scored; one speaker where no two are found", rows)
    return rows


def _one(data: Path, diariser: VoicesDiariser, encoder: VoiceEncoder) -> dict[str, Any]:
    rows = {}
    for name, recordings in one_sided(data).items():
        answers = [decided(call, diariser) for r in recordings if (call := heard(r, encoder)) is not None]
        rows[name] = {
            "recordings": len(answers),
            "too short to be judged": sum(isinstance(answer, str) and "too few" in answer for answer in answers),
            "split": sum(not isinstance(answer, str) for answer in answers),
        }
    show("recordings of one person", rows)
    return rows


if __name__ == "__main__":
    main()
