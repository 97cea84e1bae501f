"""Metadata from CSV files beside the recordings. A bad row is reported by its number and costs only itself."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable
from pipeline.records import CallMetadata, SkippedFile
from pipeline.sources.addresses import file_uri, shown
from pipeline.sources.metadata.reader import MetadataReader, merged

_MAX_BYTES = 256 * 1024 * 1024

Rows = dict[str, CallMetadata]
"""By file name or by path below the CSV's folder, with / between folders."""


class Sidecars:
    """What the sidecars met so far say. Per-folder files count for their folder and everything below it."""

    def __init__(self, settings: InputSettings, reader: MetadataReader) -> None:
        self._settings = settings.sidecar
        self._reader = reader
        self._whole: Rows = {}
        self._by_folder: dict[str, Rows] = {}

    def is_sidecar(self, path: str) -> bool:
        whole = self._settings.path
        if whole is not None:
            return os.path.abspath(whole) == path
        return self._settings.name is not None and os.path.basename(path) == self._settings.name

    def load_whole(self) -> Iterator[SkippedFile]:
        """Reads `sidecar.path`; yields its bad rows. Raises InputUnavailable when it is not there."""
        path = self._settings.path
        if path is None:
            return
        address = os.path.abspath(path)
        try:
            content = Path(address).read_bytes()
        except OSError as error:
            raise InputUnavailable(f"{address}: {error.strerror}; set input.sidecar.path") from None
        yield from self._read(content, file_uri(address), self._whole)

    def load_folder(self, folder: str, below: str) -> Iterator[SkippedFile]:
        """Reads the folder's own sidecar, if it has one; yields its bad rows."""
        if self._settings.path is not None or self._settings.name is None:
            return
        path = os.path.join(folder, self._settings.name)
        if not os.path.isfile(path):
            return
        try:
            content = Path(path).read_bytes() if os.path.getsize(path) <= _MAX_BYTES else None
        except OSError as error:
            yield _report(file_uri(path), "bad_sidecar", f"cannot be read: {error.strerror}")
            return
        yield from self.load_content(content, file_uri(path), below)

    def load_content(self, content: bytes | None, uri: str, below: str) -> Iterator[SkippedFile]:
        """Reads a sidecar that stands in the folder `below`; None when it is too large."""
        if content is None:
            yield _report(uri, "bad_sidecar", f"over {_MAX_BYTES // 2**20} MB; it is not read")
            return
        rows: Rows = {}
        yield from self._read(content, uri, rows)
        if rows:
            self._by_folder[below] = rows

    def applied(self, relative: str, from_name: CallMetadata) -> CallMetadata:
        """Metadata of the recording at this path below the input; what a sidecar says goes before the file name."""
        name = relative.rpartition("/")[2]
        if self._whole:
            row = self._whole.get(relative) or self._whole.get(name)
            return merged(row, from_name) if row else from_name
        if not self._by_folder:
            return from_name
        below = relative[: len(relative) - len(name)]
        while True:
            rows = self._by_folder.get(below, {})
            row = rows.get(relative[len(below) :]) or rows.get(name)
            if row:
                return merged(row, from_name)
            if not below:
                return from_name
            below = below[:-1].rpartition("/")[0]
            below = f"{below}/" if below else ""

    def _read(self, content: bytes, uri: str, rows: Rows) -> Iterator[SkippedFile]:
        try:
            text = content.decode(self._settings.encoding)
        except UnicodeDecodeError as error:
            message = f"not {self._settings.encoding} text (byte {error.start}); set input.sidecar.encoding"
            yield _report(uri, "bad_sidecar", message)
            return
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=self._settings.delimiter)
        number = 1
        try:
            header = next(lines, [])
            titles = self._titles(header)
            if "file_name" not in titles:
                wanted = self._settings.columns["file_name"]
                message = f"has no column {wanted!r}; its columns are: {', '.join(header)}; see input.sidecar.columns"
                yield _report(uri, "bad_sidecar", message)
                return
            for number, row in enumerate(lines, start=2):
                if row:
                    yield from self._take(row, titles, rows, uri, number)
        except csv.Error as error:
            yield _report(
                f"{uri}#row-{number + 1}", "bad_sidecar_row", f"row {number + 1}: {error}; reading ended there"
            )

    def _titles(self, header: list[str]) -> list[str]:
        """Our field's name for each column, or the column's own title."""
        ours = {title.strip().lower(): field for field, title in self._settings.columns.items()}
        return [ours.get(title.strip().lower(), title.strip()) for title in header]

    def _take(self, row: list[str], titles: list[str], rows: Rows, uri: str, number: int) -> Iterator[SkippedFile]:
        bad = f"{uri}#row-{number}"
        if len(row) != len(titles):
            message = f"row {number}: {len(row)} cells under {len(titles)} titles; the row is not used"
            yield _report(bad, "bad_sidecar_row", message)
            return
        values = {title: cell.strip() for title, cell in zip(titles, row, strict=True) if title and cell.strip()}
        name = values.pop("file_name", "").replace("\\", "/").removeprefix("./")
        if not name:
            yield _report(bad, "bad_sidecar_row", f"row {number}: no file name; the row is not used")
            return
        if name in rows:
            yield _report(bad, "bad_sidecar_row", f"row {number}: {name} stands in an earlier row, which is used")
            return
        rows[name] = self._reader.from_values(values, self._settings.started_at_formats)
        unreadable = [key for key in rows[name].extra if key.endswith("_unreadable")]
        for key in unreadable:
            field = key.removesuffix("_unreadable")
            message = f"row {number}: {field} cannot be read: {rows[name].extra[key]!r}; the other columns are used"
            yield _report(f"{bad}-{field}", "bad_sidecar_row", message)


def _report(uri: str, reason: str, message: str) -> SkippedFile:
    name = uri.partition("#")[0].rpartition("/")[2]
    return SkippedFile(
        source_uri=uri, file_name=shown(name), size_bytes=0, modified_at=None, reason=reason, message=message
    )
