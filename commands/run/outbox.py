"""What a run delivers, copied to the bucket of `output.upload_to`; what a run could not copy, the next one does.

The names of files to copy are written down, and crossed out when the bucket has them. A killed run's files are found by
them, and nothing else of the output folder is copied: no logs, nothing from before.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from db.export.files import write_whole
from db.export.transcripts import TRANSCRIPTS
from pipeline.config.areas.output import OutputSettings
from pipeline.errors import ServiceUnavailable
from pipeline.objects.upload import Destination

log = logging.getLogger("earshot.run")

LEDGER = ".to_upload.json"
_AT_ONCE = 500


class Outbox:
    """The files of an output folder that the bucket does not have yet. For one process at a time."""

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings
        self._folder = settings.directory
        self._to: Destination | None = None
        self.trouble: str | None = None
        """Why files are left for the next run."""
        self.uploaded = 0

    def expect(self, paths: Iterable[Path]) -> None:
        """These files are to be copied, once they are there. What no later run would write again is told before it is
        written."""
        if self._settings.upload_to is not None:
            names = {path.relative_to(self._folder).as_posix() for path in paths}
            self._write_down(sorted(names.union(self._left())))

    def bring(self) -> bool:
        """Copy what is there. False where something is left for the next run: see `trouble`.

        After the first trouble nothing is tried again in this run.
        """
        if self._settings.upload_to is None:
            return True
        there = [name for name in self._left() if (self._folder / name).is_file()]
        while there and self.trouble is None:
            now, there = there[:_AT_ONCE], there[_AT_ONCE:]
            try:
                self._to = self._to or Destination(self._settings.upload_to, self._settings.s3)
                # The transcript of a call that was redone replaces the older one; a run's own files have its stamp.
                replaceable = {name for name in now if name.startswith(f"{TRANSCRIPTS}/")}
                self._to.upload({name: self._folder / name for name in now}, replaceable=replaceable)
            except ServiceUnavailable as error:
                self.trouble = (
                    f"not everything was uploaded: {error}; the files are in {self._folder}, and the next run uploads "
                    "them; check output.upload_to, output.s3 and the credentials in the environment"
                )
                log.warning("%s", self.trouble)
            else:
                self.uploaded += len(now)
                self._write_down(sorted(set(self._left()).difference(now)))
        return self.trouble is None

    def close(self) -> None:
        """At the end of a delivery: what was expected and never written is crossed out."""
        if self._settings.upload_to is not None:
            self.bring()
            self._write_down([name for name in self._left() if (self._folder / name).is_file()])

    def _left(self) -> list[str]:
        try:
            names: list[str] = json.loads((self._folder / LEDGER).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        return names

    def _write_down(self, names: list[str]) -> None:
        write_whole(self._folder / LEDGER, json.dumps(names, ensure_ascii=False).encode())
