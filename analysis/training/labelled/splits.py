"""Cross-validation in which a group (speaker or call) is never on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.errors import ConfigurationError

Indices = npt.NDArray[np.intp]
Split = tuple[Indices, Indices]


def grouped_splits(labels: Sequence[int], groups: Sequence[str], folds: int | None, seed: int) -> list[Split]:
    """Training and test rows of each fold.

    Args:
        labels: class numbers, shape (items,).
        groups: one per item.
        folds: stratified by class as far as groups allow (StratifiedGroupKFold); None for leave-one-group-out.
        seed: of the shuffle.

    Raises ConfigurationError when there are fewer groups than folds.
    """
    from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold

    names = np.asarray(groups)
    count = len(set(groups))
    if folds is not None and count < folds:
        raise ConfigurationError(f"folds: {folds} is more than the {count} groups there are; take at most {count}")
    splitter = LeaveOneGroupOut() if folds is None else StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    splits = [(train, test) for train, test in splitter.split(np.zeros(len(names)), np.asarray(labels), names)]
    for train, test in splits:
        shared = set(names[train]) & set(names[test])
        if shared:
            raise ConfigurationError(f"groups on both sides of a split: {sorted(shared)[:3]}")
    return [split for split in splits if len(split[0]) and len(split[1])]
