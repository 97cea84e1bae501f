"""`--version`."""

from __future__ import annotations

from commands.terminal import say
from pipeline.version import project_version


def show_version() -> None:
    say(f"Earshot {project_version()}")
