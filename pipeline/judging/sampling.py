"""Calls drawn for people to correct: by chance, spread over engines, doubts and agents, the same for the same seed."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

Stratum = tuple[str, str, bool]
"""Engine, model, and whether words are in doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A call that can be drawn."""

    call_id: str
    transcript_fingerprint: str
    engine: str
    model: str
    agent_id: str | None
    doubtful: bool
    """Whether words of it are in doubt."""

    @property
    def stratum(self) -> Stratum:
        return (self.engine, self.model, self.doubtful)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A call that was drawn."""

    candidate: Candidate
    weight: float
    """How many candidates it stands for, 1 and up: the size of its stratum over the number drawn of it."""


def draw(candidates: Sequence[Candidate], wanted: int, seed: str) -> list[Drawn]:
    """At most `wanted` of the candidates, in whatever order they come.

    Every engine and model, with and without doubts, gets an equal part as far as it has calls (stratified sampling).
    Within such a stratum the calls stand agent after agent, agents and calls in an order by chance, and every n-th is
    taken from a start by chance (systematic sampling, Cochran 1977, chapter 8): each call is as likely as the others,
    and the sample is spread over agents. Raises ValueError for a negative `wanted`.
    """
    if wanted < 0:
        raise ValueError(f"{wanted} calls cannot be drawn")
    strata: dict[Stratum, list[Candidate]] = defaultdict(list)
    for call in candidates:
        strata[call.stratum].append(call)
    parts = allotted({stratum: len(calls) for stratum, calls in strata.items()}, wanted, seed)
    return [
        Drawn(call, len(calls) / parts[stratum])
        for stratum, calls in sorted(strata.items())
        for call in _every_nth(calls, parts[stratum], f"{seed} {stratum}")
    ]


def allotted(sizes: Mapping[Stratum, int], wanted: int, seed: str) -> dict[Stratum, int]:
    """How many are drawn of each stratum: equal parts, and what small ones cannot give goes to the others.

    Where fewer are wanted than there are strata, chance decides which get one.
    """
    left = sorted(sizes, key=lambda stratum: (sizes[stratum], _chance(seed, str(stratum))))
    parts: dict[Stratum, int] = {}
    for index, stratum in enumerate(left):
        share = (wanted - sum(parts.values())) // (len(left) - index)
        parts[stratum] = min(sizes[stratum], share)
    # Divisions round down, so that the last and largest strata get what is over; with fewer calls than strata the
    # small ones would always go without.
    if 0 < wanted < len(left):
        lucky = sorted(left, key=lambda stratum: _chance(seed, str(stratum)))[:wanted]
        parts = {stratum: int(stratum in lucky) for stratum in left}
    return parts


def _every_nth(calls: Sequence[Candidate], number: int, seed: str) -> list[Candidate]:
    if not number:
        return []
    in_order = sorted(calls, key=lambda call: (_chance(seed, call.agent_id or ""), _chance(seed, call.call_id)))
    step = len(in_order) / number
    start = Random(seed).random() * step  # noqa: S311 - a sample, no secret
    return [in_order[min(len(in_order) - 1, math.floor(start + index * step))] for index in range(number)]


def _chance(seed: str, text: str) -> bytes:
    """A place in an order by chance that depends on nothing else than its arguments."""
    return hashlib.sha256(f"{seed}\0{text}".encode("utf-8", "surrogatepass")).digest()
