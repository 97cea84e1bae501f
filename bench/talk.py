"""Metrics of the talk against the turns people marked: talk time, turns, interruptions.

    python -m bench.talk [--data ../shared/data] [--model base]

On the six Harper Valley calls, through voice activity, Whisper and the step `conversation`. What a person counts in the
marked turns (`.json`, the same turns as in `.rttm`), noises (`[noise]`) left out:

- talk: the seconds of a side's turns;
- turns: in order of their start, changes of side, the first turn included; a listener's word inside a turn of the
  other side is none;
- interruptions: turns begun at least half a second before the end of a turn of the other side, that go on for at least
  0.8 s after it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from analysis.conversation.backchannels import is_backchannel
from analysis.conversation.measures import measure
from analysis.records import Conversation
from commands.evaluate.comparison.figures import truths_of
from commands.evaluate.comparison.kept import KeptTranscripts
from commands.evaluate.comparison.pipeline_system import run_configuration
from commands.evaluate.comparison.running import unwatched
from pipeline.config.loader import load_settings
from pipeline.config.model_choice import settings_of_model
from pipeline.judging.truth import TrueTurn, open_truth

PROJECT = Path(__file__).resolve().parent.parent
SIDES = ("client", "agent")


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
    marked = (
        _Marked(turn.channel, turn.role, turn.start_s, turn.end_s, turn.text)
        for turn in turns
        if turn.text and turn.start_s is not None and turn.end_s is not None
    )
    said = sorted(marked, key=lambda turn: turn.start_s)
    floor = [turn for turn in said if not _listens(turn, said)]
    changes = sum(one.channel != other.channel for one, other in pairwise(floor))
    return Counted(
        talk_s={side: sum(turn.end_s - turn.start_s for turn in said if turn.role == side) for side in SIDES},
        turns=1 + changes if floor else 0,
        interruptions={side: sum(_interrupts(turn, floor) for turn in floor if turn.role == side) for side in SIDES},
    )


def _listens(turn: _Marked, said: Sequence[_Marked]) -> bool:
    inside = any(o.channel != turn.channel and o.start_s < turn.start_s and turn.end_s < o.end_s for o in said)
    return inside and is_backchannel(turn.text, "en")


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


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--model", default="base", help="as for run.py --model")
    options = arguments.parse_args()
    calls = options.data / "calls" / "harper_valley"
    chosen = {**settings_of_model(options.model), "input.path": str(calls)}
    overrides = [f"{key}={json.dumps(value)}" for key, value in chosen.items()]
    settings = load_settings(PROJECT / "config.yaml", overrides).settings
    truths = truths_of(open_truth(calls))
    with tempfile.TemporaryDirectory() as folder:
        kept = KeptTranscripts(Path(folder))
        heard = run_configuration(settings, truths, kept, lambda _: None, "", unwatched, fresh=True).calls
    rows = []
    for name, truth in sorted(truths.items()):
        call = heard[name].heard
        rows.append(row(name, measure(call.chunks, call.duration_s, "en"), counted(truth.turns)))
        print(json.dumps(rows[-1]))
    pooled = {
        side: round(sum(one["talk_s"][side] for one in rows) / sum(one["true_talk_s"][side] for one in rows), 3)
        for side in SIDES
    }
    print(json.dumps({"calls": len(rows), "pooled_talk_ratio": pooled, "rows": rows}))


if __name__ == "__main__":
    main()
