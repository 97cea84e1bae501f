"""Mono calls: who is the agent, how sure, and how well speakers are told apart.

    python -m bench.diarisation [--data ../shared/data] [--seeds 20] [--engine sphinx] [--model FOLDER]

Roles: on the six Harper Valley calls with the segments and words people marked, as a perfect diariser and recogniser
would give them; then harder: the opening cut off, words lost, turns given to the wrong speaker; and on the project's
own samples. Accuracy is over all calls, and over those sure enough to be used (`diarisation.min_role_confidence`).
With --engine the words of the mono mixes come from that recogniser, on the same segments.

Error rate (0.25 s collar, pyannote.metrics) of three things: a one-speaker baseline on what voice activity finds, the
turns that people marked (0 by definition: this checks the scoring), and the configured diariser where its weights are
available. It is measured on mono mixes of the Harper Valley calls and on speech/diarization.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.materials.recordings import write_wav
from bench.voice_activity import decoded
from pipeline.audio.prepare import CallPreparer
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.diarisation.calls import both_sides
from pipeline.diarisation.choice import DIARISERS
from pipeline.diarisation.diariser import Diariser, SpeakerTurn
from pipeline.diarisation.error_rate import DiarisationErrors, diarisation_errors
from pipeline.diarisation.roles import Said, guess_roles
from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ, CallMetadata, Direction, PreparedCall, Role

SETTINGS = DiarisationSettings()
PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Known:
    """A call whose turns are known; speaker 0 is the agent here."""

    name: str
    turns: tuple[Said, ...]
    direction: Direction | None = None


def known_calls(files: Iterable[Path]) -> list[Known]:
    calls = []
    for path in sorted(files):
        content = json.loads(path.read_text(encoding="utf-8"))
        turns = tuple(
            Said(
                speaker=0 if turn["role"] == "agent" else 1,
                start_s=turn.get("start", turn.get("start_s")),
                text=turn["text"].replace("[noise]", ""),
                language=content.get("language", "en"),
            )
            for turn in content["turns"]
        )
        direction = next((d for d in Direction if f"_{d.value}_" in path.name), None)
        calls.append(Known(path.stem, turns, direction))
    return calls


# ----------------------------------------------------------------------------------------------- roles

Change = Callable[[Sequence[Said], random.Random], tuple[Said, ...]]


def without_opening(turns: int) -> Change:
    return lambda said, _: tuple(said[turns:])


def words_lost(share: float) -> Change:
    def change(said: Sequence[Said], chance: random.Random) -> tuple[Said, ...]:
        return tuple(
            replace(chunk, text=" ".join(word for word in chunk.text.split() if chance.random() >= share))
            for chunk in said
        )

    return change


def wrong_speaker(share: float) -> Change:
    return lambda said, chance: tuple(
        replace(chunk, speaker=1 - chunk.speaker) if chance.random() < share else chunk for chunk in said
    )


def together(*changes: Change) -> Change:
    def change(said: Sequence[Said], chance: random.Random) -> tuple[Said, ...]:
        for change_chunks in changes:
            said = change_chunks(said, chance)
        return tuple(said)

    return change


VIEWS: dict[str, Change] = {
    "as people wrote them down": lambda said, _: tuple(said),
    "first 3 chunks missing": without_opening(3),
    "first 8 chunks missing": without_opening(8),
    "30 % of words lost": words_lost(0.3),
    "60 % of words lost": words_lost(0.6),
    "10 % of chunks to the wrong speaker": wrong_speaker(0.1),
    "25 % of chunks to the wrong speaker": wrong_speaker(0.25),
    "8 missing, 30 % lost, 10 % wrong": together(without_opening(8), words_lost(0.3), wrong_speaker(0.1)),
}


def judge(calls: Sequence[Known], change: Change, seeds: int) -> dict[str, Any]:
    """Accuracy and confidence over all calls and seeds; the order of the speakers is random."""
    right: list[bool] = []
    confidence: list[float] = []
    for seed in range(seeds):
        for call in calls:
            chance = random.Random(f"{call.name}{seed}")
            said = change(call.turns, chance)
            turned = chance.random() < 0.5
            if turned:
                said = tuple(replace(chunk, speaker=1 - chunk.speaker) for chunk in said)
            guess = guess_roles(said, SETTINGS.roles, call.direction)
            right.append(guess.roles[1 if turned else 0] is Role.AGENT)
            confidence.append(guess.confidence)
    used = [correct for correct, sure in zip(right, confidence, strict=True) if sure >= SETTINGS.min_role_confidence]
    return {
        "cases": len(right),
        "right": sum(right) / len(right),
        "mean_confidence": statistics.fmean(confidence),
        "used": len(used) / len(right),
        "right_of_used": sum(used) / len(used) if used else None,
        "brier": statistics.fmean((sure - correct) ** 2 for correct, sure in zip(right, confidence, strict=True)),
    }


def heard_by(engine: str, call: Known, mix: Any, ends_s: Sequence[float]) -> Known:
    """The call with the words `engine` hears in each of its segments of the mono mix."""
    from pipeline.transcription.engine import SegmentPlace, SegmentRequest
    from pipeline.transcription.recogniser import build_recogniser

    recogniser = build_recogniser(TranscriptionSettings(engines=(engine,)), ())
    recogniser.load()
    requests = [
        SegmentRequest(
            key=str(number),
            samples=mix[round(turn.start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)],
            language="en",
            place=SegmentPlace(audio_sha256="", file_name=call.name, channel=0, start_s=turn.start_s),
        )
        for number, (turn, end_s) in enumerate(zip(call.turns, ends_s, strict=True))
    ]
    texts = {result.key: result.text for result in recogniser.transcribe(requests)}
    return replace(call, turns=tuple(replace(turn, text=texts[str(n)]) for n, turn in enumerate(call.turns)))


# ---------------------------------------------------------------------------------------------- errors


def marked_turns(path: Path, recording: str | None = None) -> list[SpeakerTurn]:
    """Turns of a recording in an RTTM file, by default the one it is named for; speakers numbered as they come."""
    names: dict[str, int] = {}
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = sorted((row for row in rows if row[1] == (recording or path.stem)), key=lambda row: float(row[3]))
    return [
        SpeakerTurn(float(row[3]), float(row[3]) + float(row[4]), names.setdefault(row[7], len(names))) for row in rows
    ]


def mono_mix(path: Path) -> Any:
    return np.mean(np.stack(decoded(path)), axis=0, dtype=np.float32)


def error_rates(mixes: dict[str, tuple[Any, list[SpeakerTurn]]], diariser: Diariser | None) -> dict[str, Any]:
    totals = {"one_speaker": DiarisationErrors(), "people": DiarisationErrors()}
    preparer = CallPreparer(AudioSettings(), VoiceActivitySettings())
    for name, (mix, truth) in mixes.items():
        span = (0.0, len(mix) / SAMPLE_RATE_HZ)
        with tempfile.TemporaryDirectory() as folder:
            wav = write_wav(Path(folder) / f"{name}.wav", (np.clip(mix, -1, 1) * 32767).astype(np.int16))
            call = preparer.prepare(wav, CallMetadata(), Path(folder) / "spool")
            found = {"one_speaker": _speech(call), "people": truth}
            channel = both_sides(call)
            if diariser is not None and channel is not None:
                turns = diariser.diarise(channel.samples_path, channel.samples, channel.segments, 600.0)
                found[diariser.name] = list(turns)
        for who, turns_of in found.items():
            errors = diarisation_errors(truth, turns_of, span)
            totals[who] = totals.get(who, DiarisationErrors()) + errors
    return {who: {"der": errors.rate, **_shares(errors)} for who, errors in totals.items()}


def _speech(call: PreparedCall) -> list[SpeakerTurn]:
    return [SpeakerTurn(s.start_s, s.end_s, 0) for c in call.channels for s in c.segments]


def _shares(errors: DiarisationErrors) -> dict[str, float]:
    of = errors.speech_s or 1.0
    return {
        "missed": errors.missed_s / of,
        "false_alarm": errors.false_alarm_s / of,
        "confusion": errors.confusion_s / of,
    }


# ------------------------------------------------------------------------------------------------ main


def show(title: str, rows: dict[str, dict[str, Any]]) -> None:
    print(f"\n{title}")
    for name, row in rows.items():
        cells = "  ".join(
            f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()
        )
        print(f"  {name:<38} {cells}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, default=20, help="random draws of each harder view")
    parser.add_argument("--engine", help="also with the words this recogniser hears in the mono mixes")
    parser.add_argument("--model", help="diarisation.pyannote.model")
    arguments = parser.parse_args()
    harper = arguments.data / "calls" / "harper_valley"
    if not harper.is_dir():
        print(f"{harper} is not there; give --data")
        return
    calls = known_calls(harper.glob("*.json"))
    samples = known_calls((PROJECT / "samples" / "truth").glob("*.json"))
    report: dict[str, Any] = {
        "roles_harper_valley": {name: judge(calls, view, arguments.seeds) for name, view in VIEWS.items()},
        "roles_samples": {name: judge(samples, view, arguments.seeds) for name, view in VIEWS.items()},
    }
    show(f"roles, {len(calls)} Harper Valley calls x {arguments.seeds} draws", report["roles_harper_valley"])
    show(f"roles, {len(samples)} synthesised samples x {arguments.seeds} draws", report["roles_samples"])
    mixes = {
        path.stem: (mono_mix(path), marked_turns(path.with_suffix(".rttm"))) for path in sorted(harper.glob("*.wav"))
    }
    if arguments.engine:
        ends = {path.stem: [t["end"] for t in json.loads(path.read_text())["turns"]] for path in harper.glob("*.json")}
        heard = [heard_by(arguments.engine, call, mixes[call.name][0], ends[call.name]) for call in calls]
        report["roles_recognised"] = {arguments.engine: judge(heard, VIEWS["as people wrote them down"], 1)}
        show("roles, recognised words on people's segments of the mono mix", report["roles_recognised"])
    report |= _of_diariser(arguments, mixes)
    print(json.dumps(report))


def _of_diariser(arguments: argparse.Namespace, mixes: dict[str, tuple[Any, list[SpeakerTurn]]]) -> dict[str, Any]:
    settings = SETTINGS
    if arguments.model:
        weights = settings.pyannote.model_copy(update={"model": arguments.model, "revision": None})
        settings = settings.model_copy(update={"pyannote": weights})
    diariser: Diariser | None = None
    reason = None
    try:
        diariser = DIARISERS[settings.engine](settings)
    except ModelUnavailable as error:
        reason = str(error)
        print(f"\nno diariser: {reason}")
    folder = arguments.data / "speech" / "diarization"
    talk = {"sample": (mono_mix(folder / "sample.wav"), marked_turns(folder / "sample.rttm"))}
    meetings = {
        path.stem: (mono_mix(path), marked_turns(folder / "debug.train.rttm", path.stem))
        for path in sorted(folder.glob("trn*.wav"))
    }
    try:
        rates = {
            "Harper Valley, mono mixes": error_rates(mixes, diariser),
            "a telephone talk, 30 s": error_rates(talk, diariser),
            "meetings of 3 and more, 2 x 30 s": error_rates(meetings, diariser),
        }
    except ModelUnavailable as error:
        print(f"no error rates: {error}")
        return {"diariser_unavailable": reason, "der": None}
    for name, rows in rates.items():
        show(f"diarisation error rate, {name}, collar 0.25 s", rows)
    return {"diariser_unavailable": reason, "der": rates}


if __name__ == "__main__":
    main()
