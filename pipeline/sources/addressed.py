"""Recordings by their address alone, for a worker whose calls another process has found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from pipeline.config.areas.sources import InputSettings
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.addresses import s3_parts
from pipeline.sources.folder import FolderSource
from pipeline.sources.s3 import S3Source


class AddressedSource:
    """Offers nothing; brings files of this machine, members of archives and objects of any bucket."""

    def __init__(self, settings: InputSettings) -> None:
        self._settings = settings
        self._local = FolderSource("/", settings)
        self._buckets: dict[str, S3Source] = {}

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        """See CallSource."""
        return iter(())

    def fetch(self, call: FoundCall, spool: Path) -> AbstractContextManager[Path]:
        """See CallSource."""
        if not call.source_uri.startswith("s3://"):
            return self._local.fetch(call, spool)
        bucket, _ = s3_parts(call.source_uri)
        # Made twice by two threads at once, either serves.
        source = self._buckets.setdefault(
            bucket, S3Source(self._settings.model_copy(update={"path": f"s3://{bucket}/"}))
        )
        return source.fetch(call, spool)
