"""This process's keys: given once by the command, and found again by the processes it spawns."""

from __future__ import annotations

import functools
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from pipeline.encryption import changing
from pipeline.encryption.changing import ChangingAppender, ChangingFile, ChangingReader
from pipeline.encryption.keys import FileDamaged, KeyPlaces, KeyRing, key_ring
from pipeline.encryption.sealed import MAGIC, SealedReader, SealedWriter, is_sealed

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    import numpy.typing as npt

_SAMPLE_BYTES = 4
_READ_BYTES = 64 * 1024
SETTINGS = "EARSHOT_ENCRYPTION"
"""Environment variable through which a spawned process learns where keys are; it holds none."""


@dataclass(frozen=True, slots=True)
class _Told:
    """`KeyPlaces`, on their way to a spawned process."""

    key: str | None = None
    old_keys: tuple[str, ...] = ()
    spool: bool = False
    recordings: bool = False


def use_keys(places: KeyPlaces) -> None:
    """For the rest of this process, and for those it spawns from now on. Raises ConfigurationError."""
    said = {"key": places.key, "old_keys": places.old_keys, "spool": places.spool, "recordings": places.recordings}
    os.environ[SETTINGS] = json.dumps(said)
    _keys.cache_clear()
    _keys()


@functools.cache
def _keys() -> tuple[_Told, KeyRing]:
    said = json.loads(os.environ.get(SETTINGS) or "{}")
    told = _Told(
        said.get("key"), tuple(said.get("old_keys", ())), bool(said.get("spool")), bool(said.get("recordings"))
    )
    return told, key_ring(told)


def ring() -> KeyRing:
    """Raises ConfigurationError."""
    return _keys()[1]


def spool_is_sealed() -> bool:
    """Whether decoded samples are to be encrypted."""
    return _keys()[0].spool


def recordings_are_sealed() -> bool:
    """Whether the recordings that the service keeps are to be encrypted."""
    return _keys()[0].recordings


def open_file(path: Path, *, must_be_sealed: bool = False) -> io.BufferedReader:
    """A file to be read, decrypted where it is encrypted. Raises OSError, FileDamaged, KeyMissing.

    `must_be_sealed`: one that does not begin as an encrypted file was changed.
    """
    file = path.open("rb")
    try:
        magic = file.peek(len(MAGIC))[: len(MAGIC)]
        if magic == changing.MAGIC:
            file.close()
            return io.BufferedReader(cast("Any", ChangingReader(ChangingFile.open(path, ring()))), _READ_BYTES)
        if magic != MAGIC:
            if must_be_sealed:
                raise FileDamaged(f"{path.name}: is to be encrypted, and does not begin as an encrypted file")
            return file
    except BaseException:
        file.close()
        raise
    return io.BufferedReader(cast("Any", SealedReader(file, ring(), path.name)), _READ_BYTES)


def open_spooled(path: Path) -> io.BufferedReader:
    """A channel's decoded samples. Raises as `open_file`."""
    return open_file(path, must_be_sealed=spool_is_sealed())


def seal(part: Path, target: Path) -> None:
    """`target` becomes the encrypted content of `part`, whole or not at all, and on the disk.

    Raises OSError, KeyMissing.
    """
    aside = target.with_name(f".{target.name}.part")
    try:
        with open_file(part) as plain, SealedWriter(aside, ring()) as sealed:
            while content := plain.read(1 << 20):
                sealed.write(content)
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def mapped_samples(path: Path, most: int | None = None, *, mode: Literal["r", "c"] = "r") -> npt.NDArray[np.float32]:
    """The float32 samples of a spooled channel: mapped, or in memory where the file is encrypted.

    Args:
        most: samples at most.
        mode: `c` for an array that may be written to; the file stays as it is.

    Raises OSError, FileDamaged, KeyMissing.
    """
    import numpy as np

    if not spool_is_sealed() and not is_sealed(path):
        size = path.stat().st_size // _SAMPLE_BYTES
        samples = size if most is None else min(size, most)
        return np.memmap(path, dtype="<f4", mode=mode, shape=(samples,)) if samples else np.zeros(0, dtype=np.float32)
    with open_spooled(path) as file:
        content = bytearray(file.read(-1 if most is None else most * _SAMPLE_BYTES))
    return np.frombuffer(content, dtype="<f4")


def open_new(path: Path, *, sealed: bool) -> BinaryIO:
    """A new file to be written. Raises OSError, KeyMissing."""
    if not sealed:
        return path.open("wb")
    return cast(BinaryIO, SealedWriter(path, ring()))


def open_growing(path: Path) -> BinaryIO:
    """Samples that are read while they are written, to be appended to, unbuffered. Raises OSError, KeyMissing."""
    if not spool_is_sealed():
        return cast(BinaryIO, path.open("wb", buffering=0))
    return cast(BinaryIO, ChangingAppender(ChangingFile.create(path, ring())))
