"""pyannote.audio, set up so that it reports to nobody, asks the hub for nothing, and loads only harmless checkpoints.

Its checkpoints are pickles and it loads them as such, so each is first read by PyTorch's restricted unpickler, which
knows tensors, plain values and the types named here: a file that passes cannot run code when it is loaded again. The
package's telemetry (it sends the length of every recording to its makers) is switched off.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.config.areas.speech.diarisation import PyannoteWeights
from pipeline.config.yaml_reader import read_yaml_file
from pipeline.errors import ConfigurationError, ModelUnavailable
from pipeline.weights.hub import Hub, WeightsWanted, short

_PATTERNS = ("config.yaml", "*/pytorch_model.bin", "*/*.npz")
_PICKLES = ("*.bin", "*.ckpt", "*.pt", "*.pth", "*.pkl")
_PIPELINE = "pyannote.audio.pipelines.SpeakerDiarization"
_OWN_PARTS = ("segmentation", "embedding", "plda")
_ARCHITECTURES = "pyannote.audio.models."


def import_pyannote() -> Any:
    """The package `pyannote.audio`. Raises ModelUnavailable where it is not installed or does not load."""
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
    try:
        with warnings.catch_warnings():
            # It warns at length that torchcodec, which decodes files, finds no FFmpeg; we hand it samples.
            warnings.simplefilter("ignore")
            import pyannote.audio
    except (ImportError, OSError, RuntimeError) as error:
        absent = isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("pyannote")
        what = "is not installed" if absent else f"does not load ({short(error)}), its torch may not fit"
        raise ModelUnavailable(
            f"pyannote.audio {what}; install the extra `pyannote`: pip install -r requirements-pyannote.lock"
        ) from error
    return pyannote.audio


def find_folder(weights: PyannoteWeights, setting: str, required: tuple[str, ...]) -> Path:
    """The folder of the pipeline, fetched if needed. Raises ModelUnavailable (within 10 s when no hub answers)."""
    hub = Hub(weights.allow_download, weights.hub_timeout_s, allow_setting=f"{setting}.allow_download")
    return hub.find(pipeline_weights(weights, setting, required)).folder


def pipeline_weights(
    weights: PyannoteWeights, setting: str = "diarisation.pyannote", required: tuple[str, ...] = ("config.yaml",)
) -> WeightsWanted:
    return WeightsWanted(
        model=weights.model,
        revision=weights.revision,
        patterns=_PATTERNS,
        required=required,
        setting=f"{setting}.model",
    )


def load_pipeline(weights: PyannoteWeights, setting: str) -> Any:
    """A `pyannote.audio.pipelines.SpeakerDiarization`, ready to be called. Raises ModelUnavailable."""
    audio = import_pyannote()
    folder = find_folder(weights, setting, ("config.yaml",))
    config = _read_config(folder)
    check_checkpoints(folder, weights, setting)
    import torch

    _limit_threads(torch, weights)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline = audio.Pipeline.from_pretrained(folder)
            return pipeline.to(torch.device(choose_device(torch, weights.device)))
    except Exception as error:
        # the package passes on whatever a broken file raises in yaml, numpy, torch or itself
        raise ModelUnavailable(
            f"{folder / 'config.yaml'}: pyannote.audio cannot load this {config['pipeline']['name']}: {short(error)}"
        ) from error


def load_segmentation(weights: PyannoteWeights, setting: str) -> Any:
    """The pipeline's segmentation model alone, in evaluation mode, on its device. Raises ModelUnavailable."""
    audio = import_pyannote()
    folder = find_folder(weights, setting, ("segmentation/pytorch_model.bin",)) / "segmentation"
    check_checkpoints(folder, weights, setting)
    import torch

    _limit_threads(torch, weights)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = audio.Model.from_pretrained(folder, strict=False)
            return model.eval().to(torch.device(choose_device(torch, weights.device)))
    except Exception as error:
        raise ModelUnavailable(f"{folder}: pyannote.audio cannot load this model: {short(error)}") from error


def choose_device(torch: Any, wanted: str) -> str:
    """`wanted`, or what `auto` stands for here. Raises ModelUnavailable where there is no such device."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return "cuda" if there["cuda"] else "cpu"
    if not there[wanted]:
        raise ModelUnavailable(f"pyannote: device {wanted} is not there; set its `device` to auto or cpu")
    return wanted


def untrusted(folder: Path, trusted_sha256: Iterable[str]) -> dict[Path, str]:
    """The files below `folder` that could run code when loaded, in order, with the SHA-256 of each; without those that
    are trusted."""
    trusted = {sha256.lower() for sha256 in trusted_sha256}
    paths = sorted(file for pattern in _PICKLES for file in folder.rglob(pattern))
    found = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return {path: sha256 for path, sha256 in found.items() if sha256 not in trusted}


def check_checkpoints(folder: Path, weights: PyannoteWeights, setting: str) -> None:
    """Refuse what could run code when loaded. Raises ModelUnavailable naming the file and what it asks for."""
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications

    known = [Problem, Resolution, Specifications, torch.torch_version.TorchVersion]
    for path, sha256 in untrusted(folder, weights.trusted_sha256).items():
        try:
            with torch.serialization.safe_globals(known):
                checkpoint = torch.load(path, map_location="cpu", weights_only=True)
            module = str(checkpoint["pyannote.audio"]["architecture"]["module"])
        except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError, OSError) as error:
            raise ModelUnavailable(
                f"{path}: not a checkpoint of pyannote.audio with weights only ({short(error)}); it could run code. "
                f"If it is yours, add its SHA-256 {sha256} to {setting}.trusted_sha256"
            ) from error
        if not module.startswith(_ARCHITECTURES):
            raise ModelUnavailable(f"{path}: names the foreign module {module}; only {_ARCHITECTURES}* are loaded")


def _read_config(folder: Path) -> dict[str, Any]:
    """config.yaml of a pipeline that needs nothing outside its folder. Raises ModelUnavailable."""
    path = folder / "config.yaml"
    try:
        config = read_yaml_file(path).value
        name, params = config["pipeline"]["name"], config["pipeline"]["params"]
    except (ConfigurationError, KeyError, TypeError) as error:
        raise ModelUnavailable(f"{path}: not the configuration of a pyannote pipeline: {short(error)}") from error
    if name != _PIPELINE or "preprocessors" in config:
        raise ModelUnavailable(f"{path}: pipeline {name}; only {_PIPELINE} without preprocessors is loaded")
    outside = [part for part in _OWN_PARTS if not str(params.get(part, "")).startswith("$model/")]
    if outside or any(".." in str(params[part]) or "@" in str(params[part]) for part in _OWN_PARTS):
        raise ModelUnavailable(
            f"{path}: {', '.join(outside or _OWN_PARTS)} must be given as $model/FOLDER, so that all weights are in "
            "one place (pipelines made for pyannote.audio 3 are not; take pyannote/speaker-diarization-community-1)"
        )
    return dict(config)


def _limit_threads(torch: Any, weights: PyannoteWeights) -> None:
    if weights.cpu_threads:
        torch.set_num_threads(weights.cpu_threads)
