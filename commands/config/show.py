"""`run.py config show|diff`: what the settings are, and where each comes from."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.options import DEFAULT_CONFIG
from commands.terminal import say, say_json
from pipeline.config.document import redoes, takes
from pipeline.config.keys import Key, keys_of, plain, yaml_text
from pipeline.config.loader import LoadedSettings, load_settings
from pipeline.config.root import Settings
from pipeline.config.yaml_reader import KeyPath
from pipeline.errors import ConfigurationError
from pipeline.masking import masked_content

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Effective:
    """A key with its current value, secrets masked."""

    key: Key
    value: Any
    """The value as JSON, or as written if it contains variables."""
    default: Any
    origin: str
    """`default`, `config.yaml:12` or `--set run.order`."""


def show_settings(config: Path, overrides: Sequence[str], key: str | None, as_json: bool) -> int:
    """Print every setting, or those of `key` and below. Raises ConfigurationError for an unknown key."""
    chosen = _below(list(effective(load_settings(_file(config), overrides))), key)
    if len(chosen) == 1 and chosen[0].key.name == key and not as_json:
        _tell_one(chosen[0])
    else:
        _tell(chosen, as_json)
    return 0


def show_differences(config: Path, overrides: Sequence[str], as_json: bool) -> int:
    """Print the settings that are not the default."""
    settings = effective(load_settings(_file(config), overrides))
    chosen = [setting for setting in settings if setting.value != setting.default]
    if chosen or as_json:
        _tell(chosen, as_json, with_default=True)
    else:
        say("every setting is the default")
    return 0


def effective(loaded: LoadedSettings) -> Iterator[Effective]:
    """Every key in the order of the areas; keys for tests only where the configuration names them."""
    holding, defaults = masked_content(plain(loaded.settings)), plain(Settings())
    for key in keys_of(loaded.settings):
        said = _at(loaded.content, key.path)
        if said is not _NOWHERE or not key.for_tests:
            value = said if _has_variable(said) else _at(holding, key.path)
            origin = DEFAULT if said is _NOWHERE else _place(loaded.places, key.path)
            yield Effective(key, value, _at(defaults, key.path), origin)


_NOWHERE = object()


def _at(content: object, path: KeyPath) -> Any:
    for name in path:
        if not isinstance(content, Mapping) or name not in content:
            return _NOWHERE
        content = content[name]
    return content


def _has_variable(said: object) -> bool:
    return "${" in json.dumps(said, default=str) if said is not _NOWHERE else False


def _place(places: Mapping[KeyPath, str], path: KeyPath) -> str:
    return next((places[path[:depth]] for depth in range(len(path), 0, -1) if path[:depth] in places), DEFAULT)


def _file(config: Path) -> Path | None:
    """None if no file was named and none exists: only the defaults apply."""
    return None if config == DEFAULT_CONFIG and not config.exists() else config


def _below(settings: list[Effective], key: str | None) -> list[Effective]:
    """Raises ConfigurationError for an unknown key."""
    if key is None:
        return settings
    chosen = [setting for setting in settings if f"{setting.key.name}.".startswith(f"{key}.")]
    if not chosen:
        names = {".".join(setting.key.path[:depth]) for setting in settings for depth in range(1, 6)}
        close = difflib.get_close_matches(key, sorted(names), n=3)
        last = key.rpartition(".")[2]
        close += [name for name in sorted(names) if name.endswith(f".{last}") and name not in close][:3]
        hint = f"; did you mean {' or '.join(close)}?" if close else "; `run.py config show` lists all"
        raise ConfigurationError(f"no setting {key}{hint}")
    return chosen


def _tell_one(setting: Effective) -> None:
    say(f"{setting.key.name}: {yaml_text(setting.value)}")
    say(f"from:    {setting.origin}")
    say(f"default: {yaml_text(setting.default)}")
    say(f"takes:   {takes(setting.key.path)}")
    say(f"redoes:  {redoes(setting.key.path) or 'nothing'}")
    say(f"meaning: {' '.join((setting.key.field.description or '').split())}")


def _tell(settings: Sequence[Effective], as_json: bool, with_default: bool = False) -> None:
    if as_json:
        rows = [
            {"setting": setting.key.name, "value": setting.value, "default": setting.default, "from": setting.origin}
            for setting in settings
        ]
        say_json(rows)
        return
    for setting in settings:
        default = f"; default {yaml_text(setting.default)}" if with_default else ""
        say(f"{setting.key.name}: {yaml_text(setting.value)}  # {setting.origin}{default}")
