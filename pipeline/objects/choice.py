"""The store behind an address."""

from __future__ import annotations

from pipeline.config.areas.buckets import S3Settings
from pipeline.objects.port import ObjectStore


def open_store(bucket: str, settings: S3Settings) -> ObjectStore:
    """The store of `s3://bucket`, `gs://bucket` or `abfs://container`. Nothing is asked of it yet.

    Raises StoreRefused where a driver is not installed.
    """
    scheme, _, name = bucket.partition("://")
    if scheme == "s3":
        from pipeline.objects.s3 import S3Store

        return S3Store(name, settings)
    from pipeline.objects.filesystem import FilesystemStore, open_filesystem

    return FilesystemStore(name, open_filesystem(scheme, settings), settings.attempts)
