"""The service: where it listens and what it takes in: config.yaml's `service`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.config.base import Area


class ServiceSettings(Area):
    """`run.py serve`: calls submitted over HTTP, followed and read."""

    host: str = "127.0.0.1"
    """Address to listen on; 127.0.0.1 serves this machine alone."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8642
    """Port to listen on; 0 for any that is free."""
    recordings_dir: Path = Path("data/recordings")
    """Folder for the recordings that are handed in. Workers on other machines need it under the same path."""
    workers: Annotated[int, Field(ge=0, le=16)] = 1
    """Worker processes that the service starts and watches, each with a recogniser of its own; 0 leaves the calls to
    `run.py work` elsewhere."""
    max_recording_mb: Annotated[float, Field(gt=0)] = 1024.0
    """Largest recording that is taken in."""
    max_metadata_kb: Annotated[float, Field(gt=0)] = 64.0
    """Largest JSON that may come with a recording."""
