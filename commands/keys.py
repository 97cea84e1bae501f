"""`run.py keys`: make a key, change keys, check what is encrypted."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from commands.exit_codes import ExitCode
from commands.options import DEFAULT_CONFIG, ConfigOption, SetOption
from pipeline.errors import ConfigurationError, EarshotError, OutputUnavailable

app: typer.Typer = typer.Typer(no_args_is_help=True)

_CHECKED = 1 << 20


@app.command()
def make(
    path: Annotated[Path, typer.Argument(help="New file. Keep a copy elsewhere: without it nothing is read.")],
) -> None:
    """Write a new random key to a file that only its owner may read. Example: run.py keys make /etc/earshot/key"""
    from commands.terminal import say
    from pipeline.encryption.keys import LocalKey, new_key, parsed_key

    text = new_key()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(f"{path}: is there already; a key is never overwritten") from None
    except OSError as error:
        raise OutputUnavailable(f"{path}: cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
    say(f"{LocalKey(parsed_key(text, str(path))).key_id}  (encryption.key: file:{path})")


@app.command()
def rotate(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """Wrap each recording's own key anew with encryption.key. Nothing is encrypted again, and nothing has to stop."""
    from commands.terminal import say
    from pipeline.encryption.here import ring
    from pipeline.encryption.sealed import rewrap

    folder = _recordings(config, overrides)
    if ring().key_id is None:
        raise ConfigurationError("encryption.key is not set: there is no key to change to")
    counts, faults = Counter[str](), 0
    for path in _sealed(folder):
        try:
            counts["changed" if rewrap(path, ring()) else "had it already"] += 1
        except (EarshotError, OSError) as error:
            faults += 1
            say(f"{path}: {error}")
    told = ", ".join(f"{number} {what}" for what, number in sorted(counts.items())) or "no recording is encrypted"
    say(f"{ring().key_id}: {told}" + (f", {faults} could not be changed" if faults else ""))
    sys.exit(ExitCode.CALLS_FAILED if faults else ExitCode.DONE)


@app.command()
def check(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """Read every encrypted recording to its end: were they changed, cut off or mixed up, and which key do they need?"""
    from commands.terminal import say
    from pipeline.encryption.here import ring
    from pipeline.encryption.sealed import SealedReader

    folder = _recordings(config, overrides)
    by_key, faults = Counter[str](), 0
    for path in _sealed(folder):
        try:
            with SealedReader(path.open("rb"), ring(), path.name) as file:
                while file.read(_CHECKED):
                    pass
            by_key[file.header.wrapped.key_id] += 1
        except (EarshotError, OSError) as error:
            faults += 1
            say(f"{path}: {error}")
    for key_id, number in sorted(by_key.items()):
        say(f"{key_id}: {number} whole")
    if not by_key and not faults:
        say(f"no recording in {folder} is encrypted")
    sys.exit(ExitCode.CALLS_FAILED if faults else ExitCode.DONE)


def _recordings(config: Path, overrides: list[str] | None) -> Path:
    """The folder of recordings; keys are at hand from here on."""
    from pipeline.config.loader import load_exported
    from pipeline.encryption.here import use_keys

    settings = load_exported(config, overrides or ()).settings
    use_keys(settings.encryption)
    return settings.service.recordings_dir


def _sealed(folder: Path) -> Iterator[Path]:
    from pipeline.encryption.sealed import is_sealed

    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and is_sealed(path):
            yield path
