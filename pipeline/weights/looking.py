"""A hub with which an engine's own `load` tells whether its weights are there, and then reads none of them."""

from __future__ import annotations

from pipeline.errors import ModelUnavailable
from pipeline.weights.hub import Hub, WeightsFound, WeightsWanted


class WeightsSeen(Exception):
    """Ends an engine's `load` as soon as its weights are found: reading them takes long and proves little more."""

    def __init__(self, found: WeightsFound) -> None:
        super().__init__(str(found.folder))
        self.found = found


class WeightsAbsent(Exception):
    """Which repository was asked for."""

    def __init__(self, model: str, revision: str | None) -> None:
        super().__init__(model)
        self.model, self.revision = model, revision


class LookingHub(Hub):
    """A hub that finds weights on disk and never fetches."""

    def find(self, wanted: WeightsWanted) -> WeightsFound:
        """Raises WeightsSeen when the weights are on disk, ModelUnavailable saying what the hub answers if not."""
        try:
            raise WeightsSeen(super().find(wanted))
        except ModelUnavailable as error:
            raise ModelUnavailable(str(error)) from WeightsAbsent(wanted.model, wanted.revision)
