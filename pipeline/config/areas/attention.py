"""Which calls need attention: config.yaml's `attention`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import field_validator

from pipeline.config.base import Area
from pipeline.config.influence import IDENTITY

_SUFFIXES = (".yaml", ".yml")


class AttentionSettings(Area):
    """Rules that say which calls need somebody's attention."""

    rules: Annotated[Path | None, IDENTITY] = Path("rules/attention.yaml")
    """Rule file (.yaml, rules/README.md); null for no rules."""

    @field_validator("rules")
    @classmethod
    def _known_kind(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix.lower() not in _SUFFIXES:
            raise ValueError(f"{value} must end in one of {', '.join(_SUFFIXES)}")
        return value
