"""How long calls are kept: config.yaml's `retention`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.config.base import Area, OneOrList


class RetentionSettings(Area):
    """Erasure of old calls at the end of each run, as `db purge --before` does it."""

    days: Annotated[int, Field(ge=1)] | None = None
    """Calls older than this many days are erased: rows, transcripts, files, mentions in logs and reports; null keeps
    all."""
    delete_recordings: bool = False
    """Delete the recordings, too. Otherwise they stay where they are, and runs leave them out."""
    jobs_days: Annotated[int, Field(ge=1)] | None = 365
    """What the service keeps of calls handed in (state, metadata, idempotency key, events), and of live calls that
    became no call, goes so many days after their end; the calls stay. Done at the end of each run, and each hour while
    the service runs; null keeps all."""
    exports: OneOrList[tuple[Path, ...]] = ()
    """Further folders with files that `export` wrote: `db purge` erases there as in the output folder."""
