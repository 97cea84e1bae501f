"""The service: where it listens and what it takes in: config.yaml's `service`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.config.areas.access import AccessSettings
from pipeline.config.base import Area


class MonitoringSettings(Area):
    """`/healthz`, `/readyz`, `/metrics`."""

    min_free_disk_gb: Annotated[float, Field(ge=0)] = 1.0
    """The service is not ready when less disk than this is free for recordings, spool or output."""
    worker_silence_s: Annotated[float, Field(ge=10, le=3600)] = 30.0
    """A worker counts as gone when it gave no sign of life for this long, in seconds."""
    check_timeout_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    """Longest wait for all checks of `/readyz` together, in seconds."""


class ServiceSettings(Area):
    """`run.py serve`: calls submitted over HTTP, followed and read."""

    host: str = "127.0.0.1"
    """Address to listen on; 127.0.0.1 serves this machine alone."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8642
    """Port to listen on; 0 for any that is free."""
    tls_certificate_file: Path | None = None
    """Certificate chain (PEM), the server's own first, for https; null for http. A renewed file is taken up within a
    minute."""
    tls_key_file: Path | None = None
    """Its private key (PEM, without a pass phrase)."""
    access: AccessSettings = Field(default_factory=AccessSettings)
    """Who may use it."""
    recordings_dir: Path = Path("data/recordings")
    """Folder for the recordings that are handed in. Workers on other machines need it under the same path."""
    workers: Annotated[int, Field(ge=0, le=16)] = 1
    """Worker processes that the service starts and watches, each with a recogniser of its own; 0 leaves the calls to
    `run.py work` elsewhere."""
    max_recording_mb: Annotated[float, Field(gt=0)] = 1024.0
    """Largest recording that is taken in."""
    max_metadata_kb: Annotated[float, Field(gt=0)] = 64.0
    """Largest JSON that may come with a recording."""
    uploads_at_once: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Uploads that are read at a time; further ones wait."""
    followers: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Streams of events (of jobs and of live calls) that are followed at a time; a further one is answered 503."""
    followers_per_token: Annotated[int, Field(ge=1, le=100_000)] = 50
    """The same with one token, or without tokens from this machine; then 429."""
    upload_stall_s: Annotated[float, Field(gt=0)] = 60.0
    """An upload of which less than 256 kB come within this time is cut off. It can be continued."""
    keep_unfinished_h: Annotated[float, Field(gt=0)] = 24.0
    """How long an upload that is not complete can be continued; then what came of it is deleted."""
    trusted_hosts: tuple[str, ...] = ()
    """Hosts from which recordings are fetched, and which are called back, over http and at private addresses too: the
    company's own recorder. All others must have https and a public address."""
    fetches_at_once: Annotated[int, Field(ge=1, le=64)] = 4
    """Recordings fetched from addresses at a time."""
    fetch_timeout_s: Annotated[float, Field(gt=0)] = 300.0
    """Time limit for fetching one recording, redirects included."""
    fetch_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Attempts to fetch a recording from a server that does not answer as it should."""
    callback_secret_env: str = "EARSHOT_CALLBACK_SECRET"  # noqa: S105 - the variable's name
    """Environment variable with the secret that signs callbacks. Without it no callback address is accepted."""
    callback_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """Time limit of one callback."""
    callback_for_h: Annotated[float, Field(gt=0)] = 24.0
    """How long an address that does not take its callback is tried again; the waits double, up to an hour."""
    monitoring: MonitoringSettings = Field(default_factory=MonitoringSettings)
    """`/healthz`, `/readyz`, `/metrics`."""

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError(
                "service.tls_certificate_file and service.tls_key_file belong together: set both, or neither"
            )
        return self
