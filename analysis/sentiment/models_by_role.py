"""Trained models of one kind: one for agents, one for everybody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.model_folder import LoadedModel, check_model
from analysis.sentiment.as_numbers.file import load_for_answers
from pipeline.hashes import sha256_of
from pipeline.records import Role


class ModelsByRole:
    """Checked at once, loaded at first use."""

    def __init__(self, agent: Path, client: Path, **wanted: Any) -> None:
        """Raises ModelUnavailable or UntrustedModel when a folder cannot be used.

        Args:
            wanted: what `check_model` and `load_for_answers` require of the models.
        """
        self._wanted = wanted
        self._paths = {Role.AGENT: agent, Role.CLIENT: client, Role.UNKNOWN: client}
        cards = {path: check_model(path, **wanted) for path in {agent, client}}
        self._hashes = {path: card.model_sha256 if card else sha256_of(path) for path, card in cards.items()}
        self._loaded: dict[Path, LoadedModel] = {}

    @property
    def names(self) -> str:
        return ", ".join(sorted({path.name for path in self._hashes}))

    @property
    def identities(self) -> list[str]:
        """`role=hash` of each role's model."""
        return [f"{role}={self._hashes[path]}" for role, path in sorted(self._paths.items())]

    def model_of(self, role: Role) -> LoadedModel:
        path = self._paths[role]
        if path not in self._loaded:
            self._loaded[path] = load_for_answers(path, **self._wanted)
        return self._loaded[path]

    def close(self) -> None:
        self._loaded.clear()
