"""How buckets are reached: config.yaml's `input.s3` and `output.s3`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.base import Area

BUCKETS = ("s3://", "gs://", "abfs://")
"""How addresses in buckets begin: S3, Google Cloud Storage, Azure Blob."""


_CHOICES = ", ".join(f"{scheme}bucket/prefix" for scheme in BUCKETS)


def in_bucket(address: str) -> bool:
    return address.startswith(BUCKETS)


def bucket_and_prefix(address: str) -> tuple[str, str]:
    """`s3://bucket` and `calls/2026` of `s3://bucket/calls/2026`, which is written by people and not quoted."""
    scheme, _, rest = address.partition("://")
    bucket, _, prefix = rest.partition("/")
    return f"{scheme}://{bucket}", prefix


def checked_bucket(address: str) -> str:
    """The address. Raises ValueError where it names no bucket of a kind that is known."""
    if not in_bucket(address):
        raise ValueError(f"this kind of address is not known; choices: {_CHOICES}")
    if not bucket_and_prefix(address)[0].partition("://")[2]:
        raise ValueError(f"names no bucket; write {address.partition('://')[0]}://bucket/prefix")
    return address


class S3Settings(Area):
    """Buckets. Credentials come from the environment or the machine's role, never from here."""

    region: str | None = None
    """AWS region; null to take it from the environment."""
    endpoint_url: str | None = None
    """Address of an S3-compatible server (or, for gs://, of another Google endpoint); null for the provider's own."""
    anonymous: bool = False
    """Send unsigned requests (public buckets)."""
    connect_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """Time limit for connecting."""
    read_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    """Time limit for a connection on which nothing arrives."""
    download_timeout_s: Annotated[float, Field(gt=0)] = 300.0
    """Time limit for downloading one object, broken downloads included; a silent connection may add
    `read_timeout_s`."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    """Attempts per request, with the client's own backoff and jitter."""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """How the address contains the bucket; many S3-compatible servers need path."""
    part_mb: Annotated[float, Field(ge=0.001, le=1024)] = 16.0
    """A larger object is downloaded in ranges of this size, several at once."""
    connections: Annotated[int, Field(ge=1, le=64)] = 8
    """Ranges, or uploads, under way at once."""
