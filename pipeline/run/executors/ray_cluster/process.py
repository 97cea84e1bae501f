"""What a process that Ray has started does before it works for Earshot, and how it answers."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.children.entry import progress_bars_without_semaphore
from pipeline.errors import OutputUnavailable, portable

Answer = tuple[bool, Any]
"""Whether it succeeded, and what it gives or the EarshotError it raised: a foreign error may not survive the way."""


def answered(ask: Callable[[], Any]) -> Answer:
    """What `ask` gives or raises, ready to travel."""
    try:
        return True, ask()
    except Exception as error:  # noqa: BLE001 - handed to whoever asked, who raises it
        logging.getLogger("earshot.run").warning("not done here: %s", error)
        return False, portable(error)


def like_an_own_process(folder: Path) -> None:
    """In the folder of Earshot, with children that do not load Ray, which each would do for Ray's main module."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise OutputUnavailable(
            f"{socket.gethostname()}: {folder}: {error.strerror}; Earshot must be in the same folder on every machine "
            "of the cluster, or ray.folder must name it"
        ) from None
    main = sys.modules["__main__"]
    if "ray" in str(getattr(main, "__file__", "")):
        del main.__file__
    progress_bars_without_semaphore()
