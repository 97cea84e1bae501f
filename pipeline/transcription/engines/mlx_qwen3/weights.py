"""A complete Qwen3-ASR checkpoint, through the hub that all engines share."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import ModelUnavailable
from pipeline.weights.hub import Hub, WeightsFound, WeightsWanted

_TOKENIZER_FILES = ("vocab.json", "merges.txt")


def locate(wanted: WeightsWanted, hub: Hub) -> WeightsFound:
    """Folder that holds the whole checkpoint, fetched if needed, and what identifies it.

    Raises ModelUnavailable: files missing or unreadable, unknown repository or revision, or no answer from the hub
    within its time-out.
    """
    found = hub.find(wanted)
    problem = what_is_missing(found.folder)
    if problem:
        raise ModelUnavailable(f"{found.folder}: {problem}; point {wanted.setting} at a complete checkpoint")
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
