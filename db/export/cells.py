"""Values as spreadsheet cells: JSON where they are structured, formulas defused."""

from __future__ import annotations

import json
import re
import unicodedata
import uuid
from datetime import datetime
from typing import Any

PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)

IGNORED_BY_IMPORTERS = " \u00a0\u200b\u200c\u200d\u2060\ufeff"
"""Blank or invisible characters that an importer may drop before it looks for a formula."""


def defused(text: str) -> str:
    """The text, behind an apostrophe when a spreadsheet could take it for a formula.

    That is when it begins with = + - @ (full-width and small forms too), a tab or a carriage return, also after blanks.
    A plain negative number stays one. After OWASP's "CSV Injection" page.
    """
    if PLAIN_NUMBER.fullmatch(text):
        return text
    visible = text.lstrip(IGNORED_BY_IMPORTERS)
    if visible and (visible[0] in "\t\r\n" or unicodedata.normalize("NFKC", visible[0])[0] in "=+-@"):
        return "'" + text
    return text


def cell_text(value: Any) -> str:
    """A value as text of a CSV cell: empty for a missing one, a tuple of words listed, lists and mappings as JSON."""
    match value:
        case None:
            return ""
        case str():
            return defused(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case datetime():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case tuple():
            return defused("; ".join(map(str, value)))
    raise TypeError(f"a cell cannot hold {type(value).__name__}")
