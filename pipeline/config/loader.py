"""config.yaml to typed settings: `${ENV}`, `.env`, `--set a.b=c`, and errors that name key, value, choices and line."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.config.faults import Places, explained, place_of
from pipeline.config.root import Settings
from pipeline.config.yaml_reader import YamlFault, parse_yaml, read_yaml_file
from pipeline.errors import ConfigurationError
from pipeline.masking import know_addresses, know_environment, know_settings, masked_content

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings with where they came from."""

    settings: Settings
    path: Path | None
    content: Mapping[str, object]
    """The document as written plus overrides, variables unresolved and passwords masked: safe to store."""
    content_hash: str
    """SHA-256 of `content` as canonical JSON."""
    places: Places
    """Where each key of `content` was said."""


def load_settings(path: Path | None, overrides: Sequence[str] = (), env_file: Path | None = None) -> LoadedSettings:
    """Read, override, resolve and validate.

    Args:
        path: config.yaml; None for the defaults alone.
        overrides: `key.path=value` each, the value read as YAML.
        env_file: variables in addition to the environment, which wins; default `.env` beside the config.

    Raises:
        ConfigurationError: file missing, not YAML, unknown key, wrong type or value, impossible combination,
            unset variable; every fault found is listed, one a line.
    """
    document, places = _read_yaml(path) if path else ({}, {})
    for override in overrides:
        _apply_override(document, override, places)
    environment = _environment(env_file or (path.parent / ".env" if path else Path(".env")))
    know_environment(environment)
    where = str(path) if path else "defaults"
    resolved = _resolve(document, (), environment, places, where)
    know_settings(resolved, environment)
    try:
        settings = Settings.model_validate(resolved)
    except ValidationError as error:
        raise ConfigurationError("\n".join(explained(error, Settings, places, where))) from None
    know_settings(settings.model_dump(mode="json"), environment)
    content = masked_content(document)
    canonical = json.dumps(content, sort_keys=True, default=str)
    return LoadedSettings(settings, path, content, hashlib.sha256(canonical.encode()).hexdigest(), places)


def load_exported(config: Path, overrides: Sequence[str]) -> LoadedSettings:
    """The same, with `.env` beside the file exported: for commands whose client libraries read the environment."""
    loaded = load_settings(config, overrides)
    export_env_file(config.parent / ".env")
    return loaded


def _read_yaml(path: Path) -> tuple[dict[str, Any], Places]:
    if not path.exists():
        raise ConfigurationError(f"{path}: no such file; give --config FILE or run from the project folder")
    read = read_yaml_file(path)
    if read.value is None:
        return {}, {}
    if not isinstance(read.value, dict):
        raise ConfigurationError(f"{path}: must hold keys at its top level, found a {type(read.value).__name__}")
    places = {key: f"{path}:{line}" for key, line in read.lines.items()}
    # An area left empty means its defaults.
    return {key: value for key, value in read.value.items() if value is not None}, places


def _apply_override(document: dict[str, Any], override: str, places: Places) -> None:
    key, separator, raw = override.partition("=")
    know_addresses(raw)  # before anything is said of it
    names = key.strip().split(".")
    if not separator or not all(names):
        raise ConfigurationError(f"--set {key}: write --set key.path=value, as in --set input.path=/recordings")
    try:
        value = parse_yaml(raw).value
    except YamlFault as fault:
        raise ConfigurationError(f"--set {key}: the value is not valid YAML: {fault}") from None
    area = document
    for name in names[:-1]:
        inner = area.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigurationError(f"--set {key}: {name} holds a single value, it has no keys below it")
        area = inner
    area[names[-1]] = value
    for below in [path for path in places if path[: len(names)] == tuple(names)]:
        del places[below]
    places[tuple(names)] = f"--set {key}"


def _environment(env_file: Path) -> Mapping[str, str]:
    from dotenv import dotenv_values

    from_file = {k: v for k, v in dotenv_values(env_file).items() if v is not None} if env_file.is_file() else {}
    return {**from_file, **os.environ}


def _resolve(node: Any, path: tuple[str, ...], environment: Mapping[str, str], places: Places, where: str) -> Any:
    if isinstance(node, dict):
        return {key: _resolve(value, (*path, key), environment, places, where) for key, value in node.items()}
    if isinstance(node, list):
        return [_resolve(value, (*path, str(i)), environment, places, where) for i, value in enumerate(node)]
    if not isinstance(node, str):
        return node

    def substitute(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        value = environment.get(name, default)
        if value is None:
            raise ConfigurationError(
                f"{place_of(where, places, path)}: {'.'.join(path)}: the environment variable {name} is not set; "
                f"set it, put it into .env, or write ${{{name}:-default}}"
            )
        return value

    return _VARIABLE.sub(substitute, node)


def export_env_file(env_file: Path) -> None:
    """Let client libraries that read the environment themselves (AWS, OpenAI) see `.env` too; the environment wins."""
    for name, value in _environment(env_file).items():
        os.environ.setdefault(name, value)
