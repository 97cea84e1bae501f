"""Where a checkpoint's files are: a folder, the hub's cache on disk, or the hub, in this order."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import ModelUnavailable

logger = logging.getLogger(__name__)

PATTERNS = ["*.json", "*.safetensors", "*.txt", "*.model"]
"""Files of a repository that the package reads; nothing that could run code."""
STATED_ABOVE_BYTES = 100_000_000
_TOKENIZER_FILES = ("vocab.json", "merges.txt")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAccess:
    """How the hub may be used."""

    allow_download: bool
    timeout_s: float
    """Longest wait for its first answer."""
    endpoint: str | None = None
    """Address; None for the client's own default (or `HF_ENDPOINT`)."""
    cache_dir: Path | None = None
    """None for the client's own default (or `HF_HOME`)."""


def locate(model: str, revision: str | None, hub: HubAccess, *, setting: str) -> Path:
    """Folder that holds the whole checkpoint, fetched if need be.

    `setting` names the configuration key that `model` came from, for messages. Raises ModelUnavailable: files missing
    or unreadable, unknown repository or revision, or no answer from the hub within `hub.timeout_s`.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        problem = what_is_missing(folder)
        if problem:
            raise ModelUnavailable(f"{folder}: {problem}; point {setting} at a complete checkpoint")
        return folder
    if model.startswith(("/", ".", "~")) or model.count("/") != 1:
        raise ModelUnavailable(
            f"{model}: no such folder; point {setting} at a folder with config.json, or at a hub repository owner/name"
        )
    if revision is None:
        raise ModelUnavailable(f"{model}: no revision is pinned; set the commit (40 hex digits) beside {setting}")
    cached = _in_cache(model, revision, hub)
    if cached is not None:
        return cached
    return _fetch(model, revision, hub, setting)


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


def _in_cache(model: str, revision: str, hub: HubAccess) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(
                model,
                revision=revision,
                allow_patterns=PATTERNS,
                local_files_only=True,
                cache_dir=hub.cache_dir,
            )
        )
    except LocalEntryNotFoundError:
        return None
    return folder if what_is_missing(folder) is None else None


def _fetch(model: str, revision: str, hub: HubAccess, setting: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    if not hub.allow_download:
        raise ModelUnavailable(
            f"{model}@{revision[:12]}: weights not on disk and downloads are switched off; point {setting} at a local "
            f"folder, or set allow_download: true"
        )
    size = _size_at_hub(model, revision, hub, setting)
    if size > STATED_ABOVE_BYTES:
        logger.warning("downloading %s@%s: %.2f GB", model, revision[:12], size / 1e9)
    try:
        folder = Path(
            snapshot_download(
                model,
                revision=revision,
                allow_patterns=PATTERNS,
                endpoint=hub.endpoint,
                cache_dir=hub.cache_dir,
                etag_timeout=hub.timeout_s,
            )
        )
    except (HfHubHTTPError, OSError, RuntimeError) as error:
        raise ModelUnavailable(
            f"{model}@{revision[:12]}: download broke off ({_short(error)}); run again to go on with it, or point "
            f"{setting} at a local folder"
        ) from error
    problem = what_is_missing(folder)
    if problem:
        raise ModelUnavailable(f"{model}@{revision[:12]}: {problem}; is it a Qwen3-ASR checkpoint? ({setting})")
    return folder


def _size_at_hub(model: str, revision: str, hub: HubAccess, setting: str) -> int:
    """Bytes to fetch. Asks the hub once, in a thread: a name server that hangs ignores the client's own time-out."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    api = HfApi(endpoint=hub.endpoint)
    where = f"{model}@{revision[:12]}"
    advice = f"point {setting} at a local folder with the weights"

    def ask() -> Any:
        return api.model_info(model, revision=revision, timeout=hub.timeout_s, files_metadata=True)

    try:
        info = _within(ask, hub.timeout_s)
    except TimeoutError as error:
        raise ModelUnavailable(
            f"{where}: weights not on disk, hub unreachable (no answer in {hub.timeout_s:g} s); {advice}"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelUnavailable(f"{where}: the repository has no such revision; correct the pin, or {advice}") from error
    except GatedRepoError as error:
        raise ModelUnavailable(f"{where}: the repository asks for an account (HF_TOKEN); or {advice}") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelUnavailable(f"{where}: the hub knows no such repository; correct {setting}, or {advice}") from error
    except Exception as error:  # the client's transport errors differ by version: every one means "no hub"
        raise ModelUnavailable(f"{where}: weights not on disk, hub unreachable ({_short(error)}); {advice}") from error
    files = info.siblings or ()
    return sum(file.size or 0 for file in files if any(fnmatch(file.rfilename, pattern) for pattern in PATTERNS))


def _within(task: Callable[[], T], seconds: float) -> T:
    """Result of `task` run in a thread; TimeoutError when it takes longer (the thread is left behind)."""
    outcome: list[tuple[T | None, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((task(), None))
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True, name="hub-probe")
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError
    value, error = outcome[0]
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
