"""Which weights a local language model needs, and where they are: through the hub that all models share."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from pathlib import Path

from pipeline.config.areas.llm import MlxLmSettings
from pipeline.errors import ModelUnavailable
from pipeline.weights.content import is_content
from pipeline.weights.hub import Hub, WeightsWanted, name_of, within

_PATTERNS = ("*.json", "model*.safetensors", "*.jinja", "tokenizer.model", "*.tiktoken", "*.txt")


def weights_of(settings: MlxLmSettings) -> WeightsWanted:
    return WeightsWanted(
        model=settings.model or "",
        revision=settings.revision,
        patterns=(*_PATTERNS, "*.py") if settings.trust_remote_code else _PATTERNS,
        required=("config.json", "*.safetensors"),
        setting="llm.mlx_lm.model",
    )


def model_version(settings: MlxLmSettings) -> str:
    """`owner/name@commit`; for a folder `local@sha256-` and 40 hex digits of its content, wherever it lies."""
    try:
        name = name_of(weights_of(settings))
    except OSError:
        return settings.model or ""  # loading will say what is wrong with it
    if name.revision is None:
        return name.model
    return f"{'local' if is_content(name.revision) else name.model}@{name.revision}"


def find_model(settings: MlxLmSettings) -> Path:
    """The folder of the model.

    Raises:
        ModelUnavailable: no such folder, unknown repository or revision, download not allowed, or no answer from
            the hub within `hub_timeout_s`.
    """
    hub = Hub(settings.allow_download, settings.hub_timeout_s, allow_setting="llm.mlx_lm.allow_download")
    return hub.find(weights_of(settings)).folder


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
            error.close()  # an error status is an answer, too

    try:
        within(ask, settings.hub_timeout_s)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"{model}@{revision}: the model hub ({endpoint}) cannot be reached ({error}); fetch the model on a machine "
            "that can, and point llm.mlx_lm.model at its folder"
        ) from error


def _cache_dir() -> Path:
    """Where the hub's client keeps what it fetched."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.environ[name]).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or f"{caches}/huggingface").expanduser() / "hub"
