"""Weights from installed data packages: their files are joined once into the models folder, and checked.

Nothing of a package is imported, so none of its code runs.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from filelock import FileLock

from pipeline.disk import remove_folder
from pipeline.errors import ModelUnavailable
from pipeline.weights.content import MEMORY, HashMemory, models_folder
from pipeline.weights.published import PackageFile, Published

logger = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 20

Locate = Callable[[PackageFile], Path | None]
"""Where a file of a package lies; None where the package is not installed."""


def installed_file(part: PackageFile) -> Path | None:
    """Where a file of an installed distribution lies."""
    try:
        found = Path(str(metadata.distribution(part.package).locate_file(part.path)))
    except metadata.PackageNotFoundError:
        return None
    return found if found.is_file() else None


def missing_packages(row: Published, locate: Locate = installed_file) -> list[str]:
    """Distributions of the row that are not installed, or not whole."""
    parts = (part for parts in row.packed.values() for part in parts)
    return sorted({part.package for part in parts if locate(part) is None})


def joined(
    row: Published, models: Path | None = None, memory: HashMemory = MEMORY, locate: Locate = installed_file
) -> Path | None:
    """The folder with the row's files, made from its packages if needed; None where these are not installed.

    `models`: None for the models folder. Raises ModelUnavailable when a file is not the publisher's or cannot be
    written, naming it.
    """
    folder = (models or models_folder()) / f"{row.model.replace('/', '--')}@{row.revision[:20]}"
    if folder.is_dir() and not row.differs_in(folder, memory):
        return folder
    if missing_packages(row, locate):
        return None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(folder.name + ".lock")):
            if not (folder.is_dir() and not row.differs_in(folder, memory)):
                _join(row, folder, locate)
    except OSError as error:
        raise ModelUnavailable(
            f"{row.model}: its files cannot be put together in {folder} ({error}); free space or correct the "
            "permissions there, or set EARSHOT_MODELS to another folder"
        ) from error
    return folder


def _join(row: Published, folder: Path, locate: Locate) -> None:
    """Written completely or not at all: beside its place first, then checked and renamed."""
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".joining-"))
    try:
        for name, parts in row.packed.items():
            found = _copy([locate(part) for part in parts], draft / name)
            if found != row.sha256[name]:
                raise ModelUnavailable(
                    f"{row.model}: {name} out of {', '.join(sorted({part.package for part in parts}))} has the SHA-256 "
                    f"{found}, its publisher's is {row.sha256[name]}; it is not used: remove that package, and fetch "
                    "the model from the hub"
                )
        if folder.exists():
            shutil.rmtree(folder)
        draft.chmod(0o755)
        draft.rename(folder)
    finally:
        remove_folder(draft)
    logger.info("%s: put together from %s in %s", row.model, ", ".join(row.requirements), folder)


def _copy(parts: Sequence[Path | None], target: Path) -> str:
    """Write the parts one after the other; returns the SHA-256 of the whole."""
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for part in parts:
            if part is None:
                raise FileNotFoundError(f"{target.name}: a package was removed meanwhile")
            with part.open("rb") as source:
                while block := source.read(_BLOCK_BYTES):
                    digest.update(block)
                    out.write(block)
    return digest.hexdigest()
