"""Sub-commands put together when one is asked for. Typer reads the signature of every command it knows of, and that of
ours takes longer than all else that `--help` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer


@dataclass(frozen=True, slots=True)
class Later:
    """A sub-command that is not put together yet."""

    help: str
    """Its help, or as much of it as the first sentence."""
    add: Callable[[typer.Typer], None]
    """Registers it."""

    @property
    def summary(self) -> str:
        """What the list of commands says of it."""
        words = " ".join(self.help.partition("\n\n")[0].split())
        sentence, stop, _ = words.partition(". ")
        return sentence + stop.rstrip()


def command(function: Callable[..., Any], name: str | None = None) -> Later:
    """A function, whose docstring is its help; its own name by default."""

    def add(app: typer.Typer) -> None:
        app.command(name)(function)

    return Later(function.__doc__ or "", add)


def group(module: str, name: str, help_text: str) -> Later:
    """Commands of a module, whose `app` has them; the module is imported when one of them is asked for."""

    def add(app: typer.Typer) -> None:
        app.add_typer(import_module(module).app, name=name, help=help_text)

    return Later(help_text, add)


class Commands(MutableMapping[str, Any]):
    """Click's commands by name, each made at its first use."""

    def __init__(self, later: Mapping[str, Later]) -> None:
        self._later = later
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            self._later[name].add(alone)
            self._made[name] = typer.main.get_group(alone).commands[name]
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._later or name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._later, *self._made]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{name}: a sub-command is not taken away")
