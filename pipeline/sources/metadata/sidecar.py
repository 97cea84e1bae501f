"""Metadata from files beside the recordings. A bad row is reported by its number, and only that row is lost. Rows that
belong to no recording are counted and named."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable
from pipeline.records import CallMetadata, SkippedFile
from pipeline.sources.addresses import file_uri, shown
from pipeline.sources.metadata.exports import MAX_BYTES, BadSidecar, Record, read_export, read_record
from pipeline.sources.metadata.fields import Fields, fields_of
from pipeline.sources.metadata.reader import MetadataReader, merged
from pipeline.sources.metadata.times import day_comes_first, is_undecided
from pipeline.sources.pair_names import PairNames

_UTC = ZoneInfo("UTC")
_NAMED = 5
"""Rows named in one message."""
_OF_RECORDING = (".json", ".xml")
_LEAST_KEY = 6
"""Shorter keys occur in names by chance."""


@dataclass(slots=True)
class _Row:
    name: str
    metadata: CallMetadata
    used: bool = False


@dataclass(slots=True)
class _Rows:
    """One sidecar's rows."""

    uri: str
    all: list[_Row] = field(default_factory=list)
    by_name: dict[str, _Row] = field(default_factory=dict)
    """By file name, or by path below the sidecar's folder, with / between folders."""
    by_key: dict[str, _Row] = field(default_factory=dict)
    by_stem: dict[str, _Row | None] = field(default_factory=dict)
    """Without case and suffix; None where two rows differ only in these."""

    def add(self, row: _Row, names: Collection[str], keys: Collection[str]) -> None:
        self.all.append(row)
        for name in names:
            self.by_name.setdefault(name, row)
            self.by_stem[_stem(name)] = None if _stem(name) in self.by_stem else row
        for key in keys:
            if len(key) >= _LEAST_KEY:
                self.by_key.setdefault(key, row)

    def find(self, relative: str, keys: Collection[str], loose: bool, of_call: Collection[str] = ()) -> _Row | None:
        """`of_call`: names that the call would have if it were one file, for a file that is one side of it."""
        name = relative.rpartition("/")[2]
        row = self.by_name.get(relative) or self.by_name.get(name)
        if row is None:
            row = next((self.by_name[name] for name in of_call if name in self.by_name), None)
        if row is None:
            row = next((self.by_key[key] for key in keys if key in self.by_key), None)
        if row is None and loose:
            row = self.by_stem.get(_stem(relative)) or self.by_stem.get(_stem(name))
        return row


class Sidecars:
    """What the sidecars read so far say. Those of a folder apply to it and everything below it."""

    def __init__(self, settings: InputSettings, reader: MetadataReader) -> None:
        self._input = settings
        self._settings = settings.sidecar
        self._reader = reader
        self._pairs = PairNames(settings.pairs)
        self._is_inner = False
        self._whole: list[_Rows] = []
        self._by_folder: dict[str, list[_Rows]] = {}
        self._of_recordings: set[str] = set()
        """Sidecars of single recordings in the folder loaded last."""
        self._without_row: dict[str, str] = {}
        """Recordings without a row: from the name without case and suffix to the name."""

    def is_sidecar(self, path: str) -> bool:
        """Whether a file of the folder loaded last is a sidecar and not a recording."""
        if self._settings.path is not None:
            return os.path.abspath(self._settings.path) == path
        return os.path.basename(path) in self._settings.name or path in self._of_recordings

    def may_be(self, name: str) -> bool:
        """Whether a file of this name could be a sidecar."""
        return name in self._settings.name or name.lower().endswith(_OF_RECORDING)

    def of_archive(self) -> Sidecars:
        """For the members of an archive: the same sidecar for all recordings, but folders of its own."""
        inner = Sidecars(self._input, self._reader)
        inner._whole, inner._without_row, inner._is_inner = self._whole, self._without_row, True
        return inner

    def among(self, names: Collection[str]) -> dict[str, str | None]:
        """The sidecars among the names of one folder, each with the recording it is for; None for the folder's own."""
        found: dict[str, str | None] = {name: None for name in self._settings.name if name in names}
        beside = [name for name in names if name.lower().endswith(_OF_RECORDING) and name not in found]
        if beside and self._settings.per_recording:
            recordings = {form: name for name in names if name not in beside for form in _forms(name)}
            for name in beside:
                recording = next((recordings[form] for form in _forms(name) if form in recordings), None)
                if recording is not None:
                    found[name] = recording
        return found

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

    def load_folder(self, folder: str, below: str, names: Collection[str]) -> Iterator[SkippedFile]:
        """Reads the sidecars among the names of a folder; yields their bad rows."""
        self._of_recordings = set()
        if self._settings.path is not None:
            return
        for name, recording in self.among(names).items():
            path = os.path.join(folder, name)
            try:
                content = Path(path).read_bytes() if os.path.getsize(path) <= MAX_BYTES else None
            except OSError as error:
                yield _report(file_uri(path), "bad_sidecar", f"cannot be read: {error.strerror}")
            else:
                yield from self.load_content(content, file_uri(path), below, path, recording)

    def load_content(
        self, content: bytes | None, uri: str, below: str, path: str, recording: str | None
    ) -> Iterator[SkippedFile]:
        """Reads a sidecar in the folder `below` at `path`; `content` is None when it is too large.

        With `recording` it is about that one, whatever name it gives. A file that says nothing of a call is ignored.
        """
        if content is None:
            yield _report(uri, "bad_sidecar", f"over {MAX_BYTES // 2**20} MB; it is not read")
            return
        into = self._by_folder.setdefault(below, [])
        if recording is None:
            yield from self._read(content, uri, into)
            return
        settings = self._settings
        try:
            record = read_record(content, settings.columns, settings.encoding, recording)
        except BadSidecar as error:
            yield _report(uri, "bad_sidecar", str(error))
            return
        fields = fields_of(record.pairs, settings.columns, record.also)
        if fields.of_a_call:
            self._of_recordings.add(path)
            rows = _Rows(uri)
            into.append(rows)
            yield from self._take(record, fields, None, rows, recording)

    def applied(self, relative: str, from_name: CallMetadata) -> CallMetadata:
        """Metadata of the recording at this path below the input; a sidecar takes precedence over the file name."""
        if not self._whole and not self._by_folder:
            return from_name
        name = relative.rpartition("/")[2]
        bare = [half.bare for half in self._pairs.halves(name)]
        keys = [key for stem in (_bare(name), *bare) for key in _keys_of(stem, from_name)]
        of_call = [f"{stem}{name[len(_bare(name)) :]}" for stem in bare]
        for rows, below in self._in_reach(relative):
            row = rows.find(relative[len(below) :], keys, self._settings.match == "loose", of_call)
            if row is not None:
                row.used = True
                return merged(row.metadata, from_name)
        self._without_row[_stem(name)] = name
        return from_name

    def met(self, relative: str) -> None:
        """Note that there is a recording at this path, although it is skipped."""
        self.applied(relative, CallMetadata())

    def unmatched(self) -> Iterator[SkippedFile]:
        """Reports of rows that matched no recording, after all recordings: two messages per sidecar at most."""
        whole = [] if self._is_inner else self._whole
        for rows in [*whole, *(rows for folder in self._by_folder.values() for rows in folder)]:
            left = [row for row in rows.all if not row.used]
            near = [row for row in left if _stem(row.name.rpartition("/")[2]) in self._without_row]
            far = [row for row in left if row not in near]
            if near:
                pairs = [f"{row.name} ({self._without_row[_stem(row.name.rpartition('/')[2])]})" for row in near]
                yield _report(
                    f"{rows.uri}#near",
                    "sidecar_rows_unmatched",
                    f"{len(near)} of {len(rows.all)} rows differ from a recording's name only in case or suffix and "
                    f"are not used: {_some(pairs)}; set input.sidecar.match to loose, or correct the names",
                )
            if far:
                yield _report(
                    f"{rows.uri}#unmatched",
                    "sidecar_rows_unmatched",
                    f"{len(far)} of {len(rows.all)} rows match no recording: {_some([row.name for row in far])}",
                )

    def _in_reach(self, relative: str) -> Iterator[tuple[_Rows, str]]:
        for rows in self._whole:
            yield rows, ""
        below = relative[: relative.rfind("/") + 1]
        while True:
            for rows in self._by_folder.get(below, ()):
                yield rows, below
            if not below:
                return
            below = below[: below[:-1].rfind("/") + 1]

    def _read(self, content: bytes, uri: str, into: list[_Rows]) -> Iterator[SkippedFile]:
        settings = self._settings
        try:
            records = list(read_export(content, settings.columns, settings.encoding, settings.delimiter))
        except BadSidecar as error:
            yield _report(uri, "bad_sidecar", str(error))
            return
        said = [(record, fields_of(record.pairs, settings.columns, record.also)) for record in records]
        starts = [fields.values.get("started_at") or fields.values.get("date", "") for _, fields in said]
        day_first = day_comes_first(starts)
        if day_first is None and "auto" in settings.started_at_formats and any(is_undecided(text) for text in starts):
            example = next(text for text in starts if is_undecided(text))
            yield _report(
                f"{uri}#dates",
                "bad_sidecar_row",
                f"started_at: {example} may be day or month first, and no other row decides; such times are not used; "
                "set input.sidecar.started_at_formats (for example %m/%d/%Y %H:%M)",
            )
        rows = _Rows(uri)
        into.append(rows)
        for record, fields in said:
            yield from self._take(record, fields, day_first, rows, None)

    def _take(
        self, record: Record, fields: Fields, day_first: bool | None, rows: _Rows, recording: str | None
    ) -> Iterator[SkippedFile]:
        bad = f"{rows.uri}#{record.place.replace(' ', '-')}"
        names = (recording,) if recording else fields.file_names
        fault = record.fault
        if fault is None and not names and not fields.keys:
            fault = "no file name; the row is not used"
        elif fault is None and names and names[0] in rows.by_name:
            fault = f"{names[0]} is in an earlier row, which is used"
        if fault is not None:
            yield _report(bad, "bad_sidecar_row", f"{record.place}: {fault}")
            return
        zone = _UTC if fields.in_utc else None
        values = {key: value for key, value in fields.values.items() if key != "file_name"}
        metadata = self._reader.from_values(values, self._settings.started_at_formats, zone, day_first)
        rows.add(_Row((names or fields.keys)[0], metadata), names, () if recording else fields.keys)
        for key in metadata.remarks:
            text = metadata.extra[key]
            if not is_undecided(text):
                said, _, remark = key.rpartition("_")
                what = {"unreadable": "cannot be read", "ambiguous": "occurs twice that day; the first is taken"}.get(
                    remark, "does not exist that day (clocks go forward); it is read as an hour later"
                )
                message = f"{record.place}: {said} {what}: {text!r}; the other columns are used"
                yield _report(f"{bad}-{said}", "bad_sidecar_row", message)


def _bare(name: str) -> str:
    """Without suffix."""
    return name.rpartition(".")[0]


def _keys_of(stem: str, from_name: CallMetadata) -> list[str]:
    """Parts of a recording's name that may name the call."""
    said = [from_name.extra[key] for key in ("call_key", "recording_key") if key in from_name.extra]
    return list(dict.fromkeys([stem, *said, *re.split(r"---|_", stem)]))


def _forms(name: str) -> list[str]:
    """Names that a recording and its own sidecar share: without suffix and `_metadata`, or up to `---`."""
    stem = name.lower().rpartition(".")[0]
    if name.lower().endswith(_OF_RECORDING):
        bare = stem.removesuffix("_metadata").removesuffix(".metadata")
        return [bare, bare.rpartition(".")[0] or bare, bare.partition("---")[0]]
    return [stem, name.lower(), stem.partition("---")[0]]


def _stem(name: str) -> str:
    return (name.rpartition(".")[0] or name).lower()


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(shown(name[:200]) for name in names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _report(uri: str, reason: str, message: str) -> SkippedFile:
    name = uri.partition("#")[0].rpartition("/")[2]
    return SkippedFile(
        source_uri=uri, file_name=shown(name), size_bytes=0, modified_at=None, reason=reason, message=message
    )
