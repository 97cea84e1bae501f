"""Tables and running lines on the terminal. Apart from `terminal.py`: loading rich takes longer than a `--help`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from pipeline.masking import masked
from pipeline.visible_text import one_line, visible

_FILLED = re.compile(r"[ ]+(?=\n)")
_UNBOUNDED = 10_000
"""Characters in a line of a file or a pipe."""


class Terminal(Console):
    """rich's console; strings are shown as they are, `[laughs]` and `:bell:` included."""

    def __init__(self, file: IO[str] | None = None, width: int | None = None) -> None:
        """`file`: standard output by default. `width` in characters: the terminal's, or what COLUMNS says.

        In a file or a pipe nothing is wrapped or cut: whoever searches a cron job's log finds a message on one line.
        """
        self._in_a_file = width is None and not os.environ.get("COLUMNS") and not (file or sys.stdout).isatty()
        super().__init__(
            file=file, width=_UNBOUNDED if self._in_a_file else width, markup=False, emoji=False, highlight=False
        )

    def print(self, *objects: Any, **how: Any) -> None:
        """As rich does; in a file a table's lines are not filled up with blanks to its longest one."""
        if not self._in_a_file:
            super().print(*objects, **how)
            return
        with self.capture() as shown:
            super().print(*objects, **how)
        self.file.write(_FILLED.sub("", shown.get()))
        self.file.flush()

    def render_str(self, text: str, **how: Any) -> Text:
        """Every string comes through here: printed, in a table's cells, in its title."""
        return super().render_str(visible(masked(text)), **how)


def cell(text: object, style: str = "") -> Text:
    """Anything as one line of a table; None is shown as `–`."""
    return Text("–" if text is None else one_line(masked(str(text))), style)


def table(
    title: str | None = None, headings: Iterable[str | Text] = (), *, figures: bool = False, folded: bool = False
) -> Table:
    """`figures`: all columns but the first hold numbers. `folded`: a long cell goes on in further lines."""
    made = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        justify: JustifyMethod = "right" if figures and number else "left"
        made.add_column(heading, justify=justify, overflow="fold" if folded else "ellipsis")
    return made
