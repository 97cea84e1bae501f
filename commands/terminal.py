"""Only this file writes to the terminal. Text is never read as markup, control characters have no effect, secrets are
masked."""

from __future__ import annotations

import json
import sys
from typing import Any

from pipeline.masking import masked, masked_content
from pipeline.visible_text import one_line, visible


def say(text: str) -> None:
    """A line or more on standard output, not wrapped; at once, also where a program reads it."""
    print(visible(masked(text)), flush=True)  # noqa: T201 - the one place


def say_secret(text: str) -> None:
    """The same for an address with its password, where that is what was asked for."""
    print(visible(text))  # noqa: T201 - the one place


def say_json(value: object) -> None:
    """JSON for machines: characters a terminal would act on are escaped, which changes no value."""
    print(visible(json.dumps(masked_content(value), ensure_ascii=False, default=str)))  # noqa: T201 - the one place


def complain(text: str) -> None:
    """A line or more on standard error."""
    print(visible(masked(text)), file=sys.stderr)  # noqa: T201 - the one place


def show_misuse(error: Any) -> None:
    """Typer's message on a wrong command line (an error with `message`, which quotes what was typed)."""
    context = error.ctx
    if context is None or error.message != context.get_help():  # a group without a command shows its help
        error.message = one_line(masked(error.message))
    error.show()


def never_fail_on_characters() -> None:
    """What a terminal's encoding cannot show is escaped instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
