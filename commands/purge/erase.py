"""Erasing recordings everywhere: files, recordings, database; with a receipt that names nobody.

Workers may have calls meanwhile, also those that are erased: what they make of these is not stored. A run that names
a recording in its files when it ends is waited for.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.purge.bucket import erase_in_bucket
from commands.purge.files import FilesOutcome, erase_in_files, named
from commands.purge.recordings import delete_handed_in, delete_recordings
from db.erasure import (
    Erasable,
    ErasedRows,
    erase_rows,
    give_back_space,
    marks,
    mentioning_runs,
    names_still_used,
    refuse_in_reports,
    take_back,
    withdraw,
)
from db.export.files import whole_file
from pipeline.run.spool_folder import forget_decoded, own_spool

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

log = logging.getLogger("earshot.purge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was erased, or what would be."""

    recordings: int
    rows: ErasedRows | None
    """None where nothing was written."""
    runs: int
    files: FilesOutcome
    audio: Mapping[str, int]
    troubles: Sequence[str]
    """What is left, and why: name it to whoever can delete it."""
    receipt: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasure; for the inside of `erasing`."""

    database: Database
    settings: Settings
    chosen: Sequence[Erasable]
    why: Mapping[str, str | None]
    """How they were chosen, for the receipt: `before`, `customer`, `calls`."""
    with_audio: bool
    keep: Path | None = None
    """The log that this process is writing."""
    by_run: str | None = None
    """The run that erases at its end."""

    def preview(self) -> Erased:
        """What would be erased; changes nothing."""
        what = named(self.chosen, names_still_used(self.database, self.chosen))
        files = erase_in_files(self._folders(), what, delimiter=self._delimiter, keep=self.keep, write=False)
        copies = erase_in_bucket(self.settings.output, what, files, write=False)
        audio, troubles = self._beside_the_results(files, write=False)
        runs = mentioning_runs(self.database, what.mentions.scrub)
        return Erased(
            recordings=len(self.chosen), rows=None, runs=runs, files=files, audio=audio,
            troubles=[*troubles, *copies, *files.unread],
        )  # fmt: skip

    def erase(self) -> Erased:
        """Erase them. Files come first and the rows last: what is interrupted is found again and finished.

        Raises RunLocked where a run under way has one of them among its input; then nothing is changed.
        """
        self._withdraw()
        what = named(self.chosen, names_still_used(self.database, self.chosen))
        spool = self.settings.run.spool_dir
        own_spool(spool)  # removes what dead processes left there
        files = erase_in_files(self._folders(), what, delimiter=self._delimiter, keep=self.keep, write=True)
        copies = erase_in_bucket(self.settings.output, what, files, write=True)
        audio, troubles = self._beside_the_results(files, write=True)
        rows = erase_rows(self.database, self.chosen, what.mentions.scrub)
        # After the rows: until then a page could have a recording decoded again.
        files.counts.update({"recordings decoded for listeners": decoded} if (decoded := forget_decoded(spool)) else {})
        give_back_space(self.database)
        done = Erased(
            recordings=len(self.chosen), rows=rows, runs=rows.runs, files=files, audio=audio,
            troubles=[*troubles, *copies, *files.unread],
        )  # fmt: skip
        return self._with_receipt(done)

    def _withdraw(self) -> None:
        refuse_in_reports(self.database, self.chosen, self.by_run)
        new = withdraw(self.database, self.chosen)
        try:
            # A run that began before the marks were set does not know them; one that begins now does.
            refuse_in_reports(self.database, self.chosen, self.by_run)
        except BaseException:
            take_back(self.database, new)
            raise

    def _beside_the_results(self, files: FilesOutcome, *, write: bool) -> tuple[Mapping[str, int], list[str]]:
        """Recordings where they are to go, and sidecars; what became of the recordings, and what is left."""
        audio, left = delete_recordings(self.chosen if self.with_audio else (), write=write)
        sidecars, also_left = delete_handed_in(self.chosen, self.settings.service.recordings_dir, write=write)
        files.counts.update(sidecars)
        return audio, [*left, *also_left]

    @property
    def _delimiter(self) -> str:
        return self.settings.output.csv.delimiter

    def _folders(self) -> list[Path]:
        """Without those that lie in another of them."""
        folders = [self.settings.output.directory, *self.settings.retention.exports]
        places = sorted({folder.resolve() for folder in folders if folder.is_dir()})
        return [folder for folder in places if not any(other in folder.parents for other in places)]

    def _with_receipt(self, done: Erased) -> Erased:
        made = marks(self.database)
        now = datetime.now(UTC)
        why = {name: value for name, value in self.why.items() if value is not None}
        if "customer" in why:
            why["customer"] = made.of_text("customer", str(why["customer"]))
        content: dict[str, Any] = {
            "erased_at": now.isoformat(timespec="seconds"),
            "chosen_by": why,
            "recordings": [
                {
                    "call": made.of_text("call", call.call_id),
                    "address": made.of_address(call.source_uri, call.size_bytes, call.modified_at, call.etag),
                    "content": made.of_content(call.audio_sha256) if call.audio_sha256 else None,
                }
                for call in self.chosen
            ],
            "hashes": "HMAC-SHA256 under the secret of this database (tombstone_key)",
            "rows": {
                "calls": done.rows.calls if done.rows else 0,
                "transcripts": done.rows.transcripts if done.rows else 0,
                "unfinished_segments": done.rows.unfinished_segments if done.rows else 0,
                "runs_cleaned": done.runs,
            },
            "files": dict(done.files.counts),
            "recordings_deleted": dict(done.audio) if self.with_audio else None,
            "left": len(done.troubles),
        }
        folder = self.settings.output.directory / "receipts"
        path = folder / f"erasure_{now:%Y%m%d_%H%M%S_%f}.json"
        with whole_file(path) as aside:
            aside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        return replace(done, receipt=path)
