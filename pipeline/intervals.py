"""Estimates with 95 % intervals by bootstrap over groups.

Items of one speaker or call are alike, so whole groups are drawn (cluster bootstrap, Davison & Hinkley 1997, 3.8);
two systems are compared on the same draws (paired). Percentile intervals of few groups are too narrow: their levels
are widened by Student's t (expanded percentile interval, Hesterberg 2015, 4.4). Of fewer than five groups there are
too few different draws for any level: Student's t about the jackknife's deviation takes their place (Davison & Hinkley,
2.7), and of one group nothing is known but the range of the figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

DRAWS = 2_000
DRAWS_OF_FEW = 10_000
"""With few groups the widened levels lie far out, and more draws cost little."""
FEW_GROUPS = 200
LEAST_GROUPS = 6
"""With fewer, even the same sign in all of them comes by chance more often than in 5 of 100 cases (2 / 2**5)."""
FEWEST_GROUPS = 5
"""Below, no percentile of the draws says anything."""
Bounds = tuple[float, float]
UNBOUNDED: Bounds = (-np.inf, np.inf)


@dataclass(frozen=True, slots=True)
class Figure:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Share:
    """A ratio of sums over groups (errors over words), with its 95 % interval."""

    value: float
    low: float | None
    high: float | None
    """None where fewer than two groups have a denominator: one call says nothing about others."""
    groups: int
    """Groups with a denominator."""

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def surely_below(self, limit: float) -> bool:
        """Whether the whole interval is below; False for fewer groups than can show anything."""
        return self.groups >= LEAST_GROUPS and self.high is not None and self.high < limit

    def surely_above(self, limit: float) -> bool:
        return self.groups >= LEAST_GROUPS and self.low is not None and self.low > limit

    @property
    def beyond_noise(self) -> bool:
        """Of a difference: whether it is surely not 0."""
        return self.surely_below(0) or self.surely_above(0)


def draws(groups: int, seed: int) -> Array:
    """How often each group is drawn, shape (draws, groups)."""
    generator = np.random.default_rng(seed)
    size = DRAWS_OF_FEW if groups <= FEW_GROUPS else DRAWS
    return generator.multinomial(groups, np.full(groups, 1 / groups), size=size).astype(float)


def interval_levels(groups: int) -> tuple[float, float]:
    """Percentiles of the draws between which 95 % lie, widened for few groups: 2.5 and 97.5 for very many."""
    from scipy.stats import norm, t

    if groups < 2:
        return 0.0, 100.0
    tail = float(norm.cdf(np.sqrt(groups / (groups - 1)) * t.ppf(0.025, groups - 1)))
    return 100 * tail, 100 * (1 - tail)


def figure(drawn: Array, measure: Callable[[Array], Array], groups: int, bounds: Bounds = UNBOUNDED) -> Figure:
    """An estimate with its interval.

    Args:
        measure: from weights of the groups, shape (draws, groups), to values, shape (draws,).
        bounds: between which the figure must lie.
    """
    value = float(measure(np.ones((1, groups)))[0])
    if groups < FEWEST_GROUPS:
        return Figure(value, *_of_few(value, measure, groups, bounds))
    low, high = np.percentile(measure(drawn), interval_levels(groups))
    return Figure(value, float(low), float(high))


def _of_few(value: float, measure: Callable[[Array], Array], groups: int, bounds: Bounds) -> Bounds:
    """Interval of two to four groups, by Student's t and the jackknife; of one, all that is possible."""
    from scipy.stats import t

    if groups < 2:
        return bounds
    without = measure(1.0 - np.eye(groups))
    deviation = float(np.sqrt((groups - 1) / groups * ((without - without.mean()) ** 2).sum()))
    reach = float(t.ppf(0.975, groups - 1)) * deviation
    return max(bounds[0], value - reach), min(bounds[1], value + reach)


def score_interval(part: int, whole: int) -> tuple[float, float]:
    """95 % score interval of a share of independent items (Wilson 1927): inside 0..1, and honest for few of them.

    Raises ZeroDivisionError for a whole of 0.
    """
    value, z = part / whole, 1.96
    middle = (value + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * math.sqrt(value * (1 - value) / whole + z * z / (4 * whole * whole))
    return max(0.0, middle - half), min(1.0, middle + half)


def share(parts: Sequence[float], wholes: Sequence[float], seed: int = 0, *, most: float = math.inf) -> Share | None:
    """`sum(parts) / sum(wholes)`, one pair per group. None where the denominators are all 0.

    Args:
        parts: none below 0, so the share and its interval are not either.
        most: what the share cannot exceed: 1 where the parts are of the wholes.
    """
    return _share([(parts, wholes)], seed, (0.0, most))


def difference(
    first: tuple[Sequence[float], Sequence[float]], second: tuple[Sequence[float], Sequence[float]], seed: int = 0
) -> Share | None:
    """Share of `first` less share of `second`, the same groups in the same order in all four: paired draws.

    Groups in which either has no denominator are left out. None where no group is left. Raises ValueError for
    sequences of different lengths.
    """
    return _share([first, second], seed)


def _share(
    pairs: Sequence[tuple[Sequence[float], Sequence[float]]], seed: int, bounds: Bounds = UNBOUNDED
) -> Share | None:
    """The first pair's share, less the second's where there is one."""
    tables = np.array([[list(map(float, parts)), list(map(float, wholes))] for parts, wholes in pairs])
    kept = tables[:, :, (tables[:, 1] > 0).all(axis=0)]
    groups = kept.shape[2]
    if groups == 0:
        return None

    def measure(weights: Array) -> Array:
        parts, wholes = np.tensordot(kept, weights, axes=(2, 1)).transpose(1, 0, 2)
        rates: Array = parts / wholes
        found: Array = rates[0] - rates[1] if len(rates) == 2 else rates[0]
        return found

    if groups < 2:
        return Share(float(measure(np.eye(1))[0]), None, None, groups)
    found = figure(draws(groups, seed), measure, groups, bounds)
    return Share(found.value, found.low, found.high, groups)
