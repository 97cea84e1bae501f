"""Labels of the shipped voice model, a CSV for `run.py train acoustic`: acted emotions, and neutral turns of calls.

    python -m bench.voice_labels [--data ../shared/data] > voice.csv

EmoDB (Burkhardt et al. 2005): anger and sadness are negative, happiness positive; a group is a speaker. Harper Valley
(Wu et al. 2020, CC BY 4.0): every turn is neutral, by ear matter-of-fact; a group is a call. No other sound is in it.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.options import options_of

EMOTIONS = {"anger": "negative", "sadness": "negative", "neutral": "neutral", "happiness": "positive"}
LEAST_S = 0.4


def acted_clips(data: Path) -> Iterator[dict[str, object]]:
    folder = data / "emotion" / "emodb"
    for name, clip in sorted(json.loads((folder / "labels.json").read_text(encoding="utf-8")).items()):
        if clip["emotion"] in EMOTIONS:
            yield {"path": folder / name, "label": EMOTIONS[clip["emotion"]], "group": f"emodb {clip['speaker']}"}


def neutral_turns(data: Path) -> Iterator[dict[str, object]]:
    for described in sorted((data / "calls" / "harper_valley").glob("*.json")):
        for turn in json.loads(described.read_text(encoding="utf-8"))["turns"]:
            if turn["end"] - turn["start"] >= LEAST_S:
                yield {
                    "path": described.with_suffix(".wav"),
                    "label": "neutral",
                    "group": f"harper {described.stem}",
                    "start_s": turn["start"],
                    "end_s": turn["end"],
                    "channel": turn["channel"],
                    "role": "agent" if turn["role"] == "agent" else "client",
                }


def main() -> None:
    parser = options_of(__doc__, data=True)
    writer = csv.DictWriter(sys.stdout, ["path", "label", "group", "start_s", "end_s", "channel", "role"])
    writer.writeheader()
    data = parser.parse_args().data.resolve()
    writer.writerows([*acted_clips(data), *neutral_turns(data)])


if __name__ == "__main__":
    main()
