"""The words of Whisper through Earshot against plain faster-whisper with the same weights, on real and sample calls.

    python -m bench.words [--data ../shared/data] [--models base,tiny.en] [--sets harper_valley,samples,read_english]
                          [--part first|second] [--kept DIR] [--set KEY=VALUE ...] [--output words.md] [--check]
    python -m bench.words --vocabulary [...]

With --vocabulary ours with the shipped glossary's names given to Whisper (`send_context`) stands against ours without,
and the recall of these names is shown. Real calls do not say them: a further set, `names`, is spoken by espeak-ng
(`bench.materials.sound.spoken_names`). Goals: at most half a point more word errors on every set, more names heard.

The same code as `run.py evaluate compare`: int8, one thread each, default settings otherwise, every transcript made
afresh. Judged is all text that is stored, flagged or not. Intervals are 95 %, by bootstrap over calls; differences are
paired. --part takes every other call by name, so that what was chosen on one part can be measured on the other. --kept
keeps the baseline's transcripts there, with what they took, and uses them again.

Goals: pooled word error rate below the baseline's and no set worse beyond its interval; at most 1.3 times its processor
seconds; speech F1 0.87; turn order 1; no chunk without a warning where nobody speaks. What is missed is listed; with
--check the exit code is then 1.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.materials.sound.spoken_names import make_spoken_names
from bench.options import PROJECT, options_of
from commands.evaluate.comparison.figures import ComparedSystems, SystemFigures, compared, truths_of
from commands.evaluate.comparison.kept import KeptTranscripts
from commands.evaluate.comparison.pipeline_system import run_configuration
from commands.evaluate.comparison.plain_whisper import run_plain
from commands.evaluate.comparison.running import SystemResult, unwatched
from commands.evaluate.comparison.systems import PLAIN, System
from commands.evaluate.transcripts import glossary_names
from pipeline.config.loader import load_settings
from pipeline.judging.scores import FIGURES
from pipeline.judging.truth import TrueCall, open_truth

OURS = "earshot"
WITHOUT = "earshot, no vocabulary"
VOCABULARY = "transcription.faster_whisper.send_context=true"
MOST_WORSE_WITH_VOCABULARY = 0.005
MODELS: Mapping[str, Sequence[str]] = {
    "base": (),
    "tiny.en": (
        "transcription.faster_whisper.model=Systran/faster-whisper-tiny.en",
        "transcription.faster_whisper.revision=0d3d19a32d3338f10357c0889762bd8d64bbdeba",
    ),
}
ALWAYS = (
    "transcription.engines=[faster_whisper]",
    "transcription.strict=true",
    "transcription.faster_whisper.cpu_threads=1",
    "transcription.faster_whisper.compute_type=int8",
)
MOST_TIMES_THE_PROCESSOR = 1.3
LEAST_SPEECH_F1 = 0.87
CORRECTED = {"sb_spk2_snt5": "jump the fence and hurry up the bank"}
"""What is said in clips whose published reference is that of another clip."""
SHOWN = ("wer", "cer", "names", "short_answers", "speech_f1", "turn_order", "idle_chunks", "word_time_s")
PARTS = ("first", "second")
Heard = tuple[dict[str, SystemResult], dict[str, TrueCall]]
"""What the systems made of a set, and its truth."""


@dataclass(frozen=True, slots=True)
class Material:
    name: str
    calls: Path
    truth: Path


def materials(data: Path) -> list[Material]:
    return [
        Material("harper_valley", data / "calls" / "harper_valley", data / "calls" / "harper_valley"),
        Material("samples", PROJECT / "samples" / "calls", PROJECT / "samples" / "truth"),
        Material("read_english", data / "speech" / "read_english", data / "speech" / "read_english"),
    ]


def truth_of(material: Material) -> dict[str, TrueCall]:
    truths = truths_of(open_truth(material.truth))
    for name, text in CORRECTED.items():
        if name in truths:
            (turn,) = truths[name].turns
            truths[name] = replace(truths[name], turns=(replace(turn, text=text),))
    return truths


def part_of(truths: Mapping[str, TrueCall], part: str | None) -> dict[str, TrueCall]:
    """Every other call by name; all for None."""
    names = sorted(truths)
    chosen = names if part is None else names[PARTS.index(part) :: len(PARTS)]
    return {name: truths[name] for name in chosen}


def systems_of(model: str, material: Material, overrides: Sequence[str], vocabulary: bool) -> tuple[System, System]:
    """The baseline and ours."""
    given = (*ALWAYS, *MODELS[model], f"input.path={json.dumps(str(material.calls))}", *overrides)
    settings = load_settings(PROJECT / "config.yaml", given).settings
    if not vocabulary:
        return System(name=PLAIN, settings=settings), System(name=OURS, settings=settings)
    on = load_settings(PROJECT / "config.yaml", (*given, VOCABULARY)).settings
    return System(name=WITHOUT, settings=settings), System(name=OURS, settings=on)


def measure(systems: Sequence[System], truths: Mapping[str, TrueCall], kept: Path | None) -> dict[str, SystemResult]:
    """What each system hears. `kept`: where transcripts of plain faster-whisper are, or will be."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for system in systems:
            if system.plain:
                store = KeptTranscripts(kept or Path(folder))
                found = run_plain(system.settings, truths, store, "this machine", unwatched, fresh=kept is None)
            else:
                store = KeptTranscripts(Path(folder))
                found = run_configuration(
                    system.settings, truths, store, lambda _: None, "this machine", unwatched, fresh=True
                )
            results[system.name] = found
    return results


def pooled(parts: Sequence[Heard], systems: Sequence[System], names: Sequence[str] = ()) -> ComparedSystems:
    """All sets as one; names of calls differ between them."""
    results = {system.name: SystemResult() for system in systems}
    truths: dict[str, TrueCall] = {}
    for of_set, true in parts:
        truths |= true
        for name, result in of_set.items():
            results[name].calls |= result.calls
            results[name].failures |= result.failures
    return compared(systems, results, truths, language="en", names=names)


def missed_with_vocabulary(model: str, by_set: Mapping[str, ComparedSystems], whole: ComparedSystems) -> Iterator[str]:
    """Goals of `--vocabulary` that are not reached, in words."""
    for name, found in by_set.items():
        worse = found.difference(OURS, WITHOUT, "wer")
        if worse is not None and worse.value > MOST_WORSE_WITH_VOCABULARY:
            yield f"{model}, {name}: word error rate worse by {worse} (at most {MOST_WORSE_WITH_VOCABULARY})"
        fewer = found.difference(OURS, WITHOUT, "names")
        if fewer is not None and fewer.value < 0:
            yield f"{model}, {name}: fewer names heard, {fewer}"
    more = whole.difference(OURS, WITHOUT, "names")
    if more is None:
        yield f"{model}: nobody says a name of the glossary, so its recall was not measured"
    elif more.value == 0:
        yield f"{model}: no more names heard"


def missed(model: str, by_set: Mapping[str, ComparedSystems], whole: ComparedSystems) -> Iterator[str]:
    """Goals that are not reached, in words."""
    plain, ours = whole.systems
    if (known := ours.figures["wer"]) is None or (base := plain.figures["wer"]) is None:
        yield f"{model}: no words were compared"
        return
    if known.value >= base.value:
        yield f"{model}: pooled word error rate {known.value:.4f} is not below {base.value:.4f}"
    for name, found in by_set.items():
        worse = found.difference(OURS, PLAIN, "wer")
        if worse is not None and worse.surely_above(0):
            yield f"{model}, {name}: word error rate worse by {worse}"
        for call, why in found.left_out.items():
            yield f"{model}, {name}: {call} was not compared ({why})"
    if ours.effort.processor_s and plain.effort.processor_s:
        times = ours.effort.processor_s / plain.effort.processor_s
        if times > MOST_TIMES_THE_PROCESSOR:
            yield f"{model}: {times:.2f} times the processor seconds (at most {MOST_TIMES_THE_PROCESSOR})"
    yield from _missed_by_turns(model, by_set)


def _missed_by_turns(model: str, by_set: Mapping[str, ComparedSystems]) -> Iterator[str]:
    for name, found in by_set.items():
        figures = found.systems[1].figures
        f1, order, idle = figures["speech_f1"], figures["turn_order"], figures["idle_chunks"]
        if f1 is not None and f1.value < LEAST_SPEECH_F1:
            yield f"{model}, {name}: speech F1 {f1.value:.3f} (at least {LEAST_SPEECH_F1})"
        if order is not None and order.value < 1:
            yield f"{model}, {name}: turn order {order.value:.3f}"
        if idle is not None and idle.value > 0:
            yield f"{model}, {name}: chunks without a warning where nobody speaks: {_idle(found)}"


def _idle(found: ComparedSystems) -> str:
    return "; ".join(
        f"{call} at {chunk.start_s:.1f} s {chunk.text!r}"
        for call, score in found.scores[OURS].items()
        for chunk in score.idle_chunks
    )


def table(rows: Sequence[tuple[str, str, ComparedSystems]]) -> str:
    """Markdown: a line per model, set and system."""
    lines = [
        f"| model | set | calls | words | system | {' | '.join(SHOWN)} | processor s | audio s |",
        "|" + "---|" * (7 + len(SHOWN)),
    ]
    for model, name, found in rows:
        lines += [_line(model, name, found, system) for system in found.systems]
        wer = found.difference(found.systems[1].name, found.systems[0].name, "wer")
        lines.append(f"| {model} | {name} | | | difference | {wer or '–'} |" + " |" * (len(SHOWN) + 1))
    return "\n".join(lines)


def _line(model: str, name: str, found: ComparedSystems, system: SystemFigures) -> str:
    cells = [str(system.figures[figure] or "–") for figure in SHOWN]
    seconds = system.effort.processor_s
    return (
        f"| {model} | {name} | {len(found.calls)} | {found.words} | {system.name} | {' | '.join(cells)} | "
        f"{'–' if seconds is None else f'{seconds:.1f}'} | {system.effort.audio_s:.0f} |"
    )


def _as_json(found: ComparedSystems) -> dict[str, Any]:
    return {
        "calls": len(found.calls),
        "words": found.words,
        "systems": {
            system.name: {
                "figures": {k: asdict(v) for k, v in system.figures.items() if v},
                "effort": asdict(system.effort),
            }
            for system in found.systems
        },
        "differences": {
            name: asdict(value)
            for name in FIGURES
            if (value := found.difference(found.systems[1].name, found.systems[0].name, name)) is not None
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--sets", default="", help="names, comma-separated; all by default")
    parser.add_argument("--part", choices=PARTS, default=None, help="every other call by name")
    parser.add_argument("--kept", type=Path, default=None, help="folder with transcripts of plain faster-whisper")
    parser.add_argument("--vocabulary", action="store_true", help="ours with the glossary's names against without")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of our system")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a goal is missed")
    parser.add_argument("--output", type=Path, default=None, help="file for the table")
    chosen = parser.parse_args(arguments)
    names = [material.name for material in materials(chosen.data)] + ["names"] * chosen.vocabulary
    for given, known in ((chosen.models, MODELS), (chosen.sets, names)):
        unknown = {name for name in given.split(",") if name} - set(known)
        if unknown:
            parser.error(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    with tempfile.TemporaryDirectory() as folder:
        return _compare(chosen, Path(folder))


def _compare(chosen: argparse.Namespace, folder: Path) -> int:
    os.environ["OMP_NUM_THREADS"] = "1"
    wanted = {name for name in chosen.sets.split(",") if name}
    sets = materials(chosen.data.resolve())
    if chosen.vocabulary and make_spoken_names(folder):
        sets.append(Material("names", folder, folder))
    elif chosen.vocabulary:
        print("names: left out, espeak-ng is not installed (apt-get install espeak-ng)")
    sets = [material for material in sets if not wanted or material.name in wanted]
    for absent in [material for material in sets if not material.truth.exists()]:
        print(f"{absent.name}: left out, {absent.truth} is not there (--data DIR)")
        sets.remove(absent)
    rows: list[tuple[str, str, ComparedSystems]] = []
    faults: list[str] = []
    for model in chosen.models.split(","):
        by_set, parts = {}, []
        for material in sets:
            systems = systems_of(model, material, chosen.set, chosen.vocabulary)
            truths = part_of(truth_of(material), chosen.part)
            results = measure(systems, truths, chosen.kept)
            names = glossary_names(systems[1].settings)
            by_set[material.name] = compared(systems, results, truths, language="en", names=names)
            parts.append((results, truths))
            rows.append((model, material.name, by_set[material.name]))
            print(table(rows[-1:]), flush=True)
        whole = pooled(parts, systems, names)
        rows.append((model, "pooled", whole))
        faults += (missed_with_vocabulary if chosen.vocabulary else missed)(model, by_set, whole)
    text = table(rows) + "\n\n" + "\n".join(f"- missed: {fault}" for fault in faults or ["nothing"])
    print(f"\n{text}")
    if chosen.output is not None:
        chosen.output.write_text(text + "\n", encoding="utf-8")
    print(json.dumps({f"{model}/{name}": _as_json(found) for model, name, found in rows} | {"missed": faults}))
    return 1 if faults and chosen.check else 0


if __name__ == "__main__":
    sys.exit(main())
