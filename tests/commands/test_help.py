"""The help of every command, kept: options, the names of their values, defaults and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.commands.running import called
from tests.pinned import assert_pinned


def helps(*command: str) -> Iterator[str]:
    """Of a command, then of those below it."""
    text = called([*command, "--help"]).stdout
    yield re.sub(r"python -m \S+|run\.py(?= [a-z]* ?\[OPT)", "run.py", text)
    for name in re.findall(r"^  ([a-z]+)  +\S", text.partition("\nCommands:\n")[2], re.MULTILINE):
        yield from helps(*command, name)


def test_the_help_of_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert_pinned("help.txt", "\n".join(helps()))
