"""What becomes of one recording: found, compared with what the database knows of it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pipeline.config.areas.run import Order, Reprocess
from pipeline.ports import CallStore
from pipeline.records import (
    SIDE_OF_CALL,
    CallForAnalysis,
    CallStatus,
    EngineIdentity,
    FoundCall,
    KnownCall,
    SkippedFile,
    StepState,
    Transcript,
)
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from pipeline.run.planning.recipes import Recipe, same_recipe
from pipeline.sources.addresses import file_path, zip_parts
from pipeline.sources.pairs import is_half_of

LOOKUP_SIZE = 1000

SKIPPED_FOR_CONTENT = frozenset({"not_audio", "too_short", "too_long"})
"""Reasons found in a recording itself: the same bytes are skipped again. What was skipped for its name, size or place
is taken once the source offers it: the settings have changed. (`--reprocess failed` looks at all of them again.)"""

StaleSteps = Callable[[Sequence[CallForAnalysis], Sequence[Mapping[str, str]]], Sequence[frozenset[str]]]
"""Calls, and for each the fingerprints of its usable results by step -> steps whose result is missing or not today's.
"""


def may_replace(known: KnownCall, identity: EngineIdentity, recipe: Recipe) -> bool:
    """A later-listed engine never replaces an earlier one's rows, nor a demonstration anything better."""
    if recipe.allow_downgrade or known.engine is None:
        return True
    if identity.demonstration and not known.engine_demonstration:
        return False
    ranks = {engine: rank for rank, engine in reversed(list(enumerate(recipe.engines)))}
    return ranks.get(identity.engine, len(ranks)) <= ranks.get(known.engine, len(ranks))


def decide(found: FoundCall, known: KnownCall | None, reprocess: Reprocess, recipe: Recipe) -> PlannedCall:
    """The action for one recording, as far as it can be told without its step fingerprints."""

    def planned(action: Action, forced: bool = False) -> PlannedCall:
        return PlannedCall(found=found, action=action, known=known, forced=forced)

    if known is None:
        return planned(Action.NEW)
    if known.status is CallStatus.DONE and found.lone_side is not None and is_half_of(found, known.etag):
        return planned(Action.UNCHANGED)  # the whole call is stored: half of it would be worse
    if _bytes_may_differ(found, known):
        return planned(Action.CHANGED)
    again = reprocess in (Reprocess.FAILED, Reprocess.ALL)
    if known.status is CallStatus.FAILED:
        return planned(Action.RETRY if again or known.error_transient else Action.QUARANTINED)
    if known.status is CallStatus.QUARANTINED:
        return planned(Action.RETRY if again else Action.QUARANTINED)
    if known.status is CallStatus.SKIPPED:
        still = known.error_type in SKIPPED_FOR_CONTENT and not again
        return planned(Action.SKIPPED if still else Action.RETRY)
    if reprocess is Reprocess.ALL:
        return planned(Action.TRANSCRIBE, forced=True)
    if known.status is not CallStatus.DONE or known.transcript_fingerprint is None:
        return planned(Action.RETRY)
    if recipe.first is not None and same_recipe(known, recipe.first, recipe):
        return planned(Action.UNCHANGED)
    return planned(Action.UNDECIDED)


def _bytes_may_differ(found: FoundCall, known: KnownCall) -> bool:
    return (
        found.size_bytes != known.size_bytes
        or found.modified_at != known.modified_at
        or (found.etag is not None and found.etag != known.etag)
    )


def settle(planned: PlannedCall, identity: EngineIdentity, recipe: Recipe) -> PlannedCall:
    """An undecided call, now that the engine that serves today is known."""
    assert planned.known is not None
    redo = not same_recipe(planned.known, identity, recipe) and may_replace(planned.known, identity, recipe)
    action = Action.TRANSCRIBE if redo else Action.UNCHANGED
    return replace(planned, action=action)


def with_steps(calls: Sequence[PlannedCall], stale_steps: StaleSteps, reprocess: Reprocess) -> list[PlannedCall]:
    """Unchanged calls, some of them now to be analysed: a step is stale, failed or missing, or all are to be redone."""
    stored = [_usable(call) if reprocess is not Reprocess.ANALYSIS else {} for call in calls]
    found = stale_steps([stub(call) for call in calls], stored)
    return [
        replace(call, action=Action.ANALYSE, steps=stale) if stale else call
        for call, stale in zip(calls, found, strict=True)
    ]


def _usable(call: PlannedCall) -> dict[str, str]:
    assert call.known is not None
    return {name: step.fingerprint for name, step in call.known.steps.items() if step.state is not StepState.FAILED}


def stub(call: PlannedCall) -> CallForAnalysis:
    """A stored call as far as step fingerprints need it."""
    known = call.known
    assert known is not None
    identity = _identity(
        engine=known.engine or "",
        model=known.engine_model or "",
        revision=known.engine_revision,
        options_hash=known.engine_options_hash or "",
        rank=known.engine_rank or 0,
        demonstration=bool(known.engine_demonstration),
    )
    return CallForAnalysis(
        call_id=known.call_id,
        audio_sha256=known.audio_sha256 or "",
        duration_s=known.duration_s or 0.0,
        metadata=call.found.metadata,
        transcript=Transcript(
            fingerprint=known.transcript_fingerprint or "", identity=identity, language=None, chunks=()
        ),
        audio=(),
    )


@functools.lru_cache(maxsize=64)
def _identity(
    *, engine: str, model: str, revision: str | None, options_hash: str, rank: int, demonstration: bool
) -> EngineIdentity:
    """One object for many calls: they travel to the analysis process together, and it is pickled once."""
    return EngineIdentity(
        engine=engine,
        model=model,
        revision=revision,
        options_hash=options_hash,
        rank=rank,
        demonstration=demonstration,
    )


def in_order(offered: Iterable[FoundCall | SkippedFile], plan: Plan, order: Order, seed: int) -> list[FoundCall]:
    """Recordings in the order of work; skipped files go into the plan."""
    import random

    calls: list[FoundCall] = []
    for item in offered:
        if isinstance(item, FoundCall):
            calls.append(item)
            plan.uris.add(item.source_uri)
            plan.second_files.update(file.source_uri for file in item.files[1:])
        elif item.waiting:
            plan.waiting.append(item)
        else:
            plan.skipped.append(item)
    calls.sort(key=lambda call: (_age_key(call), call.source_uri), reverse=order is Order.NEWEST)
    if order is Order.SHUFFLE:
        random.Random(seed).shuffle(calls)  # noqa: S311 - an order, not a secret
    return calls


def _age_key(call: FoundCall) -> datetime:
    moment = call.metadata.started_at or call.modified_at or datetime.min
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def look_up(calls: Sequence[FoundCall], store: CallStore, reprocess: Reprocess, recipe: Recipe) -> list[PlannedCall]:
    """Decide on every recording, a thousand look-ups per round trip."""
    decided: list[PlannedCall] = []
    for start in range(0, len(calls), LOOKUP_SIZE):
        batch = calls[start : start + LOOKUP_SIZE]
        known = store.known_calls([file.source_uri for call in batch for file in call.files])
        for call in batch:
            planned = decide(call, known.get(call.source_uri), reprocess, recipe)
            others = [known[file.source_uri] for file in call.files[1:] if file.source_uri in known]
            apart = tuple(other for other in others if other.error_type != SIDE_OF_CALL)
            decided.append(replace(planned, other_sides=apart) if apart else planned)
    return decided


def within_limit(plan: Plan, limit: int | None) -> None:
    """Leave what is beyond `limit` for a later run."""
    if limit is not None and len(plan.to_do) > limit:
        plan.beyond_limit += plan.to_do[limit:]
        del plan.to_do[limit:]


def leave(plan: Plan, addresses: Collection[str]) -> None:
    """Leave calls of these addresses for a later run."""
    plan.beyond_limit += [call for call in plan.to_do if call.found.source_uri in addresses]
    plan.to_do = [call for call in plan.to_do if call.found.source_uri not in addresses]


def is_gone(source_uri: str) -> bool:
    """Whether nothing is left at a local address. Where that cannot be told (remote, unreadable, unmounted): False."""
    if source_uri.startswith("file://"):
        path = file_path(source_uri)
    elif source_uri.startswith("zip://"):
        path = zip_parts(source_uri)[0]
    else:
        return False
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def needs_audio(call: PlannedCall, steps_on_audio: Collection[str]) -> bool:
    """Whether the recording itself must be read: always, except for an analysis of words alone."""
    if call.action is not Action.ANALYSE or call.steps is None:
        return True
    return not call.steps.isdisjoint(steps_on_audio)
