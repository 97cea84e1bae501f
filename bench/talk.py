"""Metrics of the talk against the turns people marked: talk time, turns, interruptions.

    python -m bench.talk [--data ../shared/data] [--model base]
    python -m bench.talk --overlaps [--part first|second] [...]

On the six Harper Valley calls, through voice activity, Whisper and the step `conversation`. What a person counts in the
marked turns (`.json`, the same turns as in `.rttm`), noises (`[noise]`) left out:

- talk: the seconds of a side's turns;
- turns: in order of their start, changes of side, the first turn included; a listener's word inside a turn of the
  other side is none;
- interruptions: turns begun at least half a second before the end of a turn of the other side, that go on for at least
  0.8 s after it.

In these calls nobody interrupts. So with --overlaps the pauses of these calls and of our samples are shortened until
turns overlap by known times (`bench.materials.sound.overlapping`), and each interruption is looked for among those
found: of the same side, begun within a second of it. --part takes every other call of each set, by name.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import soundfile  # type: ignore[import-untyped]

from analysis.conversation.backchannels import is_backchannel
from analysis.conversation.measures import measure
from analysis.conversation.speech import utterances
from analysis.conversation.turns import MIN_CUT_S, interruptions, without_backchannels
from analysis.records import Conversation
from bench.materials.sound.overlapping import BroughtForward, with_overlaps
from bench.options import PROJECT, options_of
from bench.shares import share_interval
from bench.words import PARTS, materials, part_of
from commands.evaluate.comparison.figures import truths_of
from commands.evaluate.comparison.kept import KeptTranscripts
from commands.evaluate.comparison.pipeline_system import run_configuration
from commands.evaluate.comparison.running import unwatched
from pipeline.config.loader import load_settings
from pipeline.config.model_choice import settings_of_model
from pipeline.judging.scores import HeardCall
from pipeline.judging.truth import TrueCall, TrueTurn, open_truth

SIDES = ("client", "agent")
READABLE = {".wav", ".flac", ".ogg"}
NEAR_S = 1.0


@dataclass(frozen=True, slots=True)
class _Marked:
    channel: int
    role: str | None
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Counted:
    """By a person, from the marked turns."""

    talk_s: dict[str, float]
    turns: int
    interruptions: dict[str, int]


def counted(turns: Sequence[TrueTurn]) -> Counted:
    said, floor = _said(turns), _floor(turns)
    changes = sum(turn.channel != other.channel for turn, other in pairwise(floor))
    return Counted(
        talk_s={side: sum(turn.end_s - turn.start_s for turn in said if turn.role == side) for side in SIDES},
        turns=1 + changes if floor else 0,
        interruptions={side: len(found) for side, found in moments(turns).items()},
    )


def _said(turns: Sequence[TrueTurn]) -> list[_Marked]:
    marked = (
        _Marked(turn.channel, turn.role, turn.start_s, turn.end_s, turn.text)
        for turn in turns
        if turn.text and turn.start_s is not None and turn.end_s is not None
    )
    return sorted(marked, key=lambda turn: turn.start_s)


def _floor(turns: Sequence[TrueTurn]) -> list[_Marked]:
    said = _said(turns)
    return [turn for turn in said if not _listens(turn, said)]


def _listens(turn: _Marked, said: Sequence[_Marked]) -> bool:
    inside = any(o.channel != turn.channel and o.start_s < turn.start_s and turn.end_s < o.end_s for o in said)
    return inside and is_backchannel(turn.text, "en")


def moments(turns: Sequence[TrueTurn]) -> dict[str, tuple[float, ...]]:
    """When each side interrupts, as a person counts it."""
    floor = _floor(turns)
    return {side: tuple(t.start_s for t in floor if t.role == side and _interrupts(t, floor)) for side in SIDES}


def _interrupts(turn: _Marked, floor: Sequence[_Marked]) -> bool:
    return any(
        other.channel != turn.channel
        and other.start_s < turn.start_s <= other.end_s - 0.5
        and turn.end_s >= other.end_s + 0.8
        for other in floor
    )


def row(name: str, found: Conversation, truth: Counted) -> dict[str, Any]:
    talk = {"client": found.client_talk_s, "agent": found.agent_talk_s}
    return {
        "call": name,
        "talk_ratio": {side: round((talk[side] or 0.0) / truth.talk_s[side], 3) for side in SIDES},
        "talk_s": talk,
        "true_talk_s": {side: round(truth.talk_s[side], 2) for side in SIDES},
        "turns": found.turns,
        "true_turns": truth.turns,
        "interruptions": {"client": found.client_interruptions, "agent": found.agent_interruptions},
        "true_interruptions": truth.interruptions,
    }


def listened(
    calls: Path, model: str, truths: Mapping[str, TrueCall], settings_beside: Mapping[str, object] | None = None
) -> dict[str, HeardCall]:
    """What a run hears in the calls of a folder, by name."""
    chosen = {**settings_of_model(model), "input.path": str(calls), **(settings_beside or {})}
    overrides = [f"{key}={json.dumps(value)}" for key, value in chosen.items()]
    settings = load_settings(PROJECT / "config.yaml", overrides).settings
    with tempfile.TemporaryDirectory() as folder:
        kept = KeptTranscripts(Path(folder))
        heard = run_configuration(settings, truths, kept, lambda _: None, "", unwatched, fresh=True).calls
    return {name: transcribed.heard for name, transcribed in heard.items()}


def make_overlaps(
    folder: Path, calls: Path, truth: Path, part: str | None
) -> dict[str, tuple[TrueCall, tuple[BroughtForward, ...]]]:
    """Write the calls of a set with turns brought forward: the truth of each, and these turns, by name."""
    truths = {n: t for n, t in truths_of(open_truth(truth)).items() if t.timed and not t.dual_mono}
    files = {path.stem: path for path in calls.iterdir() if path.suffix in READABLE}
    made = {}
    for name, true in part_of({name: true for name, true in truths.items() if name in files}, part).items():
        samples, rate_hz = soundfile.read(files[name], dtype="float32", always_2d=True)
        call, turns, forward = with_overlaps(samples.T, rate_hz, true.turns)
        soundfile.write(folder / f"{name}.wav", call.T, rate_hz, subtype="PCM_16")
        made[name] = replace(true, turns=turns, speakers=()), forward
    return made


def interruptions_found(call: HeardCall) -> dict[str, tuple[float, ...]]:
    """When each side interrupts, as `measure` counts it."""
    found = interruptions(without_backchannels(utterances(call.chunks, call.duration_s, "en")))
    return {role.value: moments_s for role, moments_s in found.items()}


def matched(true: Mapping[str, Sequence[float]], found: Mapping[str, Sequence[float]]) -> dict[str, int]:
    """Interruptions found, missed, and found where there is none."""
    hits = 0
    for side in SIDES:
        free = list(found[side])
        for moment_s in true[side]:
            near = min(free, key=lambda found_s: abs(found_s - moment_s), default=None)
            if near is not None and abs(near - moment_s) <= NEAR_S:
                free.remove(near)
                hits += 1
    return {
        "found": hits,
        "missed": sum(len(true[side]) for side in SIDES) - hits,
        "false": sum(len(found[side]) for side in SIDES) - hits,
    }


def compare_overlaps(data: Path, model: str, part: str | None) -> None:
    for material in materials(data)[:2]:
        with tempfile.TemporaryDirectory() as folder:
            made = make_overlaps(Path(folder), material.calls, material.truth, part)
            heard = listened(Path(folder), model, {name: true for name, (true, _) in made.items()})
        sums: Counter[str] = Counter()
        for name, (true, forward) in made.items():
            true_s, found_s = moments(true.turns), interruptions_found(heard[name])
            figures = matched(true_s, found_s)
            figures["waited_or_inside"] = sum(turn.inside or turn.overlap_s < MIN_CUT_S for turn in forward)
            sums.update(figures)
            print(json.dumps({"call": name, "true_s": true_s, "found_s": found_s} | figures), flush=True)
        recall = share_interval(sums["found"], sums["found"] + sums["missed"])
        print(json.dumps({"set": material.name, "calls": len(made), **sums, "recall_interval": recall}))


def main() -> None:
    arguments = options_of(__doc__, data=True)
    arguments.add_argument("--model", default="base", help="as for run.py --model")
    arguments.add_argument("--overlaps", action="store_true", help="turns brought forward until they overlap")
    arguments.add_argument("--part", choices=PARTS, default=None, help="with --overlaps: every other call by name")
    options = arguments.parse_args()
    if options.overlaps:
        compare_overlaps(options.data.resolve(), options.model, options.part)
        return
    calls = options.data / "calls" / "harper_valley"
    truths = truths_of(open_truth(calls))
    heard = listened(calls, options.model, truths)
    rows = []
    for name, truth in sorted(truths.items()):
        call = heard[name]
        rows.append(row(name, measure(call.chunks, call.duration_s, "en"), counted(truth.turns)))
        print(json.dumps(rows[-1]))
    pooled = {
        side: round(sum(call["talk_s"][side] for call in rows) / sum(call["true_talk_s"][side] for call in rows), 3)
        for side in SIDES
    }
    print(json.dumps({"calls": len(rows), "pooled_talk_ratio": pooled, "rows": rows}))


if __name__ == "__main__":
    main()
