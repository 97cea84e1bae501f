"""Words that one channel overhears: word error rate with echo subtracted and the channels'
words compared, and without both.

    python -m bench.overheard [--model base] [--calls 1] [--kinds "echo,room"]

Our sample calls, made anew with echo, rooms, codecs, mixes and mono copies (`bench.materials.sound.overhearing`),
through a whole run with Whisper. Errors are counted per side, so that a sentence under the wrong side, or under both,
is wrong twice; in a mono copy, whose sides cannot be told, over both together.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile  # type: ignore[import-untyped]
import soxr

from bench.materials.sound.overhearing import KINDS
from bench.options import PROJECT, options_of
from bench.talk import READABLE, listened
from pipeline.judging.scores import HeardCall, score_call
from pipeline.judging.truth import TrueCall, open_truth

RATE_HZ = 8000
SWITCHES = ("audio.crosstalk.cancel_echo", "audio.crosstalk.compare_words")
"""Both: what is subtracted before anybody listens leaves the comparison nothing to do."""


def make_calls(folder: Path, count: int, kinds: Sequence[str]) -> dict[str, TrueCall]:
    """Write the recordings; the truth of each, by its name."""
    truth = open_truth(PROJECT / "samples" / "truth")
    found: dict[str, TrueCall] = {}
    sources = [path for path in sorted((PROJECT / "samples" / "calls").iterdir()) if path.suffix in READABLE]
    for path in sources[-count:]:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        call, true = soxr.resample(samples, rate, RATE_HZ).T.astype(np.float32), truth.of(path.stem)
        if call.shape[0] != 2 or true is None:
            continue
        for kind in kinds:
            name = f"{path.stem}_{kind}".replace(" ", "_").replace(",", "")
            soundfile.write(folder / f"{name}.wav", KINDS[kind](call, RATE_HZ).T, RATE_HZ, subtype="PCM_16")
            told = true.on_one_channel() if kind.startswith("mono") else true
            found[name] = replace(told, name=name)
    return found


def errors(heard: HeardCall, truth: TrueCall) -> tuple[int, int]:
    """Wrong words and words said."""
    if all(turn.role is None for turn in truth.turns):
        heard = replace(heard, chunks=tuple(replace(chunk, channel=0) for chunk in heard.chunks))
    sides = score_call(heard, truth, "en").sides
    return sum(side.words.errors for side in sides), sum(side.words.reference_words for side in sides)


def main() -> None:
    arguments = options_of(__doc__)
    arguments.add_argument("--model", default="base", help="as for run.py --model")
    arguments.add_argument("--calls", type=int, default=1)
    arguments.add_argument("--kinds", default="", help="parts of names of kinds, separated by commas; default all")
    options = arguments.parse_args()
    wanted = [kind for kind in KINDS if any(part in kind for part in options.kinds.split(","))]
    rates: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        calls = Path(folder) / "calls"
        calls.mkdir()
        truths = make_calls(calls, options.calls, wanted)
        for name, on in (("without", False), ("with", True)):
            heard = listened(calls, options.model, truths, dict.fromkeys(SWITCHES, on))
            for call, truth in truths.items():
                wrong, said = errors(heard[call], truth)
                rates.setdefault(call, {"words": said})[name] = round(wrong / said, 3)
    for call, row in rates.items():
        print(f"{call[-60:]:60} {row}")
    print(json.dumps({"model": options.model, "calls": rates}))


if __name__ == "__main__":
    main()
