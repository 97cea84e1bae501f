"""Erased recordings in the bucket of results (`output.upload_to`): the same cleaning, object by object."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from commands.purge.files import FilesOutcome, Named, erase_in_files
from db.export.transcripts import TRANSCRIPTS
from pipeline.config.areas.output import OutputSettings
from pipeline.errors import EarshotError
from pipeline.hashes import sha256_of
from pipeline.objects.download import Downloads
from pipeline.objects.port import Span, StoredObject
from pipeline.objects.upload import Destination


def erase_in_bucket(settings: OutputSettings, what: Named, outcome: FilesOutcome, *, write: bool) -> list[str]:
    """Delete the transcripts of erased calls, clean the files of runs. Returns what is left, and why.

    Transcripts are known by their names and not read. Older versions, where a bucket keeps them, are not touched.
    """
    if settings.upload_to is None:
        return []
    try:
        to = Destination(settings.upload_to, settings.s3)
        copies = _Copies(to, settings, what, outcome, write)
        for held in to.store.listed(to.key("")):
            copies.erase_in(held)
    except EarshotError as error:
        return [f"{settings.upload_to}: copies of erased calls may be left in this bucket: {error}"]
    return []


@dataclass(frozen=True, slots=True)
class _Copies:
    """One pass over the bucket."""

    to: Destination
    settings: OutputSettings
    what: Named
    outcome: FilesOutcome
    write: bool

    def erase_in(self, held: StoredObject) -> None:
        folder, _, base = held.key.removeprefix(self.to.key("")).rpartition("/")
        if folder == TRANSCRIPTS:
            if base.partition(".")[0] in self.what.stems:
                self.outcome.counts["files of a call"] += 1
                if self.write:
                    self.to.store.delete(held.key)
        elif not folder:
            self._clean(held)

    def _clean(self, held: StoredObject) -> None:
        with tempfile.TemporaryDirectory(prefix="earshot-erasure-") as aside:
            copy = Path(aside) / held.key.rpartition("/")[2]
            copy.touch()
            size = held.size_bytes
            whole = Span(key=held.key, etag=held.etag, first=0, length=size, size_bytes=size)
            Downloads(self.to.store, self.settings.s3).bring(whole, f"{self.to.address}/{copy.name}", copy)
            before = sha256_of(copy)
            delimiter = self.settings.csv.delimiter
            found = erase_in_files([Path(aside)], self.what, delimiter=delimiter, keep=None, write=True)
            self.outcome.counts.update(found.counts)
            self.outcome.unread.extend(found.unread)
            if not self.write:
                return
            if not copy.exists():
                self.to.store.delete(held.key)
            elif (after := sha256_of(copy)) != before:
                self.to.store.put(held.key, copy, after, replace=True)
