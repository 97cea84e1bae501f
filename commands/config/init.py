"""`run.py init`: asks what a configuration needs and writes a short one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import typer

from commands.options import DEFAULT_CONFIG
from commands.terminal import complain, say
from pipeline.config.areas.buckets import in_bucket
from pipeline.config.areas.file_names import AUTO, SHIPPED
from pipeline.config.areas.sources import InputSettings
from pipeline.config.loader import load_settings
from pipeline.config.model_choice import settings_of_model
from pipeline.config.short_file import short_text
from pipeline.errors import ConfigurationError

Ask = Callable[[str, str], str]
"""Question and proposed answer to the answer."""
SettingsOf = Callable[[str], dict[str, Any]]
"""An answer to dotted keys and values. Raises ConfigurationError for an answer that will not do."""


def write_short_configuration(given: Mapping[str, str | None], to: Path, overwrite: bool) -> int:
    """Ask for what `given` (input, roles, names, model) leaves open, if there is a terminal; write the file.

    Raises ConfigurationError: a flag with an invalid value, or a file that exists and may not be replaced.
    """
    ask = _ask if sys.stdin.isatty() else None
    _may_write(to, overwrite, ask)
    write_configuration(to, answers(given, ask))
    say(f"wrote {to}")
    say(f"  python run.py {'' if to == DEFAULT_CONFIG else f'--config {to} '}--dry-run   what a run would do")
    say("  python run.py doctor      what is usable here")
    return 0


def answers(given: Mapping[str, str | None], ask: Ask | None) -> dict[str, Any]:
    """Dotted keys and values from flags, and from answers to what no flag says.

    Raises ConfigurationError for a flag that will not do; a wrong answer is asked again.
    """
    values: dict[str, Any] = {}
    for name, (question, proposed, settings_of) in _QUESTIONS.items():
        said = given[name]
        if said is not None or ask is None:
            values |= _settings(proposed if said is None else said, settings_of)
        else:
            values |= _answered(partial(ask, question, proposed), settings_of)
    return values


def _answered(ask: Callable[[], str], settings_of: SettingsOf) -> dict[str, Any]:
    while True:
        try:
            return _settings(ask(), settings_of)
        except ConfigurationError as error:
            complain(str(error))


def _settings(answer: str, settings_of: SettingsOf) -> dict[str, Any]:
    return settings_of(answer.strip()) if answer.strip() else {}


def _input(answer: str) -> dict[str, Any]:
    if not in_bucket(answer) and not Path(answer).expanduser().exists():
        raise ConfigurationError(f"{answer}: no such folder or file; name the recordings, or s3://bucket/prefix")
    return _checked({"input.path": answer})


def _roles(answer: str) -> dict[str, Any]:
    return _checked({"audio.channel_roles": [role.strip().lower() for role in answer.split(",")]})


def _names(answer: str) -> dict[str, Any]:
    named_groups = "(?P<" in answer
    return _checked({"input.patterns": [{"pattern": answer}] if named_groups else [answer]})


def _model(answer: str) -> dict[str, Any]:
    return settings_of_model(answer)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values, if the configuration takes them. Raises ConfigurationError."""
    from pipeline.config.keys import yaml_text

    load_settings(None, [f"{key}={yaml_text(value)}" for key, value in values.items()])
    return values


_QUESTIONS: Mapping[str, tuple[str, str, SettingsOf]] = {
    "input": ("Recordings (folder, .zip or s3://bucket/prefix)", InputSettings().path, _input),
    "roles": ("Who speaks on the channels, first one first (agent, client, unknown)", "client,agent", _roles),
    "names": (
        f"What file names say ({', '.join(SHIPPED)}), or a pattern with (?P<name>…) groups",
        AUTO,
        _names,
    ),
    "model": ("Model: a folder, small, Qwen/Qwen3-ASR-0.6B …, or nothing to use what is available", "", _model),
}


def _may_write(to: Path, overwrite: bool, ask: Ask | None) -> None:
    """Raises ConfigurationError if the file exists and may not be replaced."""
    if not to.exists():
        return
    if not overwrite and not (ask and ask(f"{to} exists; replace it? (yes/no)", "no").lower().startswith("y")):
        raise ConfigurationError(f"{to} exists and was not changed; --overwrite replaces it, --to FILE writes another")
    say(f"{to} is replaced")


def write_configuration(to: Path, values: Mapping[str, Any]) -> None:
    """Write the short file, whole or not at all.

    Raises ConfigurationError: the settings do not go together, or the folder cannot be written to.
    """
    draft = to.with_name(f".{to.name}.partial")
    try:
        draft.write_text(short_text(values), encoding="utf-8")
        load_settings(draft)
        os.replace(draft, to)
    except OSError as error:
        raise ConfigurationError(f"{to}: cannot be written: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)


def _ask(question: str, proposed: str) -> str:
    return str(typer.prompt(question, default=proposed))
