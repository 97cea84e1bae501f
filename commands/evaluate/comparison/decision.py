"""From figures to a recommendation, by rules that are written down: what a person may weigh differently is in the
trade-offs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from commands.evaluate.comparison.figures import ComparedSystems, SystemFigures
from commands.evaluate.comparison.systems import PLAIN, System
from pipeline.intervals import LEAST_GROUPS, Share
from pipeline.judging.scores import FIGURES, HIGHER_IS_BETTER
from pipeline.plurals import counted

NOT_WORSE = 0.01
"""A system is as good as another where its word error rate is surely less than a point higher."""
CHEAPER = 0.8
"""It is clearly cheaper where it takes at most this share of the processor seconds; of the money where a service does
the work of one of them."""
ENOUGH_CALLS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, why, and what speaks against it. Sentences for a person."""

    in_use: str | None
    """The first configuration named; None where only the baseline was run."""
    choice: str | None
    """The system to use; None where nothing can be said."""
    recommendation: str
    reasons: tuple[str, ...]
    trade_offs: tuple[str, ...]
    cautions: tuple[str, ...]


def decide(found: ComparedSystems, systems: Sequence[System]) -> Decision:
    """Fewer errors beyond noise decide; where errors are the same within noise, clearly less work decides."""
    configurations = [system.name for system in systems if not system.plain]
    in_use = configurations[0]
    if not found.calls:
        return Decision(
            in_use=in_use, choice=None, recommendation="Nothing can be said: no call was transcribed by all systems.",
            reasons=(), trade_offs=(), cautions=(),
        )  # fmt: skip
    choice, recommendation = _chosen(found, configurations)
    if len(configurations) == 1:
        recommendation = _against_the_baseline(found, choice)
    return Decision(
        in_use=in_use,
        choice=choice,
        recommendation=recommendation,
        reasons=tuple(_reasons(found, systems)),
        trade_offs=tuple(_trade_offs(found, choice, [name for name in configurations if name != choice])),
        cautions=tuple(_cautions(found, systems, choice)),
    )


def _chosen(found: ComparedSystems, configurations: Sequence[str]) -> tuple[str, str]:
    in_use, *others = configurations
    if not others:
        return in_use, ""
    better = [name for name in others if _surely_below(found.difference(name, in_use, "wer"), 0.0)]
    if better:
        best = min(better, key=lambda name: _value(found.of(name), "wer"))
        return best, f"Change to {best}: it makes fewer errors than {in_use}, and the difference is beyond noise."
    cheaper = [
        name
        for name in others
        if _surely_below(found.difference(name, in_use, "wer"), NOT_WORSE) and _effort(found, name, in_use).cheaper
    ]
    if cheaper:
        best = min(cheaper, key=lambda name: _effort(found, name, in_use).ratio)
        share = _effort(found, best, in_use)
        return best, f"Change to {best}: it is no more than a point of word error rate worse, and takes {share}."
    worse = [name for name in others if _surely_above(found.difference(name, in_use, "wer"))]
    if len(worse) == len(others):
        return in_use, f"Keep {in_use}: the {'other makes' if len(others) == 1 else 'others make'} more errors."
    return in_use, f"Keep {in_use}: no other is better beyond noise."


def _against_the_baseline(found: ComparedSystems, name: str) -> str:
    """Of the only configuration: what there is to say without another one to change to."""
    difference = found.difference(name, PLAIN, "wer")
    if _surely_above(difference):
        return f"Do not rely on {name} yet: it makes more errors than the library inside it, beyond noise."
    if _surely_below(difference, 0.0):
        return f"Keep {name}: it makes fewer errors than the library inside it, beyond noise."
    if difference is None or difference.groups < LEAST_GROUPS:
        return f"Keep {name} for now: {counted(len(found.calls), 'call')} cannot show whether it hears better or worse."
    return f"Keep {name}: its errors and those of the library inside it are the same within noise."


def _reasons(found: ComparedSystems, systems: Sequence[System]) -> Iterator[str]:
    first, *others = (system.name for system in systems)
    for name in others:
        yield f"{name} against {first}, word error rate: {verdict(found.difference(name, first, 'wer'), 'wer')}."
        effort = _effort(found, name, first)
        if effort.known:
            yield f"{name} takes {effort} of {first} for recognition."


def verdict(value: Share | None, figure: str) -> str:
    """A difference in words, with its interval."""
    if value is None:
        return "not measured"
    if value.low is None:
        return f"{value.value:+.4f}; one call says nothing about others"
    shown = f"{value.value:+.4f} [{value.low:+.4f}, {value.high:+.4f}]"
    if value.groups < LEAST_GROUPS:
        return f"{shown}; under {LEAST_GROUPS} calls nothing is beyond noise"
    if not value.beyond_noise:
        return f"{shown}, within noise"
    good = (value.value > 0) == (figure in HIGHER_IS_BETTER)
    return f"{shown}, {'better' if good else 'worse'} beyond noise"


def _trade_offs(found: ComparedSystems, choice: str, others: Sequence[str]) -> Iterator[str]:
    """Where the choice is worse beyond noise, and what it costs."""
    for other in others:
        for figure, title in FIGURES.items():
            difference = found.difference(choice, other, figure)
            worse = difference is not None and (difference.value > 0) != (figure in HIGHER_IS_BETTER)
            if difference is not None and difference.beyond_noise and worse:
                yield f"{choice} is worse than {other} in: {title}, {verdict(difference, figure)}."
        yield from _dearer(found, choice, other)


def _dearer(found: ComparedSystems, choice: str, other: str) -> Iterator[str]:
    """What the choice takes more of: work or money, time on the clock, memory; and what it may cost."""
    own, theirs = found.of(choice).effort, found.of(other).effort
    if (less := _effort(found, other, choice)).cheaper:
        errors = found.difference(other, choice, "wer")
        worst = None if errors is None else errors.high
        may_be = "may be any: one call shows nothing" if worst is None else f"may be up to {max(0, worst):.3f} higher"
        yield f"{other} takes {less} of {choice}; its word error rate {may_be}."
    if own.usd_per_audio_hour is not None and theirs.usd_per_audio_hour is not None:
        if own.usd_per_audio_hour > theirs.usd_per_audio_hour / CHEAPER:
            yield (
                f"{choice} costs {own.usd_per_audio_hour:.4f} US dollars per audio hour where {other} costs "
                f"{theirs.usd_per_audio_hour:.4f}."
            )
    elif own.by_service and own.usd_per_audio_hour is None:
        yield f"{choice} sends audio to a service, and what it costs is not known (usd_per_minute)."
    slow, quick = own.real_time_factor_p50, theirs.real_time_factor_p50
    if slow and quick and slow > quick / CHEAPER:
        yield (
            f"{choice} takes {60 * slow:.1f} s on the clock for a minute of call where {other} takes "
            f"{60 * quick:.1f} s."
        )
    memory, smaller = own.peak_memory_bytes, theirs.peak_memory_bytes
    if memory and smaller and memory > smaller / CHEAPER:
        yield f"{choice} needs {memory / 1e9:.1f} GB of memory where {other} needs {smaller / 1e9:.1f} GB."


def _cautions(found: ComparedSystems, systems: Sequence[System], choice: str) -> Iterator[str]:
    if len(found.calls) < ENOUGH_CALLS:
        yield (
            f"Only {counted(len(found.calls), 'call')}: small differences cannot be told from noise. "
            f"{ENOUGH_CALLS} and more make the intervals useful."
        )
    if (
        len(systems) > 2
        and any(system.plain for system in systems)
        and _surely_above(found.difference(choice, PLAIN, "wer"))
    ):
        yield (
            f"{choice} makes more errors than the library inside it ({PLAIN}), beyond noise: something around the "
            "recogniser costs words."
        )
    for system in found.systems:
        if len(system.recognisers) > 1:
            several = counted(len(system.recognisers), "recogniser")
            yield f"{system.name} used {several}: {'; '.join(system.recognisers)}."
        if system.reused:
            yield (
                f"{system.name}: {counted(system.reused, 'transcript')} made earlier "
                f"({system.effort.calls} of {len(found.calls)} with measured effort)."
            )
        if len(system.effort.machines) > 1:
            yield f"{system.name} was measured on several machines: {'; '.join(system.effort.machines)}."
    if found.left_out:
        yield f"{counted(len(found.left_out), 'call')} with truth could not be compared; the report lists them."


def _value(system: SystemFigures, figure: str) -> float:
    value = system.figures[figure]
    return float("inf") if value is None else value.value


@dataclass(frozen=True, slots=True)
class _Effort:
    """What one system takes of what another one takes."""

    ratio: float
    """Infinite where it is not known."""
    of: str

    def __str__(self) -> str:
        return f"{self.ratio:.0%} of the {self.of}" if self.ratio < 2 else f"{self.ratio:.1f} times the {self.of}"

    @property
    def known(self) -> bool:
        return self.ratio != float("inf")

    @property
    def cheaper(self) -> bool:
        return self.ratio <= CHEAPER


def _effort(found: ComparedSystems, system: str, other: str) -> _Effort:
    """Processor seconds of recognition per audio hour; money where these are not the work of both."""
    efforts = found.of(system).effort, found.of(other).effort
    if any(effort.by_service for effort in efforts):
        own, theirs = (effort.usd_per_audio_hour for effort in efforts)
        unit = "cost"
    else:
        own, theirs = (effort.processor_s_per_audio_hour for effort in efforts)
        unit = "processor time"
    return _Effort(own / theirs if own is not None and theirs else float("inf"), unit)


def _surely_below(value: Share | None, limit: float) -> bool:
    return value is not None and value.surely_below(limit)


def _surely_above(value: Share | None) -> bool:
    return value is not None and value.surely_above(0)
