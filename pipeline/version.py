"""The version of this checkout. A leaf."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path


@functools.cache
def project_version() -> str:
    """The version in the pyproject.toml beside run.py."""
    path = Path(__file__).resolve().parents[1] / "pyproject.toml"
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"])
