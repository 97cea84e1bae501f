"""Workbooks (.xlsx) from anywhere, opened for reading. A leaf.

A workbook of 20 KB may unpack to gigabytes, or hold millions of elements that take 400 bytes of memory each: both are
counted before it is parsed.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError


@contextmanager
def opened_workbook(path: Path, *, most_bytes: int, most_elements: int) -> Iterator[Any]:
    """openpyxl's read-only workbook, values instead of formulas.

    Args:
        most_bytes: of all its parts when unpacked.
        most_elements: XML elements of all its parts, counted by `<`.

    Raises ConfigurationError where it is larger or not readable, also while it is being read.
    """
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > most_bytes:
                raise ConfigurationError(f"{path}: {unpacked:,} bytes when unpacked; at most {most_bytes:,} are read")
            elements = sum(archive.read(member).count(b"<") for member in archive.infolist())
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ConfigurationError(f"{path}: not a readable .xlsx workbook: {error}") from None
    if elements > most_elements:
        raise ConfigurationError(
            f"{path}: {elements:,} elements; at most {most_elements:,} are read: delete empty rows, columns and formats"
        )
    workbook = None
    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
        yield workbook
    except (ConfigurationError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl raises whatever a damaged workbook makes it stumble over
        raise ConfigurationError(f"{path}: not a readable .xlsx workbook: {type(error).__name__}: {error}") from None
    finally:
        if workbook is not None:
            workbook.close()


def lines_of(sheet: Any) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Number (from 1) and cells of each row as text; empty cells are empty."""
    sheet.reset_dimensions()  # the size a workbook states may be wrong
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        yield number, tuple("" if value is None else str(value) for value in cells)
