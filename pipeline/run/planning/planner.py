"""The planning of a run and of a dry run: the same questions in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice

from pipeline.children.worker import TaskServer
from pipeline.config.areas.run import RunSettings
from pipeline.ports import CallStore
from pipeline.records import EngineIdentity, FoundCall, SkippedFile
from pipeline.run.planning.decisions import (
    LOOKUP_SIZE,
    StaleSteps,
    decide,
    in_order,
    look_up,
    settle,
    with_steps,
    within_limit,
)
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from pipeline.run.planning.recipes import Recipe
from pipeline.run.processes.analyser import StaleTask


def asked_of(analyser: TaskServer, limit_s: float) -> StaleSteps:
    """Which stored results are not today's, from the analysis process."""
    return lambda calls, stored: analyser.call(StaleTask(tuple(calls), tuple(stored)), limit_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Decides on every recording offered."""

    settings: RunSettings
    recipe: Recipe
    store: CallStore | None
    """None where no run has made the database yet: nothing is known."""
    stale_steps: StaleSteps
    recogniser: Callable[[], EngineIdentity] | None = None
    """Loads today's recogniser where a decision depends on it. None: such calls stay undecided."""
    look_round: Callable[[], None] = lambda: None
    """Called now and then; may raise to end the planning."""

    def plan(self, offered: Iterable[FoundCall | SkippedFile]) -> Plan:
        """Plan all that is offered. An undecided call names in `steps` those that must be done again in any case."""
        plan = Plan()
        calls = in_order(self._not_erased(self._watched(offered), plan), plan, self.settings.order, self.settings.seed)
        decided: list[PlannedCall] = []
        for start in range(0, len(calls), LOOKUP_SIZE):  # of what is unchanged only the number is kept
            self.look_round()
            for call in self._with_stale_steps(self._looked_up(calls[start : start + LOOKUP_SIZE]), Action.UNCHANGED):
                if call.action is Action.UNCHANGED:
                    plan.add(call)
                else:
                    decided.append(call)
        for call in sorted(self._settled(decided), key=lambda call: call.action is Action.TRANSCRIBE):
            plan.add(call)  # what is new comes first
        within_limit(plan, self.settings.limit)
        return plan

    def _settled(self, decided: list[PlannedCall]) -> list[PlannedCall]:
        """With the undecided decided, where the recogniser may be loaded, and their stale steps found."""
        if self.recogniser is not None and any(call.action is Action.UNDECIDED for call in decided):
            identity = self.recogniser()
            decided = [settle(c, identity, self.recipe) if c.action is Action.UNDECIDED else c for c in decided]
        checked: list[PlannedCall] = []
        for start in range(0, len(decided), LOOKUP_SIZE):
            self.look_round()
            some = decided[start : start + LOOKUP_SIZE]
            checked += self._with_stale_steps(some, Action.UNCHANGED, Action.UNDECIDED)
        return checked

    def _watched(self, offered: Iterable[FoundCall | SkippedFile]) -> Iterable[FoundCall | SkippedFile]:
        for item in offered:
            self.look_round()
            yield item

    def _not_erased(self, offered: Iterable[FoundCall | SkippedFile], plan: Plan) -> Iterable[FoundCall | SkippedFile]:
        """Without recordings that were erased and still lie there; they are not even skipped: that would name them."""
        if self.store is None:
            yield from offered
            return
        items = iter(offered)
        while some := list(islice(items, LOOKUP_SIZE)):
            gone = self.store.erased(some)
            plan.erased += len(gone)
            yield from (item for item in some if item.source_uri not in gone)

    def _looked_up(self, calls: list[FoundCall]) -> list[PlannedCall]:
        if self.store is None:
            return [decide(call, None, self.settings.reprocess, self.recipe) for call in calls]
        return look_up(calls, self.store, self.settings.reprocess, self.recipe)

    def _with_stale_steps(self, decided: list[PlannedCall], *actions: Action) -> list[PlannedCall]:
        """Plan the analysis of calls whose transcript may stay but whose prompt, glossary or model has changed.

        `actions`: of the calls that are asked about. An undecided one stays undecided.
        """
        places = [index for index, c in enumerate(decided) if c.action in actions and not c.lost_a_side]
        if not places:
            return decided
        checked = with_steps([decided[index] for index in places], self.stale_steps, self.settings.reprocess)
        found = list(decided)
        for index, call in zip(places, checked, strict=True):
            undecided = decided[index].action is Action.UNDECIDED
            found[index] = replace(call, action=Action.UNDECIDED) if undecided else call
        return found
