"""Characters a terminal would act on instead of showing them. A leaf: standard library only."""

from __future__ import annotations

import re

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # ESC and the rest of C0 and C1; not tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # directions of writing
    "\u2028\u2029\ufeff\ud800-\udfff]"  # line separators, byte order mark, bytes that were not UTF-8
)


def visible(text: str) -> str:
    """The text with control characters, direction marks and lone surrogates written out: `\\u001b`.

    Line feeds and tabs stay. JSON means the same afterwards.
    """
    return _ACTING.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def one_line(text: str) -> str:
    """The same for a name or a cell: line feeds and tabs are written out, too."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")
