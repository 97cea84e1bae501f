"""Weights that are not on disk: would the hub give them?"""

from __future__ import annotations

from pipeline.weights.hub import short, within


def told_by_hub(model: str, revision: str, timeout_s: float, endpoint: str | None = None) -> tuple[str, int | None]:
    """What there is to say, and how many bytes a run would fetch at most; None where the hub does not give them.

    `endpoint`: of another hub than the usual one.
    """
    from huggingface_hub import HfApi

    where = f"{model}@{revision[:12]}: not on disk"
    api = HfApi(endpoint=endpoint)
    try:
        info = within(
            lambda: api.model_info(model, revision=revision, timeout=timeout_s, files_metadata=True), timeout_s
        )
    except Exception as error:  # noqa: BLE001 - the client's errors change class between its versions
        return f"{where}, and the hub does not give it ({short(error)})", None
    size = sum(file.size or 0 for file in info.siblings or ())
    return f"{where}; the first run fetches up to {size / 1e9:.2f} GB from the hub", size
