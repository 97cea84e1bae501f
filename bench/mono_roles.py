"""Mono calls: which of two speakers is the agent, and how sure that is, on calls whose turns people marked.

    python -m bench.mono_roles [--data ../shared/data] [--seeds 20]

The six Harper Valley calls, and the project's own samples, with the turns and words that people wrote down, as a
perfect diariser and recogniser would give them; then harder: the opening cut off, words lost, turns given to the wrong
speaker. Accuracy is over all calls, and over those sure enough to be used (`diarisation.min_role_confidence`). How well
speakers are told apart: `bench.voices`, and the diarisation error rate of `run.py evaluate`.
"""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.options import PROJECT, options_of
from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.diarisation.roles import Said, guess_roles
from pipeline.records import Direction, Role

SETTINGS = DiarisationSettings()


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


def show(title: str, rows: dict[str, dict[str, Any]]) -> None:
    print(f"\n{title}")
    for name, row in rows.items():
        cells = "  ".join(
            f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()
        )
        print(f"  {name:<38} {cells}")


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--seeds", type=int, default=20, help="random draws of each harder view")
    given = parser.parse_args()
    report: dict[str, Any] = {}
    for name, folder in (
        ("Harper Valley calls", given.data / "calls" / "harper_valley"),
        ("synthesised samples", PROJECT / "samples" / "truth"),
    ):
        if calls := known_calls(folder.glob("*.json")):
            report[name] = {view: judge(calls, change, given.seeds) for view, change in VIEWS.items()}
            show(f"roles, {len(calls)} {name} x {given.seeds} draws", report[name])
        else:
            print(f"{name}: left out, {folder} is not there (--data DIR)")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
