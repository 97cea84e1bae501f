"""What a dry run's table says, its length in hours, its time and its cost, without a run."""

from __future__ import annotations

import io
from collections import Counter

import pytest

from commands.console import Terminal
from commands.run.dry_run import _cost as cost_told
from commands.run.dry_run import _Past as Past
from commands.run.dry_run import _table as plan_table
from commands.run.dry_run import _time as time_told
from commands.run.estimate import Sound
from db.queries.runs import Cost
from pipeline.config.root import Settings
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from tests.commands.report.test_attention import found, skipped


def shown(plan: Plan, sound: Sound) -> list[list[str]]:
    """The words of each line."""
    file = io.StringIO()
    Terminal(file, width=150).print(plan_table(plan, sound))
    return [" ".join(line.strip("│┃┏┡└┗ ").replace("│", " ").split()).split() for line in file.getvalue().splitlines()]


def test_every_count_that_is_not_nothing_has_a_line() -> None:
    plan = Plan()
    kinds = (Action.NEW, Action.NEW, Action.ANALYSE, Action.UNCHANGED, Action.SKIPPED, Action.QUARANTINED)
    for number, action in enumerate(kinds):
        plan.uris.add(str(number))
        plan.add(PlannedCall(found=found(f"{number}.wav"), action=action))
    plan.skipped += [skipped("x.txt", "other_type"), skipped("y.wav", "empty"), skipped("z.wav", "empty")]
    lines = [
        " ".join(words) for words in shown(plan, Sound(audio_s=5400.0, ruled_out=Counter(too_long=4), how="by size"))
    ]
    for line in (
        "new 2", "analyse 1", "unchanged 1", "quarantined 1", "skipped before 1", "skipped: empty 2",
        "skipped: other_type 1", "would not be processed: too_long 4",
    ):  # fmt: skip
        assert line in lines, lines
    assert not any(line.startswith(("undecided", "left by", "still being")) for line in lines)
    assert f"1.50 hours of recordings to read (by size); {plan.found} found" in " ".join(lines)
    unknown = [" ".join(words) for words in shown(Plan(), Sound(audio_s=None))]
    assert "an unknown length of recordings to read; 0 found" in " ".join(unknown)


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (None, "cost: no paid provider has been used so far"),
        (Cost(calls=0, cost_usd=0.0), "cost: no paid provider has been used so far"),
        (Cost(calls=4, cost_usd=0.1), "cost: about 0.25 USD at 0.0250 USD a call so far"),
    ],
)
def test_a_cost_is_told_where_something_was_paid(cost: Cost | None, said: str) -> None:
    assert cost_told(10, Past(cost=cost)) == said


@pytest.mark.parametrize(
    ("audio_s", "said"),
    [(None, "time: not known, since the recordings' length is not"), (0.0, "time: nothing is to be transcribed")],
)
def test_no_time_is_invented(audio_s: float | None, said: str) -> None:
    assert time_told(Settings(), Sound(audio_s=audio_s), Past()) == [said]
