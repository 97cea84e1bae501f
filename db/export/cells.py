"""Values as spreadsheet cells: JSON where they are structured, formulas defused."""

from __future__ import annotations

import functools
import json
import re
import uuid
from datetime import datetime
from typing import Any

IGNORED_BY_IMPORTERS = " \u00a0\u200b\u200c\u200d\u2060\ufeff"
"""Blank or invisible characters that an importer may drop before it looks for a formula."""

FORMULA_SIGNS = "=+-@⁺⁼₊₌⩵⩶﬩﹢﹣﹦﹫＋－＝＠"
"""Characters a formula may begin with: every character that becomes = + - or @ by compatibility (NFKC)."""

SEPARATORS = ",;\t|\r\n"
"""Characters at which a spreadsheet may split a line or a file, whatever separator it was written with."""

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_FIRST = re.compile(rf"(?!{_NUMBER}\Z)[{IGNORED_BY_IMPORTERS}]*[{re.escape(FORMULA_SIGNS)}\t\r\n]")


def defused(text: str, delimiter: str | None = None) -> str:
    """The text, with an apostrophe wherever a spreadsheet could take what follows for a formula.

    Text could be a formula when it begins with = + - @ (full-width and small forms too), a tab or a line break, also
    after blanks; a plain number stays as it is. After OWASP's "CSV Injection" page. `delimiter` is the separator of the
    file. A reader may split the file at another one, so a formula sign right after any other separator gets an
    apostrophe, too.
    """
    if delimiter is not None:
        text = _field_starts(delimiter).sub(r"\1'\2", text)
    return "'" + text if _FIRST.match(text) else text


@functools.cache
def _field_starts(delimiter: str) -> re.Pattern[str]:
    """A separator and any characters after it that importers ignore; then the sign of a formula that is no number."""
    separators = re.escape("".join(separator for separator in SEPARATORS if separator != delimiter))
    ends = rf"\s*(?:[{re.escape(SEPARATORS)}\"\]}}]|\Z)"
    return re.compile(rf"([{separators}][{IGNORED_BY_IMPORTERS}\"]*)(?!{_NUMBER}{ends})([{re.escape(FORMULA_SIGNS)}])")


def cell_text(value: Any, delimiter: str | None = None) -> str:
    """A value as text of a cell: empty for a missing one, a tuple of words listed, lists and mappings as JSON.

    `delimiter` is that of the CSV file it goes into, None for a format that is never split. In JSON the sign of a
    formula is escaped, so that a reader of the JSON gets it back.
    """
    match value:
        case None:
            return ""
        case str():
            return defused(value, delimiter)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case datetime():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case dict() | list():
            text = json.dumps(value, ensure_ascii=False)
            return text if delimiter is None else _field_starts(delimiter).sub(_escaped, text)
        case tuple():
            return defused("; ".join(map(str, value)), delimiter)
    raise TypeError(f"a cell cannot hold {type(value).__name__}")


def _escaped(match: re.Match[str]) -> str:
    return f"{match[1]}\\u{ord(match[2]):04x}"
