"""Who may read what the commands write: words of calls stand in results, reports, logs and the spool."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.config.areas.output import Readers

_OWNER_ALONE = 0o077
_GROUP_TOO = 0o027


def keep_private() -> None:
    """What this process and those it spawns make is for their owner alone, whatever the umask said."""
    os.umask(os.umask(_OWNER_ALONE) | _OWNER_ALONE)


def let_read(readers: Readers) -> None:
    """As `output.readable_by` says."""
    from pipeline.config.areas.output import Readers

    if readers is Readers.GROUP:
        os.umask(_GROUP_TOO)
