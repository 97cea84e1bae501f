"""Quotes put together by what they say."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.encoder.vectors import Vectors
from analysis.questions.records import Group, Quote

ALIKE = 0.5
"""Mean cosine of the quotes of two groups from which they are one."""


def grouped(quotes: Sequence[Quote], vectors: Vectors | None, alike: float = ALIKE) -> list[Group]:
    """Groups, those of most calls first, then in the order of their best quote.

    Average linkage on cosines. Without vectors each quote is its own group.

    Args:
        quotes: best first.
        vectors: shape (quotes, dimensions), of length 1 each.
    """
    if not quotes:
        return []
    clusters = [[index] for index in range(len(quotes))] if vectors is None else _clusters(vectors, alike)
    groups = [Group(quotes=tuple(quotes[index] for index in sorted(cluster))) for cluster in clusters]
    order = {group: min(cluster) for group, cluster in zip(groups, clusters, strict=True)}
    return sorted(groups, key=lambda group: (-len(group.calls), order[group]))


def apart(groups: Sequence[Group]) -> tuple[list[Group], list[Group]]:
    """Groups of several calls; and what one call says alone, a group for each of those calls."""
    shared = [group for group in groups if len(group.calls) > 1]
    single: dict[str, list[Quote]] = {}
    for group in groups:
        if len(group.calls) == 1:
            single.setdefault(group.calls[0], []).extend(group.quotes)
    return shared, [Group(quotes=tuple(quotes)) for quotes in single.values()]


def _clusters(vectors: Vectors, alike: float) -> list[list[int]]:
    if len(vectors) == 1:
        return [[0]]
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    labels = fcluster(linkage(pdist(vectors, "cosine"), "average"), 1.0 - alike, "distance")
    clusters: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        clusters.setdefault(int(label), []).append(index)
    return list(clusters.values())
