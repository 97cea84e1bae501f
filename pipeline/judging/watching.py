"""Calls that were drawn and corrected: their word error rates together, and when that is an alarm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipeline.intervals import Share, share
from pipeline.plurals import counted

Kind = Literal["all", "engine", "model", "agent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A drawn call, compared with its correction."""

    call_id: str
    night: date
    engine: str
    model: str
    agent_id: str | None
    doubtful: bool
    weight: float
    """How many calls it stands for."""
    words: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions


_GROUPS: Mapping[Kind, Callable[[Judged], str]] = {
    "all": lambda _: "",
    "engine": lambda call: call.engine,
    "model": lambda call: f"{call.engine} {call.model}",
    "agent": lambda call: call.agent_id or "",
}
KINDS: tuple[Kind, ...] = tuple(_GROUPS)


def groups_of(judged: Sequence[Judged], kind: Kind) -> dict[str, list[Judged]]:
    """Calls by engine, model or agent (empty: not known), or all of them; most calls first."""
    found: dict[str, list[Judged]] = {}
    for call in judged:
        found.setdefault(_GROUPS[kind](call), []).append(call)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def word_error_rate(judged: Sequence[Judged]) -> Share | None:
    """Each call counts for as many as it was drawn for, so that a sample with many doubtful calls tells of all."""
    return share(
        [call.weight * call.errors for call in judged], [call.weight * call.words for call in judged], seed=len(judged)
    )


def alarm_of(judged: Sequence[Judged], since: date, limit: float | None) -> str | None:
    """Why the word error rate of calls drawn since a day is an alarm: all of its interval is above `limit`."""
    rate = word_error_rate(judged)
    if limit is None or rate is None or not rate.surely_above(limit):
        return None
    return (
        f"word error rate {rate} over {counted(len(judged), 'corrected call')} drawn since {since}: surely above "
        f"watch.alarm_wer ({limit:g})"
    )
