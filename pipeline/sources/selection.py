"""What to take and what to skip, by name and size alone."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

from pipeline.config.areas.sources import InputSettings
from pipeline.plurals import counted

_TEMPORARY = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".download", ".swp", "~")
ARCHIVE_SUFFIX = ".zip"

Verdict = tuple[str, str]
"""The reason as a word for machines, and a message for people."""


class Selection:
    """The rules of `input` compiled once."""

    def __init__(self, settings: InputSettings) -> None:
        self._settings = settings
        self._any_extension = "*" in settings.extensions
        self._extensions = frozenset(settings.extensions)
        self._include = _Globs(settings.include)
        self._exclude = _Globs(settings.exclude)

    def hidden(self, name: str) -> bool:
        return name.startswith(".") and not self._settings.include_hidden

    def by_name(self, name: str, relative: str) -> Verdict | None:
        """Why a file of this name is skipped; None to take it.

        Args:
            name: the file name with its suffix.
            relative: its path below the input, with / between folders.
        """
        verdict = self.of_archive(name, relative)
        if verdict:
            return verdict
        if self._include and not self._include.match(name, relative):
            return "not_included", "input.include does not name it"
        if not self._any_extension and name.lower().rpartition(".")[2] not in self._extensions:
            return "other_type", "its suffix is not in input.extensions"
        return None

    def of_archive(self, name: str, relative: str) -> Verdict | None:
        """Why an archive of this name is not opened; `include` and `extensions` are for its members."""
        lower = name.lower()
        if name.startswith("._"):
            return "temporary", "resource fork of another system (._ file), not a recording"
        if lower.endswith(_TEMPORARY) or lower.startswith("~$"):
            return "temporary", "a temporary file by its name; it is taken when it has its final name"
        if self.hidden(name):
            return "hidden", "its name begins with a dot; set input.include_hidden to take it"
        if self._exclude.match(name, relative):
            return "excluded", "input.exclude names it"
        return None

    def by_size(self, size_bytes: int) -> Verdict | None:
        if size_bytes == 0:
            return "empty", "the file is empty"
        if size_bytes < self._settings.min_size_bytes:
            return (
                "too_small",
                f"{counted(size_bytes, 'byte')}; input.min_size_bytes is {self._settings.min_size_bytes}",
            )
        return None

    def is_archive(self, name: str) -> bool:
        return self._settings.archives and name.lower().endswith(ARCHIVE_SUFFIX)


class _Globs:
    def __init__(self, globs: Sequence[str]) -> None:
        self._names = _one_expression([glob for glob in globs if "/" not in glob])
        self._paths = _one_expression([glob.removeprefix("./") for glob in globs if "/" in glob])

    def __bool__(self) -> bool:
        return bool(self._names or self._paths)

    def match(self, name: str, relative: str) -> bool:
        return bool((self._names and self._names.match(name)) or (self._paths and self._paths.match(relative)))


def _one_expression(globs: Sequence[str]) -> re.Pattern[str] | None:
    """`**/` also stands for no folder at all, as in shells."""
    forms = [form for glob in globs for form in {glob, glob.replace("**/", "")}]
    return re.compile("|".join(fnmatch.translate(form) for form in forms), re.IGNORECASE) if forms else None
