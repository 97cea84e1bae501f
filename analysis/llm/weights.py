"""Where a local language model's files are: a folder, the hub's cache on disk, or the hub itself."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from analysis.llm.deadline import within
from pipeline.config.llm import MlxLmSettings
from pipeline.errors import ModelUnavailable, StageTimeout

log = logging.getLogger(__name__)

_STATED_ABOVE_BYTES = 100_000_000
_PATTERNS = ("*.json", "model*.safetensors", "*.jinja", "tokenizer.model", "*.tiktoken", "*.txt")


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
        raise ModelUnavailable(
            f"{where}: the model hub cannot be reached ({error}); fetch the model on a machine that can, and point "
            "llm.mlx_lm.model at its folder"
        ) from error
