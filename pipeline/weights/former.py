"""How versions before 2026-12 named the content of a folder: by samples of its files.

Only for comparing: as long as these names agree, a result that such a version stored counts as today's, so that an
upgrade repeats no work. Nothing new is named this way, because weights that differ only between the samples share a
name. Every function raises OSError for files that cannot be read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

_END_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 12
_BLOCKS = 64
_SENTIMENT_END_BYTES = 1 << 20
_LLM_SUFFIXES = frozenset({".json", ".safetensors", ".jinja", ".model"})


def recogniser_revision(folder: Path, patterns: Sequence[str] = ("*",)) -> str:
    """`local-` and 40 hex digits for a recogniser's folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file() and any(fnmatch(p.name, x) for x in patterns)):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + _sampled(path))
    return f"local-{digest.hexdigest()[:40]}"


def _sampled(path: Path) -> bytes:
    """Both ends of a file, and 64 blocks between them if it is over 384 KiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(file.read(_END_BYTES))
        if size <= 2 * _END_BYTES + _BLOCKS * _BLOCK_BYTES:
            digest.update(file.read())
            return digest.digest()
        step = (size - 2 * _END_BYTES) // _BLOCKS
        for block in range(_BLOCKS):
            file.seek(_END_BYTES + block * step + (step - _BLOCK_BYTES) // 2)
            digest.update(file.read(_BLOCK_BYTES))
        file.seek(size - _END_BYTES)
        digest.update(file.read(_END_BYTES))
    return digest.digest()


def language_model_version(folder: Path) -> str:
    """`local-` and 12 hex digits for a local language model's folder, from the beginnings of its files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in _LLM_SUFFIXES and path.is_file()):
        with path.open("rb") as file:
            head = file.read(_END_BYTES)
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + hashlib.sha256(head).digest())
    return f"local-{digest.hexdigest()[:12]}"


def sentiment_revision(folder: Path) -> str:
    """64 hex digits for the folder of a text sentiment model, from both ends of its files."""
    digest = hashlib.sha256()
    for path in sorted(found for found in folder.rglob("*") if found.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SENTIMENT_END_BYTES))
            file.seek(max(0, size - _SENTIMENT_END_BYTES))
            digest.update(file.read(_SENTIMENT_END_BYTES))
    return digest.hexdigest()
