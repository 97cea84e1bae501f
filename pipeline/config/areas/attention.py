"""Which calls need attention: config.yaml's `attention`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.config.base import Area, ends_in
from pipeline.config.influence import IDENTITY

_FILE = ends_in(".yaml", ".yml")


class AttentionSettings(Area):
    """Rules that say which calls need somebody's attention."""

    rules: Annotated[Path | None, IDENTITY, _FILE] = Path("rules/attention.yaml")
    """Rule file (.yaml, rules/README.md); null for no rules."""
    notify: bool = False
    """true: calls for which a rule with `notify: true` holds are told at the end of the run, each call once, by the
    mail and webhook of `reporting.notify` (whatever its `on` says). Personal data in quotes is replaced."""
    notify_within_days: Annotated[float, Field(gt=0)] = 3.0
    """Only calls that began at most so many days ago (where the start is unknown: whose file is not older)."""
    notify_quotes: bool = True
    """false: no words of the call are sent, only the title of the rule and the moment."""
