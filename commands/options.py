"""Options that most sub-commands take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import ConfigurationError

DEFAULT_CONFIG = Path("config.yaml")

ConfigOption = Annotated[Path, typer.Option("--config", help="Configuration file.", metavar="FILE")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one key of the configuration; may be repeated.", metavar="KEY.PATH=VALUE"),
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="Recogniser's model: a folder, or a name such as small.", metavar="PATH_OR_NAME"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]


def as_overrides(flags: Mapping[str, object]) -> list[str]:
    """Command-line flags as `--set` overrides; text is quoted so that YAML leaves it as it is.

    Raises ConfigurationError for bytes that are not UTF-8: no configuration can hold them.
    """
    overrides = []
    for key, value in ((key, value) for key, value in flags.items() if value is not None):
        plain = value if isinstance(value, bool | int | float | list) else str(value)
        if isinstance(plain, str) and any("\ud800" <= character <= "\udfff" for character in plain):
            raise ConfigurationError(f"{key}: {plain} holds bytes that are not UTF-8; rename the folder or link to it")
        overrides.append(f"{key}={json.dumps(plain)}")
    return overrides
