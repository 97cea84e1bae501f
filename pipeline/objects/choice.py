"""The store behind an address."""

from __future__ import annotations

from pipeline.config.areas.buckets import S3Settings
from pipeline.objects.port import ObjectStore


def open_store(bucket: str, settings: S3Settings) -> ObjectStore:
    """The store of `s3://bucket`. Nothing is asked of it yet."""
    from pipeline.objects.s3 import S3Store

    return S3Store(bucket.partition("://")[2], settings)
