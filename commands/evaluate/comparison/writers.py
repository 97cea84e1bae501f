"""The report as Markdown and as one HTML page that loads nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from commands.evaluate.comparison.document import Report, Table
from pipeline.masking import masked
from pipeline.visible_text import one_line, visible

_MARKS = re.compile(r"([\\`*_{}\[\]<>|#])")


def markdown(report: Report) -> str:
    """Text of calls and file names is escaped: it cannot become a link, a heading or a cell."""
    lines = [f"# {_plain(report.title)}", "", f"{report.when} UTC, {_plain(report.machine)}", ""]
    for section in report.sections:
        lines += [f"## {_plain(section.title)}", ""]
        for text in section.text:
            lines += [_plain(text), ""]
        if section.table is not None and section.table.rows:
            lines += [*_rows(section.table), ""]
        if section.points:
            lines += [*(f"- {_plain(point)}" for point in section.points), ""]
    return masked("\n".join(lines))


def _rows(table: Table) -> Iterator[str]:
    yield _row(table.header)
    yield "|" + "---|" * len(table.header)
    for row in table.rows:
        yield _row(row)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", one_line(text))


def html(report: Report) -> str:
    from jinja2 import Environment, FileSystemLoader

    folder = Path(__file__).parent
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return visible(masked(environment.get_template("page.html.j2").render(report=report)))
