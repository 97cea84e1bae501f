"""Output kept beside its test, line by line: any change of it is seen, and read by whoever means it.

EARSHOT_PIN=1 python -m pytest tests/…      writes what comes out now; read the difference before it is committed

A number with decimals may differ by one in its last place: from one processor to another, sums do.
"""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path

_DECIMALS = re.compile(r"\d+\.(\d+)")


def assert_pinned(name: str, text: str) -> None:
    """Fails where `text` is not what `pinned/NAME` beside the test holds. Pictures and pages stand one tag a line."""
    test = Path(inspect.stack()[1].filename)
    path = test.parent / "pinned" / name
    lines = text.replace("><", ">\n<").splitlines()
    if os.environ.get("EARSHOT_PIN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    kept = path.read_text(encoding="utf-8").splitlines()
    if len(lines) == len(kept):
        lines = [old if same(new, old) else new for new, old in zip(lines, kept, strict=True)]
    assert lines == kept, f"{path}: if it is meant, see {__name__}"


def same(new: str, old: str) -> bool:
    """Whether two lines are equal but for the last place of numbers with decimals."""
    if _DECIMALS.sub("", new) != _DECIMALS.sub("", old):
        return False
    return all(
        len(left[1]) == len(right[1]) and abs(float(left[0]) - float(right[0])) < 1.5 * 10 ** -len(left[1])
        for left, right in zip(_DECIMALS.finditer(new), _DECIMALS.finditer(old), strict=True)
    )
