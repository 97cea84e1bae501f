"""The account at the end of a run: what the folder holds compared with what the database holds.

found (from the source) = done + unchanged + failed + skipped + waiting + quarantined + left (all from the database's
rows, except what gets no row: files still being written, and calls left for a later run). A call that the stages lost,
or whose row was never written, is in none of these, and the sum does not add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.records import ERASED, CallStatus, SkippedFile, StoredOutcome
from pipeline.run.planning.plan import Plan
from pipeline.run.tally import Tally
from pipeline.sources.source import NOT_A_CALL

COUNTED = ("done", "unchanged", "failed", "skipped", "waiting", "quarantined", "left")
_UNTOUCHED = {
    CallStatus.DONE: "unchanged",
    CallStatus.SKIPPED: "skipped",
    CallStatus.FAILED: "quarantined",
    CallStatus.QUARANTINED: "quarantined",
}
"""How to count a recording that the run left alone, known failures among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The account, and what is wrong with it."""

    counts: Mapping[str, int]
    """`found` and COUNTED."""
    unaccounted: tuple[str, ...] = ()
    """Addresses the source offered for which the database has nothing that fits."""
    disagreements: tuple[str, ...] = ()
    """Where the counts of the stages and of the database differ."""

    @property
    def adds_up(self) -> bool:
        balanced = self.counts["found"] == sum(self.counts[name] for name in COUNTED)
        return balanced and not self.unaccounted and not self.disagreements

    @property
    def faults(self) -> tuple[str, ...]:
        """A line each, for a person."""
        found, rest = self.counts["found"], sum(self.counts[name] for name in COUNTED)
        lines = [f"found {found}, accounted for {rest}"] if found != rest else []
        lines += [f"{uri}: the database has no result for it, and no reason" for uri in self.unaccounted]
        return (*lines, *self.disagreements)


def addresses(plan: Plan) -> list[str]:
    """All of which the database should have a row."""
    return [*plan.uris, *(item.source_uri for item in skipped_recordings(plan))]


def reconcile(plan: Plan, tally: Tally, stored: Mapping[str, StoredOutcome], interrupted: bool) -> Reconciliation:
    """Compare the plan's recordings with the rows `stored` at `addresses(plan)`.

    Args:
        interrupted: the run stopped before its end; what it had not finished counts as `left`.
    """
    judge = _Judge(plan, tally, stored, interrupted)
    counts: Counter[str] = Counter()
    unaccounted = []
    for uri in sorted(plan.uris):
        name = judge.of_call(uri)
        if name is None:
            unaccounted.append(uri)
        else:
            counts[name] += 1
    for item in plan.skipped:
        if item.reason in NOT_A_CALL or item.source_uri in stored:
            counts["skipped"] += 1
        else:
            unaccounted.append(item.source_uri)
    counts["waiting"] += len(plan.waiting)
    account = {"found": plan.found, **{name: counts[name] for name in COUNTED}}
    return Reconciliation(
        counts=account, unaccounted=tuple(unaccounted), disagreements=_disagreements(account, plan, tally)
    )


class _Judge:
    def __init__(self, plan: Plan, tally: Tally, stored: Mapping[str, StoredOutcome], interrupted: bool) -> None:
        self._stored = stored
        self._interrupted = interrupted
        self._to_do = {call.found.source_uri for call in plan.to_do}
        self._beyond_limit = {call.found.source_uri for call in plan.beyond_limit}
        self._skipped_now = {item.source_uri for item in tally.skipped_files}
        self._erased = {item.source_uri for item in tally.skipped_files if item.reason == ERASED}
        self._kept = set(tally.kept)

    def of_call(self, uri: str) -> str | None:
        """What a recording counts as; None when nothing stored explains what became of it."""
        if uri in self._erased:
            return "skipped"
        row = self._stored.get(uri)
        if uri in self._beyond_limit:
            return "left"
        if uri not in self._to_do:
            return _UNTOUCHED.get(row.status) if row else None
        return (self._of_worked_on(uri, row) if row else None) or ("left" if self._interrupted else None)

    def _of_worked_on(self, uri: str, row: StoredOutcome) -> str | None:
        if uri in self._skipped_now:
            return "skipped"
        if uri in self._kept:
            return "unchanged"
        if not row.by_this_run:
            return None
        if row.failing:
            return "failed"
        return "done" if row.status is CallStatus.DONE else None


def _disagreements(counts: Mapping[str, int], plan: Plan, tally: Tally) -> tuple[str, ...]:
    counted = {
        "done": tally.done,
        "failed": tally.failed,
        "skipped": tally.skipped + len(plan.skipped_before) + len(plan.skipped),
    }
    return tuple(
        f"the stages counted {number} {name}, the database holds {counts[name]}"
        for name, number in counted.items()
        if number != counts[name]
    )


def skipped_recordings(plan: Plan) -> list[SkippedFile]:
    """Skipped files that are recordings: these get rows, other files do not."""
    return [item for item in plan.skipped if item.reason not in NOT_A_CALL]
