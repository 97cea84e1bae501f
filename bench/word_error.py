"""Word error rate and speed of a recogniser on speech whose words are known.

python -m bench.word_error [--data ../shared/data] [--engine sphinx] [--limit N] [--options JSON]

The human turns of the Harper Valley calls (each with 0.25 s around it), the read clips, and our samples' turns (those
in containers soundfile reads). Speed is reported against decoding nothing (`scripted`, the same path without a
recogniser) on the same segments.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.judging.word_error import NO_ERRORS, WordErrors, word_errors
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.transcription.engine import SegmentRequest, SegmentResult
from pipeline.transcription.recogniser import build_recogniser

_PADDING_S = 0.25
_READABLE = {".wav", ".flac", ".ogg", ".mp3"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--engine", default="sphinx")
    parser.add_argument("--limit", type=int, default=None, help="segments per set")
    parser.add_argument("--options", default="{}", help="JSON of the engine's options")
    arguments = parser.parse_args()
    sets = {name: list(found)[: arguments.limit] for name, found in _sets(arguments.data)}
    rows: dict[str, Any] = {}
    for name, cases in sets.items():
        if cases:
            rows[name] = _measure(arguments.engine, json.loads(arguments.options), cases)
            print(f"{name:14} {rows[name]}")
    print(json.dumps({"engine": arguments.engine, "sets": rows}))


def _measure(engine: str, options: dict[str, Any], cases: Sequence[tuple[SegmentRequest, str]]) -> dict[str, Any]:
    idle_s, _ = _run("scripted", {}, cases)
    seconds, results = _run(engine, options, cases)
    texts = {result.key: result.text for result in results}
    errors = word_errors([text for _, text in cases], [texts[request.key] for request, _ in cases], "en")
    each = [_rate(text, texts[request.key]) for request, text in cases]
    audio_s = sum(request.samples.size for request, _ in cases) / SAMPLE_RATE_HZ
    flags = sorted({flag for result in results for flag in result.flags})
    return {
        "segments": len(cases),
        "audio_s": round(audio_s, 1),
        "wer": round(errors.rate or 0.0, 4),
        "deletions": errors.deletions,
        "insertions": errors.insertions,
        "substitutions": errors.substitutions,
        "median_segment_wer": round(statistics.median(each), 3),
        "quartiles": [round(value, 3) for value in statistics.quantiles(each, n=4)] if len(each) > 1 else each,
        "real_time_factor": round(seconds / audio_s, 4),
        "times_the_idle_path": round(seconds / max(idle_s, 1e-9), 1),
        "flags": flags,
    }


def _rate(reference: str, hypothesis: str) -> float:
    errors: WordErrors = NO_ERRORS + word_errors([reference], [hypothesis], "en")
    return errors.rate if errors.rate is not None else float(errors.insertions > 0)


def _run(
    engine: str, options: dict[str, Any], cases: Sequence[tuple[SegmentRequest, str]]
) -> tuple[float, list[SegmentResult]]:
    settings = TranscriptionSettings.model_validate({"engines": [engine], "strict": True, engine: options})
    recogniser = build_recogniser(settings)
    recogniser.load()
    began = time.perf_counter()
    results = list(recogniser.transcribe(request for request, _ in cases))
    return time.perf_counter() - began, results


def _sets(data: Path) -> Iterator[tuple[str, Iterator[tuple[SegmentRequest, str]]]]:
    if (data / "speech" / "read_english" / "refs.json").is_file():
        yield "read_english", _read_clips(data / "speech" / "read_english")
        yield "harper_valley", _turns(sorted((data / "calls" / "harper_valley").glob("*.json")))
        yield "samples", _turns(sorted(Path("samples/truth").glob("*.json")))
    else:
        print(f"reference recordings not found in {data}: give --data DIR")


def _read_clips(folder: Path) -> Iterator[tuple[SegmentRequest, str]]:
    for name, text in json.loads((folder / "refs.json").read_text("utf-8")).items():
        yield SegmentRequest(key=name, samples=_channels(folder / name)[0], language="en"), text


def _turns(paths: Sequence[Path]) -> Iterator[tuple[SegmentRequest, str]]:
    for path in paths:
        call = json.loads(path.read_text("utf-8"))
        recording = path.with_suffix(".wav")
        if "file_name" in call:
            recording = path.parent.parent / "calls" / call["file_name"]
        if recording.suffix not in _READABLE:
            continue
        channels = _channels(recording)
        for number, turn in enumerate(call["turns"]):
            start_s, end_s = (turn.get(f"{name}_s", turn.get(name)) for name in ("start", "end"))
            begin = round(max(0.0, start_s - _PADDING_S) * SAMPLE_RATE_HZ)
            end = round((end_s + _PADDING_S) * SAMPLE_RATE_HZ)
            samples = channels[turn["channel"]][begin:end]
            yield SegmentRequest(key=f"{path.stem}/{number}", samples=samples, language="en"), turn["text"]


def _channels(path: Path) -> list[Any]:
    """Float32 at 16 kHz, one array of shape (samples,) per channel."""
    import soundfile  # type: ignore[import-untyped]
    import soxr

    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return [soxr.resample(audio[:, i], rate, SAMPLE_RATE_HZ).astype("float32") for i in range(audio.shape[1])]


if __name__ == "__main__":
    main()
