"""Output kept beside its test, line by line: any change of it is seen, and read by whoever means it.

EARSHOT_PIN=1 python -m pytest tests/…      writes what comes out now; read the difference before it is committed
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path


def assert_pinned(name: str, text: str) -> None:
    """Fails where `text` is not what `pinned/NAME` beside the test holds. Pictures and pages stand one tag a line."""
    test = Path(inspect.stack()[1].filename)
    path = test.parent / "pinned" / name
    lines = text.replace("><", ">\n<").splitlines()
    if os.environ.get("EARSHOT_PIN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    assert lines == path.read_text(encoding="utf-8").splitlines(), f"{path}: if it is meant, see {__name__}"
