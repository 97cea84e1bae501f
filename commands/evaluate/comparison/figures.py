"""From what each system heard to figures with intervals, paired call by call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from commands.evaluate.comparison.kept import Effort
from commands.evaluate.comparison.running import SystemResult, Transcribed
from commands.evaluate.comparison.systems import System
from pipeline.config.areas.speech.prices import NO_SERVICE, Price
from pipeline.intervals import Share, difference
from pipeline.judging.pooled import pooled, ratios
from pipeline.judging.scores import FIGURES, CallScore, HeardCall, score_call
from pipeline.judging.truth import TrueCall, Truth
from pipeline.judging.word_error import Confusion, confusions

_MOST_CONFUSIONS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class EffortFigures:
    """What the transcripts took. None where nothing of the kind was measured."""

    calls: int
    """Whose making was measured."""
    audio_s: float
    processor_s: float | None = None
    """Of the recogniser's process."""
    other_processor_s: float | None = None
    """Decoding and voice activity."""
    processor_s_per_audio_hour: float | None = None
    real_time_factor_p50: float | None = None
    """Wall seconds of recognition per second of call, median over calls; depends on what else the machine did."""
    real_time_factor_p95: float | None = None
    peak_memory_bytes: int | None = None
    """All processes of the run together."""
    usd_per_audio_hour: float | None = None
    """What a service charges for the recordings, and the machine's price while it recognises, one call after the other;
    None where one of the two is not configured."""
    by_service: bool = False
    """Whether a service made some of them: processor seconds are then not all of the work."""
    machines: tuple[str, ...] = ()
    made_between: tuple[str, str] | None = None
    """Oldest and newest of the transcripts, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFigures:
    """One system on the calls that all systems transcribed."""

    name: str
    path: str
    """Of the configuration; empty for the baseline."""
    what_it_is: str
    recognisers: tuple[str, ...]
    """Engine, model and revision of its transcripts; more than one where it fell back."""
    figures: Mapping[str, Share | None]
    """By name (`FIGURES`)."""
    effort: EffortFigures
    confusions: tuple[Confusion, ...]
    reused: int
    """Transcripts that were there already."""
    failures: Mapping[str, str]
    notices: tuple[str, ...]
    reasons: Mapping[str, str]
    """Why a figure is missing, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedSystems:
    """Systems on the same calls; the first is the one the others are compared with."""

    calls: tuple[str, ...]
    words: int
    """Said, after normalising."""
    systems: tuple[SystemFigures, ...]
    left_out: Mapping[str, str]
    """Calls with truth that are not compared, and why."""
    languages: Mapping[str, int]
    """Calls by language of the normaliser."""
    seed: int
    scores: Mapping[str, Mapping[str, CallScore]] = field(repr=False)
    """By system and call."""

    def of(self, name: str) -> SystemFigures:
        return next(system for system in self.systems if system.name == name)

    def difference(self, system: str, other: str, figure: str) -> Share | None:
        """The first system's figure less the second's; None where there is nothing to compare."""
        if not self.calls:
            return None
        own, others = (ratios((self.scores[name][call] for call in self.calls), figure) for name in (system, other))
        return difference(own, others, self.seed)


def compared(
    systems: Sequence[System],
    results: Mapping[str, SystemResult],
    truths: Mapping[str, TrueCall],
    *,
    names: Sequence[str] = (),
    language: str | None = None,
    seed: int = 0,
) -> ComparedSystems:
    """Judge all systems on the calls that each of them transcribed.

    Args:
        truths: by name of call.
        names: glossary names whose recall is measured.
        language: of the normaliser for calls whose truth names none; None: the language that most systems heard.
    """
    shared = sorted(set(truths).intersection(*(results[system.name].calls for system in systems)))
    languages = {
        name: truths[name].language or language or _heard_language(name, [results[s.name] for s in systems])
        for name in shared
    }
    scores = {
        system.name: {
            name: score_call(results[system.name].calls[name].heard, truths[name], languages[name], names)
            for name in shared
        }
        for system in systems
    }
    first = scores[systems[0].name]
    return ComparedSystems(
        calls=tuple(shared),
        words=sum(score.words.reference_words for score in first.values()),
        systems=tuple(
            _of_system(system, results[system.name], scores[system.name], shared, seed) for system in systems
        ),
        left_out={name: _why_left_out(name, systems, results) for name in sorted(set(truths) - set(shared))},
        languages=Counter(code or "unknown" for code in languages.values()),
        seed=seed,
        scores=scores,
    )


def truths_of(truth: Truth) -> dict[str, TrueCall]:
    """All calls of a truth, by name. Raises ConfigurationError for a file of another form."""
    found = {name: truth.of(name) for name in sorted(truth.names)}
    return {name: call for name, call in found.items() if call is not None}


def _heard_language(name: str, results: Sequence[SystemResult]) -> str | None:
    heard = Counter(language for result in results if (language := result.calls[name].heard.language))
    return heard.most_common(1)[0][0] if heard else None


def _why_left_out(name: str, systems: Sequence[System], results: Mapping[str, SystemResult]) -> str:
    if all(name not in results[system.name].calls | results[system.name].failures for system in systems):
        return "no such recording"
    reasons = [
        f"{system.name}: {results[system.name].failures.get(name, 'no transcript')}"
        for system in systems
        if name not in results[system.name].calls
    ]
    return "; ".join(reasons)


def _of_system(
    system: System, result: SystemResult, scores: Mapping[str, CallScore], calls: Sequence[str], seed: int
) -> SystemFigures:
    heard = [result.calls[name].heard for name in calls]
    recognisers = Counter(
        f"{identity.engine}, {identity.model}@{(identity.revision or 'no revision')[:15]}" for identity in heard
    )
    reasons = {figure: why for score in scores.values() for figure, why in score.reasons.items()}
    return SystemFigures(
        name=system.name,
        path=system.path,
        what_it_is=system.what_it_is,
        recognisers=tuple(name for name, _ in recognisers.most_common()),
        figures={name: pooled([scores[call] for call in calls], name, seed) for name in FIGURES},
        effort=replace(
            _effort([result.calls[name].effort for name in calls]),
            usd_per_audio_hour=_usd_per_audio_hour(system, [result.calls[name] for name in calls]),
            by_service=any(_price(system, identity) is not NO_SERVICE for identity in heard),
        ),
        confusions=tuple(
            confusions(
                ((name, side.alignment) for name, score in scores.items() for side in score.sides), _MOST_CONFUSIONS
            )
        ),
        reused=sum(result.calls[name].reused for name in calls),
        failures=dict(result.failures),
        notices=tuple(result.notices),
        reasons=reasons,
    )


def _effort(efforts: Sequence[Effort | None]) -> EffortFigures:
    measured = [effort for effort in efforts if effort is not None]
    audio_s = sum(effort.audio_s for effort in measured)
    if not measured or not audio_s:
        return EffortFigures(calls=0, audio_s=0.0)
    processor_s = sum(effort.processor_s for effort in measured)
    other_s = sum(effort.other_processor_s for effort in measured)
    factors = [effort.wall_s / effort.audio_s for effort in measured if effort.audio_s]
    median, slow = (float(value) for value in np.percentile(factors, (50, 95)))
    made = sorted(effort.made_at for effort in measured)
    return EffortFigures(
        calls=len(measured),
        audio_s=audio_s,
        processor_s=processor_s,
        other_processor_s=other_s,
        processor_s_per_audio_hour=3600 * processor_s / audio_s,
        real_time_factor_p50=median,
        real_time_factor_p95=slow,
        peak_memory_bytes=max(effort.peak_memory_bytes for effort in measured),
        machines=tuple(sorted({effort.machine for effort in measured})),
        made_between=(made[0], made[-1]),
    )


def _usd_per_audio_hour(system: System, calls: Sequence[Transcribed]) -> float | None:
    costs = [_usd_of(system, call) for call in calls]
    audio_s = sum(call.heard.duration_s for call in calls)
    known = [cost for cost in costs if cost is not None]
    return 3600 * sum(known) / audio_s if audio_s and len(known) == len(costs) else None


def _usd_of(system: System, call: Transcribed) -> float | None:
    """Of one call; None where its price is unknown. A service is paid for the whole recording."""
    hourly = system.settings.reporting.machine_usd_per_hour
    machine = None if hourly is None or call.effort is None else hourly * call.effort.wall_s / 3600
    price = _price(system, call.heard)
    if price is NO_SERVICE:
        return machine
    channels = len({chunk.channel for chunk in call.heard.chunks}) or 1
    charged = price.cost_usd(call.heard.duration_s, channels)
    return None if charged is None else charged + (machine or 0.0)


def _price(system: System, heard: HeardCall) -> Price:
    return NO_SERVICE if system.plain else system.settings.transcription.price(heard.engine)
