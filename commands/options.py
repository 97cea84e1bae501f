"""Options that most sub-commands take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("config.yaml")

ConfigOption = Annotated[Path, typer.Option("--config", help="Configuration file.", metavar="FILE")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one key of the configuration; may be repeated.", metavar="KEY.PATH=VALUE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]


def as_overrides(flags: Mapping[str, object]) -> list[str]:
    """Command-line flags as `--set` overrides; text is quoted so that YAML leaves it as it is."""
    return [
        f"{key}={json.dumps(value if isinstance(value, bool | int | float) else str(value))}"
        for key, value in flags.items()
        if value is not None
    ]
