"""Is this run unlike the last ones? Tests on counts and means, each call taken as one independent observation.

Words per minute: Welch's t-test. Share of calls without a word: two-proportion z-test. Mix of sentiments and of topics:
Pearson's chi-squared test of homogeneity, labels expected under five times pooled. All tests of a run together keep the
configured significance by Holm's method (Holm 1979). Over many calls every trifle is significant, so a change must also
be at least what Cohen (1988) calls small: d and h of 0.2, w of 0.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.config.areas.reporting import ReportSettings

SMALL = {"d": 0.2, "h": 0.2, "w": 0.1}
_EXPECTED = 5.0
OTHER = "(rare ones together)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One comparison of now with before."""

    what: str
    method: str
    now: str
    before: str
    p_value: float | None
    """Two-sided, before Holm; None where there is too little to compare."""
    effect: float | None
    effect_name: str
    reason: str | None = None
    """The reason for a missing p-value."""


def compare(
    now: Mapping[str, Any], before: Sequence[Mapping[str, Any]], options: ReportSettings
) -> list[dict[str, Any]]:
    """Each test with `drift`: whether it is to be reported. `now` and `before` are `quality` of reports."""
    calls_before = sum(int(run["calls"]) for run in before)
    if not before or min(int(now["calls"]), calls_before) < options.drift_min_calls:
        return []
    tests = [
        _words(now, before),
        _empty(now, before),
        _mix("sentiment of the customer", now, before, "sentiment"),
        _mix("topics", now, before, "topics"),
    ]
    rejected = holm([test.p_value for test in tests], options.drift_significance)
    return [
        {
            **asdict(test),
            "drift": significant and test.effect is not None and abs(test.effect) >= SMALL[test.effect_name],
        }
        for test, significant in zip(tests, rejected, strict=True)
    ]


def _words(now: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> Test:
    here, there = _moments([now]), _moments(before)
    text = [f"{m[1]:.0f} a minute in {m[0]} calls" if m else "none" for m in (here, there)]
    p_value, effect = welch(here, there) if here and there else (None, None)
    return Test(
        what="words per minute",
        method="Welch's t-test",
        now=text[0],
        before=text[1],
        p_value=p_value,
        effect=effect,
        effect_name="d",
        reason=None if p_value is not None else "under two calls with speech on one side",
    )


def _moments(runs: Sequence[Mapping[str, Any]]) -> tuple[int, float, float] | None:
    """Calls, mean and variance over all runs together; None under two calls."""
    parts = [run["words_per_minute"] for run in runs if run.get("words_per_minute", {}).get("calls")]
    n = sum(int(part["calls"]) for part in parts)
    if n < 2:
        return None
    mean = sum(part["calls"] * part["mean"] for part in parts) / n
    squares = sum((part["calls"] - 1) * (part["variance"] or 0.0) for part in parts)
    squares += sum(part["calls"] * (part["mean"] - mean) ** 2 for part in parts)
    return n, mean, squares / (n - 1)


def welch(a: tuple[int, float, float], b: tuple[int, float, float]) -> tuple[float | None, float | None]:
    """p-value and Cohen's d of two samples given as (n, mean, variance)."""
    from scipy.special import stdtr

    error = a[2] / a[0] + b[2] / b[0]
    if error <= 0:
        return (1.0 if a[1] == b[1] else 0.0), (0.0 if a[1] == b[1] else math.inf)
    degrees = error**2 / ((a[2] / a[0]) ** 2 / (a[0] - 1) + (b[2] / b[0]) ** 2 / (b[0] - 1))
    t = (a[1] - b[1]) / math.sqrt(error)
    pooled = ((a[0] - 1) * a[2] + (b[0] - 1) * b[2]) / (a[0] + b[0] - 2)
    return float(2 * stdtr(degrees, -abs(t))), (a[1] - b[1]) / math.sqrt(pooled)


def _empty(now: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> Test:
    k1, n1 = int(now["empty"]), int(now["calls"])
    k2, n2 = sum(int(run["empty"]) for run in before), sum(int(run["calls"]) for run in before)
    p_value, effect = two_proportions(k1, n1, k2, n2)
    return Test(
        what="calls without a word",
        method="two-proportion z-test",
        now=f"{k1} of {n1} ({k1 / n1:.1%})",
        before=f"{k2} of {n2} ({k2 / n2:.1%})",
        p_value=p_value,
        effect=effect,
        effect_name="h",
    )


def two_proportions(k1: int, n1: int, k2: int, n2: int) -> tuple[float, float]:
    """p-value (pooled variance) and Cohen's h."""
    pooled = (k1 + k2) / (n1 + n2)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    z = (k1 / n1 - k2 / n2) / error if error else 0.0
    h = 2 * math.asin(math.sqrt(k1 / n1)) - 2 * math.asin(math.sqrt(k2 / n2))
    return math.erfc(abs(z) / math.sqrt(2)), h


def _mix(what: str, now: Mapping[str, Any], before: Sequence[Mapping[str, Any]], key: str) -> Test:
    here = dict(now.get(key) or {})
    there: dict[str, int] = {}
    for run in before:
        for label, count in (run.get(key) or {}).items():
            there[label] = there.get(label, 0) + int(count)
    p_value, effect = homogeneity(here, there)
    return Test(
        what=what,
        method="chi-squared test of homogeneity",
        now=_shares(here),
        before=_shares(there),
        p_value=p_value,
        effect=effect,
        effect_name="w",
        reason=None if p_value is not None else "fewer than two labels occur often enough",
    )


def homogeneity(a: Mapping[str, int], b: Mapping[str, int]) -> tuple[float | None, float | None]:
    """p-value and Cohen's w of two tables of counts; None where no two labels are expected five times."""
    from scipy.special import chdtrc

    n_a, n_b = sum(a.values()), sum(b.values())
    if not n_a or not n_b:
        return None, None
    rarer = min(n_a, n_b) / (n_a + n_b)
    cells: dict[str, list[int]] = {}
    for label in {*a, *b}:
        counts = [a.get(label, 0), b.get(label, 0)]
        name = label if sum(counts) * rarer >= _EXPECTED else OTHER
        cells[name] = [x + y for x, y in zip(cells.get(name, [0, 0]), counts, strict=True)]
    if sum(cells.get(OTHER, [0, 0])) * rarer < _EXPECTED:
        cells.pop(OTHER, None)
    if len(cells) < 2:
        return None, None
    totals = [sum(cell[side] for cell in cells.values()) for side in (0, 1)]
    total = sum(totals)
    statistic = sum(
        (cell[side] - expected) ** 2 / expected
        for cell in cells.values()
        for side in (0, 1)
        for expected in [sum(cell) * totals[side] / total]
        if expected
    )
    return float(chdtrc(len(cells) - 1, statistic)), math.sqrt(statistic / total)


def holm(p_values: Sequence[float | None], significance: float) -> list[bool]:
    """Which hypotheses are rejected; None is never."""
    order = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    rejected = [False] * len(p_values)
    for rank, (p, i) in enumerate(order):
        if p > significance / (len(order) - rank):
            break
        rejected[i] = True
    return rejected


def _shares(counts: Mapping[str, int], most: int = 5) -> str:
    total = sum(counts.values())
    first = sorted(counts.items(), key=lambda item: -item[1])[:most]
    return ", ".join(f"{label} {count / total:.0%}" for label, count in first) or "none"
