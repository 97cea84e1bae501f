"""Which file names are one side of a call, and of which (`input.pairs.kinds`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.config.areas.pairs import KEY, SIDE, PairedFiles, PairSettings


@dataclass(frozen=True, slots=True)
class Half:
    """What a name says of a call's side."""

    kind: int
    """Place in `input.pairs.kinds`."""
    side: int
    """0 for the first file, 1 for the second."""
    word: str
    key: str
    """The same for both files, case apart."""
    stem: str
    """The same for both files, case included."""
    bare: str
    """The name without suffix and side."""


class PairNames:
    """`input.pairs.kinds`, compiled once."""

    def __init__(self, settings: PairSettings) -> None:
        self.kinds = settings.kinds
        self._expressions = [re.compile(_pattern(kind), re.IGNORECASE) for kind in settings.kinds]

    def halves(self, path: str) -> list[Half]:
        """Each kind of pair that a file of this name may be one half of. Folders in `path` are separated by /."""
        folder, slash, name = path.rpartition("/")
        stem = name.rpartition(".")[0] or name
        found = []
        for number, (kind, expression) in enumerate(zip(self.kinds, self._expressions, strict=True)):
            text = stem if kind.match == "name" else f"{folder}{slash}{stem}"
            match = expression.search(text)
            word = match[SIDE].lower() if match and match[SIDE] else ""
            if match is None or word not in kind.sides:
                continue
            start, end = match.span(SIDE)
            key = match[KEY] if KEY in expression.groupindex and match[KEY] else f"{text[:start]}\0{text[end:]}"
            bare = key.replace("\0", "").rpartition("/")[2].rstrip("-_. ")
            within = "" if kind.match == "path" else f"{folder}{slash}"
            found.append(Half(number, kind.sides.index(word), word, f"{within}{key}".lower(), f"{within}{key}", bare))
        return found


def _pattern(kind: PairedFiles) -> str:
    return kind.pattern or rf"[-_. ](?P<{SIDE}>{'|'.join(re.escape(side) for side in kind.sides)})$"
