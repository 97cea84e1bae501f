"""Where a command line begins: what asks for the version alone needs no parser of command lines."""

from __future__ import annotations

import sys


def main() -> None:
    """`commands.app`, but for `--version` alone, which a script may ask often."""
    if sys.argv[1:] == ["--version"]:
        from commands.version import show_version

        show_version()
        return
    from commands.app import main as whole_command_line

    whole_command_line()
