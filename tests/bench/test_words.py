"""The goals of `bench.words`: each is told when it is missed, and only then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench.materials.sound.spoken_names import WITH_NAMES, WITHOUT_NAMES
from bench.options import PROJECT
from bench.words import CORRECTED, OURS, WITHOUT, Material, missed, missed_with_vocabulary, part_of, truth_of
from commands.evaluate.comparison.figures import ComparedSystems
from commands.evaluate.comparison.running import SystemResult, Transcribed
from commands.evaluate.comparison.systems import PLAIN
from commands.evaluate.transcripts import glossary_names
from pipeline.config.loader import load_settings
from pipeline.judging.truth import TrueCall
from tests.commands.evaluate.comparison.made_up import comparison, result, system

MANY, FEW = [10, 12, 9, 14, 11, 10, 13, 12], [5, 7, 4, 9, 6, 5, 8, 7]


def found(plain: SystemResult, ours: SystemResult) -> ComparedSystems:
    return comparison([system(PLAIN), system(OURS)], plain, ours)


def faults(plain: SystemResult, ours: SystemResult) -> list[str]:
    whole = found(plain, ours)
    return list(missed("tiny", {"set": whole}, whole))


def moved(errors: Sequence[int], start_s: float) -> SystemResult:
    """The same words, in chunks that begin elsewhere."""
    made = result(errors)
    for name, call in made.calls.items():
        (chunk,) = call.heard.chunks
        chunks = (replace(chunk, start_s=start_s, end_s=start_s + 1),)
        made.calls[name] = Transcribed(heard=replace(call.heard, chunks=chunks), effort=call.effort, reused=False)
    return made


def test_all_goals_reached() -> None:
    assert faults(result(MANY), result(FEW)) == []


@pytest.mark.parametrize(
    ("plain", "ours", "told"),
    [
        (result(FEW), result(MANY), ["pooled word error rate", "word error rate worse by"]),
        (result(FEW), result(FEW), ["pooled word error rate"]),
        (result(MANY, 3.0), result(FEW, 4.0), ["1.33 times the processor seconds"]),
        (result(MANY), moved(FEW, 2.0), ["speech F1"]),
        (result(MANY), moved(FEW, 25.0), ["speech F1", "where nobody speaks: call-0 at 25.0 s"]),
        (result(MANY), result(FEW[:7]), ["call-7 was not compared"]),
    ],
)
def test_a_goal_that_is_missed_is_told(plain: SystemResult, ours: SystemResult, told: list[str]) -> None:
    said = faults(plain, ours)
    assert len(said) == len(told)
    assert all(part in line for part, line in zip(told, said, strict=True))


@pytest.mark.parametrize(
    ("without", "with_names", "told"),
    [
        (result(MANY), result(MANY), ["no more names heard"]),
        (result(MANY), result(FEW), []),
        (result(FEW), result(MANY), ["word error rate worse by", "fewer names heard"]),
    ],
)
def test_what_the_vocabulary_costs_is_told(without: SystemResult, with_names: SystemResult, told: list[str]) -> None:
    whole = comparison([system(WITHOUT), system(OURS)], without, with_names, names=("right",))
    said = list(missed_with_vocabulary("tiny", {"set": whole}, whole))
    assert len(said) == len(told)
    assert all(part in line for part, line in zip(told, said, strict=True))


def test_a_measurement_without_names_says_so() -> None:
    whole = comparison([system(WITHOUT), system(OURS)], result(MANY), result(FEW), names=("SmartBox",))
    assert list(missed_with_vocabulary("tiny", {"set": whole}, whole)) == [
        "tiny: nobody says a name of the glossary, so its recall was not measured"
    ]


def test_the_names_of_the_shipped_glossaries_are_said(tmp_path: Path) -> None:
    """Each name in a sentence of its own, and none of them in the others."""
    settings = load_settings(PROJECT / "config.yaml", ()).settings
    for name in glossary_names(settings):
        assert sum(f" {name} " in f" {line.strip('?.').replace(',', '')} " for line in WITH_NAMES), name
        assert not any(name.casefold() in line.casefold().split() for line in WITHOUT_NAMES), name


def test_the_parts_are_every_other_call_and_together_all() -> None:
    truths = {name: TrueCall(name=name, turns=()) for name in "cabed"}
    first, second = part_of(truths, "first"), part_of(truths, "second")
    assert (list(first), list(second)) == (["a", "c", "e"], ["b", "d"])
    assert part_of(truths, None).keys() == truths.keys()


def test_clips_with_the_reference_of_another_clip_are_corrected(tmp_path: Path) -> None:
    (tmp_path / "refs.json").write_text('{"sb_spk2_snt5.wav": "canned pears lack full flavor", "b.wav": "b"}')
    truths = truth_of(Material("set", tmp_path, tmp_path))
    assert truths["sb_spk2_snt5"].turns[0].text == CORRECTED["sb_spk2_snt5"]
    assert truths["b"].turns[0].text == "b"
