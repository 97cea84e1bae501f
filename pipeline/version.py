"""The version of this checkout. A leaf."""

from __future__ import annotations

import functools
import hashlib
import tomllib
from pathlib import Path


@functools.cache
def project_version() -> str:
    """The version in the pyproject.toml beside run.py."""
    path = Path(__file__).resolve().parents[1] / "pyproject.toml"
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"])


@functools.cache
def code_digest() -> str:
    """Hash of the code that makes rows: two machines with the same one do the same work."""
    root = Path(__file__).resolve().parents[1]
    sources = sorted(path for room in ("analysis", "db", "pipeline") for path in (root / room).rglob("*.py"))
    hashed = hashlib.sha256()
    for path in sources:
        hashed.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return hashed.hexdigest()[:16]
