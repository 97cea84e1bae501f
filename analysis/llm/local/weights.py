"""Where a local language model's files are: a folder, the hub's cache on disk, or the hub itself."""

from __future__ import annotations

import hashlib
import logging
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from analysis.llm.deadline import within
from pipeline.config.areas.llm import MlxLmSettings
from pipeline.errors import ModelUnavailable, StageTimeout

log = logging.getLogger(__name__)

_VERSIONED = frozenset({".json", ".safetensors", ".jinja", ".model"})
_HEAD_BYTES = 1 << 16
_STATED_ABOVE_BYTES = 100_000_000
_PATTERNS = ("*.json", "model*.safetensors", "*.jinja", "tokenizer.model", "*.tiktoken", "*.txt")


def ask_hub_for_life(settings: MlxLmSettings) -> None:
    """Before a process is started for a model that is not on disk: does its hub answer at all, whatever it says?

    The hub's client takes seconds to load on a busy machine; this waits `hub_timeout_s` and no more.

    Raises:
        ModelUnavailable: no answer.
    """
    model, revision = settings.model or "", settings.revision
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    if Path(model).expanduser().is_dir() or revision is None or not settings.allow_download or offline:
        return
    if any((_cache_dir() / f"models--{model.replace('/', '--')}" / "snapshots").glob(f"{revision}*")):
        return
    from huggingface_hub import constants

    endpoint = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    address = f"{endpoint.rstrip('/')}/api/models/{model}/revision/{revision}"

    def ask() -> None:
        try:
            request = urllib.request.Request(address, method="HEAD")  # noqa: S310 - the user's own hub
            urllib.request.urlopen(request, timeout=settings.hub_timeout_s).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()  # an answer, too

    try:
        within(ask, settings.hub_timeout_s, f"model hub ({endpoint})")
    except (StageTimeout, OSError, ValueError) as error:
        raise _unreachable(f"{model}@{revision}", error) from error


def _cache_dir() -> Path:
    """Where the hub's client keeps what it fetched."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.environ[name]).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or f"{caches}/huggingface").expanduser() / "hub"


def _unreachable(where: str, error: Exception) -> ModelUnavailable:
    return ModelUnavailable(
        f"{where}: the model hub cannot be reached ({error}); fetch the model on a machine that can, and point "
        "llm.mlx_lm.model at its folder"
    )


def model_version(settings: MlxLmSettings) -> str:
    """`owner/name@commit`; for a folder `folder@local-` and 12 hex digits that change with its files' names, sizes or
    beginnings, so that other weights under the same path are told apart."""
    model = settings.model or ""
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return f"{model}@{settings.revision}" if settings.revision else model
    digest = hashlib.sha256()
    try:
        for path in sorted(path for path in folder.iterdir() if path.suffix in _VERSIONED and path.is_file()):
            with path.open("rb") as file:
                head = file.read(_HEAD_BYTES)
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + hashlib.sha256(head).digest())
    except OSError:
        return model  # loading will say what is wrong with it
    return f"{model}@local-{digest.hexdigest()[:12]}"


def find_model(settings: MlxLmSettings) -> Path:
    """The folder of the model.

    Raises:
        ModelUnavailable: no such folder, unknown repository or revision, download not allowed, or no answer from
            the hub within `hub_timeout_s`.
    """
    model = settings.model or ""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelUnavailable(f"{folder}: no config.json in it; point llm.mlx_lm.model at a model's folder")
        return folder
    if settings.revision is None:
        raise ModelUnavailable(f"{model}: no such folder; or set llm.mlx_lm.revision, a commit of the hub's repository")
    cached = _cached(model, settings.revision)
    if cached is not None:
        return cached
    if not settings.allow_download:
        raise ModelUnavailable(f"{model}@{settings.revision}: not on disk, and llm.mlx_lm.allow_download is false")
    return _fetch(model, settings.revision, settings.hub_timeout_s, settings.trust_remote_code)


def _cached(model: str, revision: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(model, revision=revision, allow_patterns=list(_PATTERNS), local_files_only=True)
        )
    except (LocalEntryNotFoundError, HFValidationError, OSError):
        return None
    return folder if any(folder.glob("*.safetensors")) else None


def _fetch(model: str, revision: str, timeout_s: float, with_code: bool) -> Path:
    import httpx2  # the hub client's own transport: its connection errors come through bare
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    where = f"{model}@{revision}"
    patterns = [*_PATTERNS, "*.py"] if with_code else list(_PATTERNS)

    def describe() -> Any:
        return HfApi().model_info(model, revision=revision, files_metadata=True, timeout=timeout_s)

    try:
        info = within(describe, timeout_s, f"model hub ({where})")
        size = sum(part.size or 0 for part in info.siblings or ())
        if size > _STATED_ABOVE_BYTES:
            log.warning("downloading %s: up to %.1f GB", where, size / 1e9)
        return Path(snapshot_download(model, revision=info.sha or revision, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError) as error:
        raise ModelUnavailable(f"{where}: the model hub refuses it: {error}") from error
    except (StageTimeout, httpx2.HTTPError, OSError, RuntimeError) as error:
        raise _unreachable(where, error) from error
