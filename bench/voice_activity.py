"""Voice activity: how fast, and how much of the human turns it finds.

    python -m bench.voice_activity [--data ../shared/data] [--detector silero] [--repeats 5]

Speed is seconds of call (all channels together) per core-second over the reference calls, of the detector alone,
against the same graph run one window at a time in the same process, and in batches that leave no silence out.
Quality is precision, recall and F1 in time, per side, against the turns people marked in calls/harper_valley. The
same is measured for the segments handed to the recogniser (short pauses merged) and for faster_whisper's
get_speech_timestamps with the same settings.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.options import options_of
from pipeline.audio.decoding.ingest import ingest
from pipeline.audio.decoding.spool import discard, read_range
from pipeline.audio.prepare import CallPreparer
from pipeline.audio.segments import find_speech, pad, samples_of
from pipeline.audio.vad.choice import choose_detector
from pipeline.audio.vad.detector import VoiceActivityDetector
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.voice_activity import SileroSettings, VoiceActivitySettings
from pipeline.records import SAMPLE_RATE_HZ, CallMetadata

SIDES = ("caller", "agent")
"""Harper Valley: caller left, agent right."""
STEP_S = 0.01
Spans = list[tuple[float, float]]
Samples = npt.NDArray[np.float32]


def decoded(path: Path) -> list[Samples]:
    """The channels of a call at 16 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        call = ingest(path, Path(folder), AudioSettings())
        return [read_range(channel, 0, call.samples) for channel in call.paths]


def human_turns(path: Path, side: str) -> Spans:
    rows = [line.split() for line in path.with_suffix(".rttm").read_text().splitlines()]
    return [(float(row[3]), float(row[3]) + float(row[4])) for row in rows if row and row[7] == side]


def mask(spans: Spans, duration_s: float) -> npt.NDArray[np.bool_]:
    marked = np.zeros(round(duration_s / STEP_S) + 1, dtype=np.bool_)
    for start, end in spans:
        marked[round(start / STEP_S) : round(end / STEP_S)] = True
    return marked


def agreement(found: Spans, truth: Spans, duration_s: float) -> tuple[int, int, int]:
    """Numbers of 10 ms steps: in both, found, and true."""
    a, b = mask(found, duration_s), mask(truth, duration_s)
    return int((a & b).sum()), int(a.sum()), int(b.sum())


def scores(counts: Sequence[tuple[int, int, int]]) -> dict[str, float]:
    both, found, true = (sum(part) for part in zip(*counts, strict=True))
    precision, recall = both / max(1, found), both / max(1, true)
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / max(1e-9, precision + recall)}


def faster_whisper_spans(samples: Samples, settings: VoiceActivitySettings) -> Spans:
    from faster_whisper.vad import get_speech_timestamps

    found = get_speech_timestamps(
        samples.copy(),
        threshold=settings.threshold,
        neg_threshold=settings.neg_threshold,
        min_speech_duration_ms=settings.min_speech_ms,
        min_silence_duration_ms=settings.min_silence_ms,
        speech_pad_ms=settings.padding_ms,
    )
    return [(span["start"] / SAMPLE_RATE_HZ, span["end"] / SAMPLE_RATE_HZ) for span in found]


def listen(detector: VoiceActivityDetector, samples: Samples) -> npt.NDArray[np.float32]:
    stream = detector.stream()
    return np.concatenate((stream.push(samples), stream.finish()))


def quality(calls: Sequence[Path], settings: VoiceActivitySettings) -> dict[str, object]:
    detector = choose_detector(settings).detector
    ours: dict[str, list[tuple[int, int, int]]] = {side: [] for side in SIDES}
    theirs: dict[str, list[tuple[int, int, int]]] = {side: [] for side in SIDES}
    segments: dict[str, list[tuple[int, int, int]]] = {side: [] for side in SIDES}
    preparer = CallPreparer(AudioSettings(), settings)
    worst = {"ours": 1.0, "faster_whisper": 1.0}
    for path in calls:
        with tempfile.TemporaryDirectory() as spool:
            prepared = preparer.prepare(path, CallMetadata(), Path(spool))
            planned = [[(s.start_s, s.end_s) for s in channel.segments] for channel in prepared.channels]
            discard(prepared)
        for side, samples, plan in zip(SIDES, decoded(path), planned, strict=True):
            truth, duration_s = human_turns(path, side), len(samples) / SAMPLE_RATE_HZ
            speech = find_speech(listen(detector, samples), detector.step_samples, len(samples), settings)
            spans = pad(speech, samples_of(settings.padding_ms), len(samples))
            found = [(span.start / SAMPLE_RATE_HZ, span.end / SAMPLE_RATE_HZ) for span in spans]
            ours[side].append(agreement(found, truth, duration_s))
            theirs[side].append(agreement(faster_whisper_spans(samples, settings), truth, duration_s))
            segments[side].append(agreement(plan, truth, duration_s))
            worst["ours"] = min(worst["ours"], scores([ours[side][-1]])["f1"])
            worst["faster_whisper"] = min(worst["faster_whisper"], scores([theirs[side][-1]])["f1"])
    result: dict[str, object] = {"worst_side_f1": worst}
    for name, table in (("speech", ours), ("segments", segments), ("faster_whisper", theirs)):
        result[name] = {side: scores(table[side]) for side in SIDES} | {"all": scores(table["caller"] + table["agent"])}
    return result


def speed(calls: Sequence[Path], settings: VoiceActivitySettings, repeats: int) -> dict[str, object]:
    """Seconds of call per core-second: as configured, without leaving silence out, and one window at a time."""
    audio = [decoded(path) for path in calls]
    seconds = sum(len(channels[0]) for channels in audio) / SAMPLE_RATE_HZ
    alone = settings.model_copy(update={"silero": SileroSettings(windows_per_run=1, idle_below_dbfs=-200)})
    everything = settings.model_copy(update={"silero": SileroSettings(idle_below_dbfs=-200)})
    detectors = {
        "configured": choose_detector(settings).detector,
        "batched_all": choose_detector(everything).detector,
        "one_window": choose_detector(alone).detector,
    }
    rates: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(repeats):
        for name, detector in detectors.items():
            start = time.process_time()
            for channels in audio:
                for samples in channels:
                    listen(detector, samples)
            rates[name].append(seconds / (time.process_time() - start))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    spread = {name: max(values) - min(values) for name, values in rates.items()}
    ratio = medians["configured"] / medians["one_window"]
    return {"x_real_time_per_core": medians, "spread": spread, "ratio": ratio, "seconds_of_call": seconds}


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--detector", default="silero")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    calls = sorted((options.data / "calls" / "harper_valley").glob("*.wav"))
    if not calls:
        raise SystemExit(f"no reference calls in {options.data}; give --data DIR")
    settings = VoiceActivitySettings.model_validate({"detectors": [options.detector], "strict": True})
    found = quality(calls, settings)
    print(f"{'':16}{'side':8}{'precision':>10}{'recall':>10}{'F1':>10}")
    for name in ("speech", "segments", "faster_whisper"):
        for side, values in found[name].items():  # type: ignore[attr-defined]
            print(f"{name:16}{side:8}{values['precision']:10.3f}{values['recall']:10.3f}{values['f1']:10.3f}")
    rate = speed(calls, settings, options.repeats)
    print(f"worst side F1: {found['worst_side_f1']}")
    print(f"x real time per core: {rate['x_real_time_per_core']} (spread {rate['spread']}), ratio {rate['ratio']:.2f}")
    print(json.dumps({"bench": "voice_activity", "detector": options.detector, "quality": found, "speed": rate}))


if __name__ == "__main__":
    main()
