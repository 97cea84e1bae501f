"""Sentiment: throughput of the whole stage, and the words on texts that nothing was trained on.

    python -m bench.sentiment [--data DIR] [--part speed|words|all] [--repeat 3]

Run it with OMP_NUM_THREADS=1: throughput is per core. `run.py train acoustic --leave-one-group-out` measures the voice.
"""

from __future__ import annotations

import csv
import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.encoder.choice import open_encoder
from analysis.records import Sentiment
from analysis.sentiment.acoustic import open_samples
from analysis.sentiment.features import chunk_features, to_8_khz
from analysis.sentiment.lexicon import LexiconSentiment
from analysis.sentiment.lines import spoken_lines
from analysis.sentiment.steps import build_sentiment_steps
from analysis.sentiment.text import TextSentiment
from analysis.sentiment.text_trained import TrainedTextSentiment
from analysis.training.judging.measures import Scores, compare, score
from analysis.training.labelled.labels import SENTIMENTS
from bench.options import options_of
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.sentiment import LexiconSettings, SentimentSettings
from pipeline.intervals import Figure
from pipeline.records import (
    CallForAnalysis,
    CallMetadata,
    ChannelAudio,
    EngineIdentity,
    Role,
    Transcript,
    TranscriptChunk,
)

LABELS = Path(__file__).resolve().parent / "labels" / "dialogsum_turns.csv"
Samples = npt.NDArray[np.float32]
Rows = npt.NDArray[np.float64]


def read_audio(path: Path, channel: int | None) -> Samples:
    """Any file to mono 16 kHz."""
    import soundfile  # type: ignore[import-untyped]
    import soxr

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = np.ascontiguousarray(samples[:, channel or 0])
    return mono if rate == 16_000 else np.asarray(soxr.resample(mono, rate, 16_000), dtype=np.float32)


# ---------------------------------------------------------------------------------------------- speed


def garage_call(data: Path, folder: Path) -> CallForAnalysis:
    """A real two-channel call, cut every five seconds on both channels: more speech than any call holds."""
    path = data / "calls" / "garage" / "Auto_Repairs_40.wav"
    audio, chunks = [], []
    duration_s = 0.0
    for channel, role in ((0, Role.CLIENT), (1, Role.AGENT)):
        samples = read_audio(path, channel)
        spool = folder / f"{channel}.f32"
        samples.astype("<f4").tofile(spool)
        audio.append(ChannelAudio(channel=channel, role=role, samples_path=spool, samples=len(samples)))
        duration_s = len(samples) / 16_000
        chunks += [
            TranscriptChunk(
                channel=channel,
                ordinal=ordinal,
                role=role,
                start_s=5.0 * ordinal,
                end_s=min(5.0 * ordinal + 5.0, duration_s),
                text="I called last week about the brakes and nobody called me back, can you tell me the price please?",
            )
            for ordinal in range(int(duration_s // 5))
        ]
    identity = EngineIdentity(engine="-", model="-", revision=None, options_hash="", rank=0, demonstration=False)
    return CallForAnalysis(
        call_id="bench",
        audio_sha256="0" * 64,
        duration_s=duration_s,
        metadata=CallMetadata(),
        transcript=Transcript(fingerprint="0", identity=identity, language="en", chunks=tuple(chunks)),
        audio=tuple(audio),
    )


def speed(data: Path, repeat: int) -> dict[str, Any]:
    """Seconds of call per core-second: features alone, voice, words, all three steps; yin for comparison."""
    import librosa

    with tempfile.TemporaryDirectory() as folder:
        call = garage_call(data, Path(folder))
        steps = build_sentiment_steps(SentimentSettings())
        channels = [open_samples(audio) for audio in call.audio]

        def features() -> None:
            """Features of every chunk of both sides, resampling included."""
            for chunk in call.transcript.chunks:
                span = slice(round(chunk.start_s * 16_000), round(chunk.end_s * 16_000))
                chunk_features(to_8_khz(np.asarray(channels[chunk.channel][span]), 16_000))

        def stage(names: Sequence[str]) -> None:
            results: dict[str, Any] = {}
            for step in steps:
                if step.name in names:
                    results[step.name] = step.run([call], [results])[0]

        work: dict[str, Callable[[], object]] = {
            "features alone": features,
            "words": lambda: stage(["text"]),
            "voice": lambda: stage(["acoustic"]),
            "whole stage": lambda: stage(["text", "acoustic", "fusion"]),
            "librosa.yin, one channel": lambda: librosa.yin(np.asarray(channels[0]), fmin=70, fmax=500, sr=16_000),
        }
        found = {}
        for name, run in work.items():
            run()
            times = []
            for _ in range(repeat):
                begun = time.process_time()
                run()
                times.append(call.duration_s / (time.process_time() - begun))
            found[name] = {"median": statistics.median(times), "low": min(times), "high": max(times)}
    for name, figures in found.items():
        print(f"{name:26} {figures['median']:8.0f} x real time per core  ({figures['low']:.0f}-{figures['high']:.0f})")
    return found


# ---------------------------------------------------------------------------------------------- words


def _shares(found: Sequence[Sentiment]) -> Rows:
    return np.asarray([(sentiment.negative, sentiment.neutral, sentiment.positive) for sentiment in found])


def words(data: Path) -> dict[str, Any]:
    """Lexicon and shipped model on texts neither was trained on; with the sentence encoder where it is here."""
    with (data / "text" / "airline_tweets_dev.csv").open(encoding="utf-8", newline="") as file:
        tweets = [(row["text"], row["sentiment"], str(index)) for index, row in enumerate(csv.DictReader(file))]
    with (data / "text" / "dialogsum.dev.jsonl").open(encoding="utf-8") as file:
        dialogues = {record["fname"]: record["dialogue"].split("\n") for record in map(json.loads, file)}
    with LABELS.open(encoding="utf-8", newline="") as file:
        turns = [
            (re.sub(r"^#Person\d+#:\s*", "", dialogues[row["fname"]][int(row["turn"])]), row["label"], row["fname"])
            for row in csv.DictReader(file)
        ]
    engines: dict[str, TextSentiment] = {
        "lexicon": LexiconSentiment(LexiconSettings()),
        "shipped": TrainedTextSentiment("shipped", encoder=open_encoder(EncoderSettings())),
    }
    found: dict[str, Any] = {}
    for name, rows in (("tweets", tweets), ("dialogue turns", turns)):
        truth = np.asarray([SENTIMENTS.index(label) for _, label, _ in rows])
        groups = [group for _, _, group in rows]
        answers = {
            engine: _shares(ask.predict(spoken_lines(text for text, _, _ in rows))) for engine, ask in engines.items()
        }
        for engine, shares in answers.items():
            found[f"{name}, {engine}"] = _told(f"{name}, {engine}", score(truth, shares, groups, 0))
        gain = compare(truth, answers["shipped"], answers["lexicon"], groups, 0).macro_f1
        print(f"    shipped minus lexicon, macro-F1, paired: {gain}")
        found[f"{name}, gain"] = _plain_figure(gain)
    return found


def _plain_figure(figure: Figure) -> list[float]:
    return [figure.value, figure.low, figure.high]


def _told(name: str, scores: Scores) -> dict[str, Any]:
    ece = "" if scores.calibration_error is None else f"  ECE {scores.calibration_error:.4f}"
    print(f"{name:42} UAR {scores.recall}  macro-F1 {scores.macro_f1}  Brier {scores.brier}{ece}")
    return {"recall": _plain_figure(scores.recall), "macro_f1": _plain_figure(scores.macro_f1)}


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--part", choices=("speed", "words", "all"), default="all")
    parser.add_argument("--repeat", type=int, default=5)
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        print(json.dumps({"skipped": f"no reference recordings in {chosen.data}; give --data DIR"}))
        return
    found: dict[str, Any] = {}
    if chosen.part in ("speed", "all"):
        found["speed"] = speed(chosen.data, chosen.repeat)
    if chosen.part in ("words", "all"):
        found["words"] = words(chosen.data)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
