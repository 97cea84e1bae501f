"""Recordings by their address alone, for a worker whose calls another process has found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from pipeline.config.areas.buckets import in_bucket
from pipeline.config.areas.sources import InputSettings
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.addresses import object_parts
from pipeline.sources.bucket import BucketSource
from pipeline.sources.folder import FolderSource


class AddressedSource:
    """Offers nothing; brings files of this machine, members of archives and objects of any bucket."""

    def __init__(self, settings: InputSettings) -> None:
        self._settings = settings
        self._local = FolderSource("/", settings)
        self._buckets: dict[str, BucketSource] = {}

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        """See CallSource."""
        return iter(())

    def fetch(self, call: FoundCall, spool: Path) -> AbstractContextManager[Path]:
        """See CallSource."""
        if not in_bucket(call.source_uri):
            return self._local.fetch(call, spool)
        bucket, _, _ = object_parts(call.source_uri)
        # Made twice by two threads at once, either serves.
        source = self._buckets.setdefault(
            bucket, BucketSource(self._settings.model_copy(update={"path": f"{bucket}/"}))
        )
        return source.fetch(call, spool)
