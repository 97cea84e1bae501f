"""A complete Qwen3-ASR checkpoint, through the hub that all engines share."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import ModelUnavailable
from pipeline.weights.hub import Hub, WeightsFound, WeightsWanted

PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.model")
"""Files of a repository that the package reads; nothing that could run code."""
_TOKENIZER_FILES = ("vocab.json", "merges.txt")


def locate(model: str, revision: str | None, hub: Hub, *, setting: str) -> WeightsFound:
    """Folder that holds the whole checkpoint, fetched if need be, and what identifies it.

    `setting` names the configuration key that `model` came from, for messages. Raises ModelUnavailable: files missing
    or unreadable, unknown repository or revision, or no answer from the hub within its time-out.
    """
    required = ("config.json", "*.safetensors", *_TOKENIZER_FILES)
    found = hub.find(
        WeightsWanted(model=model, revision=revision, patterns=PATTERNS, required=required, setting=setting)
    )
    problem = what_is_missing(found.folder)
    if problem:
        raise ModelUnavailable(f"{found.folder}: {problem}; point {setting} at a complete checkpoint")
    return found


def what_is_missing(folder: Path) -> str | None:
    """Why the folder is no complete checkpoint; None when it is one (weights are not opened)."""
    try:
        json.loads((folder / "config.json").read_text("utf-8"))
    except OSError as error:
        return f"config.json cannot be read ({error.strerror or error})"
    except ValueError as error:
        return f"config.json is not JSON ({error})"
    for name in _TOKENIZER_FILES:
        if not (folder / name).is_file():
            return f"{name} is missing"
    wanted = _wanted_shards(folder)
    if isinstance(wanted, str):
        return wanted
    absent = sorted(name for name in wanted if not (folder / name).is_file())
    if absent:
        return f"{len(absent)} of {len(wanted)} weight files are missing, first {absent[0]}"
    if not wanted and not any(folder.glob("*.safetensors")):
        return "it holds no *.safetensors"
    return None


def _wanted_shards(folder: Path) -> set[str] | str:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return set()
    try:
        return {str(name) for name in json.loads(index.read_text("utf-8"))["weight_map"].values()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        return f"{index.name} is unreadable ({error})"
