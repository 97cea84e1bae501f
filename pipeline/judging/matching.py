"""Which truth a recording has: the one with its name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import PurePath


def name_in(known: Collection[str], file_names: Iterable[str], call_key: str | None = None) -> str | None:
    """The name among `known` that is this call's, None where there is none.

    Args:
        file_names: of the recording; both where it has a file for each side.
        call_key: what the names of both files say of the call, without its sides. It goes before the files.
    """
    names = (call_key, *(PurePath(name).stem for name in file_names))
    return next((name for name in names if name is not None and name in known), None)
