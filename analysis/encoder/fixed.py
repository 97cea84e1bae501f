"""Vectors of fixed phrases on disk: phrases of the program and of a glossary, which every start would encode again.

One file for each list of phrases; it holds numbers only.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from analysis.encoder.vectors import Vectors

logger = logging.getLogger(__name__)

_KEPT_LISTS = 40
"""So many files stay, those used last: a glossary that is edited makes new ones."""
_DAMAGED = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error)
"""What NumPy raises for a file that is no archive of arrays, or half of one."""


class FixedVectors:
    """Of one encoder. Processes share the folder: a file is written beside its place and renamed.

    If the folder cannot be written, a start only takes longer.
    """

    def __init__(self, folder: Path, made_by: Sequence[str]) -> None:
        """`made_by`: all that a vector's bits depend on besides its text."""
        self._folder, self._made_by = folder, tuple(made_by)

    def of(self, texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors]) -> Vectors:
        """One row per text, read or made by `encode`, which may raise ModelUnavailable."""
        file = self._folder / f"{self._key(texts)}.npz"
        found = _read(file, len(texts))
        if found is None:
            found = encode(texts)
            self._write(file, found)
        return found

    def _key(self, texts: Sequence[str]) -> str:
        content = json.dumps([self._made_by, list(texts)], ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()[:40]

    def _write(self, file: Path, vectors: Vectors) -> None:
        draft: str | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self._folder, prefix=".vectors-")
            with os.fdopen(handle, "wb") as stream:
                np.savez(stream, vectors=vectors)
            os.chmod(draft, 0o644)
            os.replace(draft, file)
            self._drop_old()
        except OSError as error:
            logger.info("the vectors of fixed phrases cannot be kept in %s (%s): they are made again", file, error)
            if draft is not None:
                with suppress(OSError):
                    os.unlink(draft)

    def _drop_old(self) -> None:
        used = sorted(self._folder.glob("*.npz"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        for file in used[_KEPT_LISTS:]:
            file.unlink(missing_ok=True)


def _read(file: Path, rows: int) -> Vectors | None:
    """None for a file that is absent or damaged."""
    try:
        with np.load(file, allow_pickle=False) as content:
            vectors: Vectors = content["vectors"]
        with suppress(OSError):
            os.utime(file)
    except FileNotFoundError:
        return None
    except _DAMAGED as error:
        logger.info("%s: damaged (%s), made again", file, error)
        return None
    fits = vectors.ndim == 2 and len(vectors) == rows and vectors.dtype == np.float32
    return vectors if fits else None
