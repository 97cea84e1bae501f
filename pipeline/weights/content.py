"""The content of weights: SHA-256 over all their bytes, computed once for each state of a file."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pipeline.hashes import sha256_of

CONTENT = "sha256-"
"""Prefix of a revision that names the content itself; 40 hex digits follow."""
_REMEMBERED_ABOVE_BYTES = 1 << 20


def models_folder() -> Path:
    """Where weights that Earshot puts together itself are kept: EARSHOT_MODELS, or `models` beside run.py."""
    return Path(os.environ.get("EARSHOT_MODELS") or Path(__file__).resolve().parents[2] / "models")


class HashMemory:
    """Hashes of files by their path, size, times and inode, in a JSON file that processes share.

    If the file cannot be written, answers only take longer. Two processes that write at once may lose a line of each
    other's, which is then computed again.
    """

    def __init__(self, path: Path | None = None, settled_after_s: float = 2.0) -> None:
        """`path`: None for `hashes.json` in the models folder.

        `settled_after_s`: a file written more recently is not remembered, since another write might not change its
        times.
        """
        self._path = path
        self._settled_after_s = settled_after_s
        self._lock = threading.Lock()

    def sha256(self, path: Path) -> str:
        """The hash of one file, 64 hex digits. Raises OSError."""
        real = path.resolve()
        before = _state(real)
        if before[0] < _REMEMBERED_ABOVE_BYTES:
            return sha256_of(real)
        with self._lock:
            known = self._read().get(str(real))
            if known is not None and known.get("state") == before:
                return str(known["sha256"])
            found, after = sha256_of(real), _state(real)
            _, modified_ns, changed_ns, _ = before
            if after == before and time.time() - max(modified_ns, changed_ns) / 1e9 > self._settled_after_s:
                self._remember(str(real), {"state": before, "sha256": found})
            return found

    def _file(self) -> Path:
        return self._path or models_folder() / "hashes.json"

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self._file().read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _remember(self, name: str, entry: dict[str, Any]) -> None:
        file = self._file()
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            there = {key: value for key, value in self._read().items() if os.path.exists(key)}
            handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".hashes-")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump({**there, name: entry}, stream, indent=0)
            os.replace(draft, file)


def _state(path: Path) -> list[int]:
    """The state of a file: tells two contents of one path apart without reading them."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


MEMORY = HashMemory()


def content_revision(folder: Path, patterns: Sequence[str] = ("*",), memory: HashMemory = MEMORY) -> str:
    """`sha256-` and 40 hex digits by the names and the whole content of the folder's files, wherever it lies.

    `patterns` match paths below the folder; files in sub-folders count where a pattern says so (`*` crosses folders).
    Raises OSError.
    """
    return revision_of({name: memory.sha256(folder / name) for name in _names(folder, patterns)})


def revision_of(sha256: Mapping[str, str]) -> str:
    """The same, from the files' names and hashes."""
    lines = "".join(f"{name}\0{sha256[name]}\n" for name in sorted(sha256))
    return CONTENT + hashlib.sha256(lines.encode()).hexdigest()[:40]


def _names(folder: Path, patterns: Sequence[str]) -> list[str]:
    """Files below the folder, with `/` between the parts, without hidden files and hidden folders."""
    names = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(parent).relative_to(folder)
        names += [(below / file).as_posix() for file in files if not file.startswith(".")]
    return [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]


def same_weights(model: str, revision: str | None, other_model: str, other_revision: str | None) -> bool:
    """Whether two identities name the same weights: a content is the same wherever it lies."""
    return revision == other_revision and (model == other_model or is_content(revision))


def is_content(revision: str | None) -> bool:
    return revision is not None and revision.startswith(CONTENT)
