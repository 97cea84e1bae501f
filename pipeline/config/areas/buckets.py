"""How buckets are reached: config.yaml's `input.s3` and `output.s3`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.base import Area


class S3Settings(Area):
    """Buckets. Credentials come from the environment or the machine's role, never from here."""

    region: str | None = None
    """AWS region; null to take it from the environment."""
    endpoint_url: str | None = None
    """Address of an S3-compatible server; null for AWS."""
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
