"""`--model PATH_OR_NAME`: the recogniser a model is for, and the settings that name it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config.areas.speech.mlx_qwen3 import DEFAULT_MODEL, DEFAULT_REVISION
from pipeline.errors import ConfigurationError

_COMMITS = {
    DEFAULT_MODEL: DEFAULT_REVISION,
    "Qwen/Qwen3-ASR-1.7B": "7278e1e70fe206f11671096ffdd38061171dd6e5",
    "Systran/faster-whisper-tiny": "d90ca5fe260221311c53c58e660288d3deb8d356",
    "Systran/faster-whisper-tiny.en": "0d3d19a32d3338f10357c0889762bd8d64bbdeba",
    "Systran/faster-whisper-base": "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
    "Systran/faster-whisper-small": "536b0662742c02347bc0e980a01041f333bce120",
    "Systran/faster-whisper-small.en": "d1d751a5f8271d482d14ca55d9e2deeebbae577f",
    "Systran/faster-whisper-medium": "08e178d48790749d25932bbc082711ddcfdfbc4f",
    "Systran/faster-whisper-medium.en": "a29b04bd15381511a9af671baec01072039215e3",
    "Systran/faster-whisper-large-v2": "f0fe81560cb8b68660e564f55dd99207059c092e",
    "Systran/faster-whisper-large-v3": "edaa852ec7e145841d8ffdb056a99866b5f0a478",
    "mobiuslabsgmbh/faster-whisper-large-v3-turbo": "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
}
"""The hub's repositories whose commit is known here."""
_SHORT_NAMES: Mapping[str, str] = {
    **{name.rpartition("faster-whisper-")[2]: name for name in _COMMITS if "whisper" in name},
    "large": "Systran/faster-whisper-large-v3",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
_ADVICE = (
    "give a folder with the weights, Qwen/Qwen3-ASR-0.6B, Qwen/Qwen3-ASR-1.7B, owner/name@COMMIT of another repository "
    f"of Qwen3-ASR or faster-whisper, or one of {', '.join(_SHORT_NAMES)}"
)


def settings_of_model(model: str) -> dict[str, Any]:
    """Dotted keys and their values that make a run use this model and no other.

    Args:
        model: a folder, a name such as `small`, or a hub repository `owner/name`, with `@COMMIT` where it is none of
            those known here.

    Raises:
        ConfigurationError: no such folder or name, or a model of a kind no recogniser here reads.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _of_folder(folder)
    if folder.is_file():
        raise ConfigurationError(f"--model {model}: is a file; name its folder")
    name, _, commit = model.partition("@")
    repository = _SHORT_NAMES.get(name, name)
    engine = _engine_of_name(repository)
    if engine is None or repository.count("/") != 1:
        raise ConfigurationError(
            f"--model {model}: no such folder, and the name does not say which recogniser it is for; {_ADVICE}"
        )
    revision = commit or _COMMITS.get(repository)
    if revision is None:
        raise ConfigurationError(
            f"--model {model}: say which version of it: {repository}@COMMIT, where COMMIT is the 40 hex digits of the "
            "repository's history, or name a folder with its weights"
        )
    return _chosen(engine, model=repository, revision=revision)


def _engine_of_name(name: str) -> str | None:
    name = name.lower()
    if "qwen3-asr" in name:
        return "mlx_qwen3"
    return "faster_whisper" if "faster" in name and "whisper" in name else None


def _of_folder(folder: Path) -> dict[str, Any]:
    # A relative folder begins with ./ so that no engine takes it for a repository.
    path = str(folder) if folder.is_absolute() else f"./{folder}"
    if any((folder / name).is_file() for name in ("en-us.lm.bin", "cmudict-en-us.dict")):
        return _chosen("sphinx", model_dir=path)
    description = _read_description(folder)
    kind = str(description.get("model_type", ""))
    architectures = [str(name) for name in description.get("architectures") or ()]
    if kind == "qwen3_asr":
        return _chosen("mlx_qwen3", model=path)
    if any(name.endswith("ForCTC") for name in architectures):
        return _chosen("transformers_ctc", model=path)
    if (folder / "model.bin").is_file() and not architectures:
        return _chosen("faster_whisper", model=path)
    if kind == "whisper":
        raise ConfigurationError(
            f"--model {folder}: Whisper as transformers keeps it; convert it with ct2-transformers-converter, which "
            "comes with faster-whisper"
        )
    said = (
        f"a model of kind {kind or 'unknown'} ({', '.join(architectures) or 'of no named class'})"
        if kind or architectures
        else "nothing that shows its kind"
    )
    raise ConfigurationError(
        f"--model {folder}: holds {said}; the recognisers read Qwen3-ASR, Whisper for CTranslate2 (model.bin), CTC "
        "checkpoints of transformers, and PocketSphinx models. A language model goes into llm.mlx_lm.model"
    )


def _read_description(folder: Path) -> Mapping[str, Any]:
    path = folder / "config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"--model {folder}: {path} cannot be read: {error}") from None
    return content if isinstance(content, dict) else {}


def _chosen(engine: str, **options: Any) -> dict[str, Any]:
    return {
        "transcription.engines": [engine],
        **{f"transcription.{engine}.{key}": value for key, value in options.items()},
    }
