"""Text sentiment by a sequence classifier of the `transformers` library, from a folder or a pinned hub id."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.records import Sentiment
from pipeline.config.areas.sentiment import Device, TransformersModel, TransformersSettings
from pipeline.errors import ModelUnavailable

ORDER = ("negative", "neutral", "positive")
_SAMPLE = 1 << 20
"""Bytes read at both ends of each file to tell folders apart without reading gigabytes."""
HUB = "https://huggingface.co"


class TransformersSentiment:
    """One classifier; loaded at first use. Any language its makers taught it (`languages` narrows that down)."""

    name = "transformers"

    def __init__(self, model: TransformersModel, settings: TransformersSettings) -> None:
        self._chosen, self._settings = model, settings
        self.model = model.model or ""
        self.languages: frozenset[str] | None = frozenset(settings.languages) if settings.languages else None
        self._places: dict[int, str] = {}
        self._tokenizer: Any = None
        self._classifier: Any = None
        self._device = "cpu"
        self._identity: str | None = None

    def identity(self) -> str:
        if self._identity is None:
            what = _folder_hash(Path(self.model).expanduser()) if self._chosen.is_folder else self._chosen.revision
            options = f"{self._settings.max_tokens} {sorted(self._chosen.labels.items())} {self._settings.languages}"
            self._identity = f"transformers {self.model} {what} {options}"
        return self._identity

    def predict(self, texts: Sequence[str]) -> list[Sentiment]:
        """Batches of similar length, so that little is padding. Raises ModelUnavailable when it cannot be loaded."""
        if not texts:
            return []
        if self._classifier is None:
            self._load()
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        found: dict[int, Sentiment] = {}
        for first in range(0, len(order), self._settings.batch_size):
            places = order[first : first + self._settings.batch_size]
            found.update(zip(places, self._batch([texts[at] for at in places]), strict=True))
        return [found[at] for at in range(len(texts))]

    def _batch(self, texts: list[str]) -> list[Sentiment]:
        import torch

        inputs = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self._settings.max_tokens, return_tensors="pt"
        ).to(self._device)
        with torch.inference_mode():
            logits = self._classifier(**inputs).logits
        rows = torch.softmax(logits.double(), dim=-1).cpu().tolist()
        return [self._sentiment(row) for row in rows]

    def _sentiment(self, row: Sequence[float]) -> Sentiment:
        shares = dict.fromkeys(ORDER, 0.0)
        for at, share in enumerate(row):
            shares[self._places[at]] += share
        total = sum(shares.values())
        return Sentiment(*(shares[name] / total for name in ORDER))

    def _load(self) -> None:
        try:
            import torch
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        except ImportError as error:
            raise ModelUnavailable(
                f"sentiment.text.engine transformers: {error}; install the extra with torch and transformers, "
                "or choose sklearn or lexicon"
            ) from None
        source, options = self._source()
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(source, **options)
            self._classifier = AutoModelForSequenceClassification.from_pretrained(source, **options)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ModelUnavailable(f"sentiment model {self.model}: cannot be loaded: {error}") from None
        self._places = self._label_places(self._classifier.config.id2label)
        self._device = _device(self._settings.device, torch)
        self._classifier.to(self._device).eval()

    def _source(self) -> tuple[str, dict[str, Any]]:
        """Folder or hub id, with the options of loading: never code from a repository."""
        if self._chosen.is_folder:
            folder = Path(self.model).expanduser()
            if not (folder / "config.json").is_file():
                raise ModelUnavailable(
                    f"sentiment model {folder}: no config.json there; name the folder of a saved model"
                )
            return str(folder), {"local_files_only": True}
        options: dict[str, Any] = {"revision": self._chosen.revision}
        if _in_cache(self.model, self._chosen.revision):
            return self.model, {**options, "local_files_only": True}
        _check_hub(self.model, self._settings.hub_timeout_s)
        return self.model, options

    def _label_places(self, names: dict[int, str]) -> dict[int, str]:
        """Output place to our label. Raises ModelUnavailable for a name the configuration does not map."""
        mapping = {written.lower(): meant for written, meant in self._chosen.labels.items()}
        unknown = sorted(name for name in names.values() if name.lower() not in mapping)
        if unknown:
            raise ModelUnavailable(
                f"sentiment model {self.model}: its labels {unknown} are not in `labels` "
                f"({', '.join(sorted(self._chosen.labels))}); map each to negative, neutral or positive"
            )
        return {int(at): mapping[name.lower()] for at, name in names.items()}

    def close(self) -> None:
        self._tokenizer = self._classifier = None


def _device(wanted: Device, torch: Any) -> str:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted is Device.AUTO:
        return next(name for name, usable in there.items() if usable)
    if not there[wanted.value]:
        usable = ", ".join(name for name, there_is in there.items() if there_is)
        raise ModelUnavailable(
            f"sentiment.text.transformers.device: {wanted.value} is not on this machine; there is {usable}"
        )
    return wanted.value


def _in_cache(model: str, revision: str | None) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(model, "config.json", revision=revision), str)


def _check_hub(model: str, timeout_s: float, hub: str | None = None) -> None:
    """Raises ModelUnavailable within `timeout_s` when no hub answers; the library itself would retry for minutes."""
    import os
    import threading
    import urllib.error
    import urllib.request

    base = (hub or os.environ.get("HF_ENDPOINT", HUB)).rstrip("/")
    problem: list[str] = ["no answer"]

    def ask() -> None:
        try:
            request = urllib.request.Request(f"{base}/{model}/resolve/main/config.json", method="HEAD")  # noqa: S310
            with urllib.request.urlopen(request, timeout=timeout_s):  # noqa: S310 - an https address or the user's own
                problem.clear()
        except urllib.error.HTTPError:
            # It answered: what it thinks of the model is for the library to say.
            problem.clear()
        except (OSError, ValueError) as error:
            problem[:] = [str(error)]

    # In a thread, because resolving a name has no time limit of its own.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout_s)
    if problem:
        raise ModelUnavailable(
            f"sentiment model {model}: not on disk, and the hub ({base}) cannot be reached: {problem[0]}; "
            "fetch it on a machine that can, and name its folder in sentiment.text.transformers"
        )


def _folder_hash(folder: Path) -> str:
    """Names, sizes and both ends of all files: enough to notice another model, quick enough for planning."""
    digest = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE))
            file.seek(max(0, size - _SAMPLE))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()
