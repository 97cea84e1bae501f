"""From records to HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from db.queries.listing import MARK_BEGIN, MARK_END
from pages import numbers, words
from pipeline.masking import masked
from pipeline.moments import clock
from pipeline.plurals import counted
from pipeline.roles import ROLE_NAMES
from pipeline.visible_text import one_line

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
SERVED_ALONE = frozenset({"live.js"})
"""Assets of pages that are served and never written to a folder."""
LONGEST_SNIPPET = 180
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What HTML knows no meaning for. Direction marks stay: right-to-left text needs them, and each text is isolated."""


def page(template: str, **content: Any) -> str:
    """The HTML of a template; every value in it is text, never markup. Secrets are masked."""
    return _NO_TEXT.sub("\ufffd", masked(_environment().get_template(f"{template}.html.j2").render(**content)))


def marked(quote: str) -> Markup:
    """A quote with the words that were looked for in <mark>."""
    begin, end = Markup("<mark>"), Markup("</mark>")
    escaped = str(Markup.escape(quote))
    return Markup(escaped.replace(MARK_BEGIN, begin).replace(MARK_END, end))  # noqa: S704 - escaped above


def sentence(text: str | None) -> str:
    """A reason as it is stored, as a sentence."""
    if not text:
        return ""
    ended = text if text.endswith((".", "!", "?", "…")) else f"{text}."
    return ended[:1].upper() + ended[1:]


def snippet(summary: str) -> str:
    """The beginning of a summary; who says it is left to the page."""
    lines = (re.sub(r"^(agent|client|unknown): ", "", line.strip()) for line in summary.splitlines())
    text = " ".join(line for line in lines if line)
    return text if len(text) <= LONGEST_SNIPPET else text[:LONGEST_SNIPPET].rsplit(" ", 1)[0] + " …"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: Mapping[str, Any] = {
        "clock": clock,
        "length": numbers.length,
        "share": numbers.share,
        "number": numbers.number,
        "moment": numbers.moment,
        "counted": counted,
        "name": one_line,
        "marked": marked,
        "call_flag": words.call_flag,
        "snippet": snippet,
        "sentence": sentence,
    }
    environment.filters.update(filters)
    environment.globals.update(
        ROLES=ROLE_NAMES,
        MOODS=words.MOODS,
        DIRECTIONS=words.DIRECTIONS,
        STATUSES=words.STATUSES,
        STEPS=words.STEPS,
        ORDINARY=words.ORDINARY,
    )
    return environment
