"""Threads beside the main one."""

from __future__ import annotations

import threading
from collections.abc import Callable


def begun(name: str, work: Callable[..., object], *given: object) -> threading.Thread:
    """Does `work(*given)` in a thread of its own, which is running already and keeps no process from ending."""
    thread = threading.Thread(target=work, args=given, name=name, daemon=True)
    thread.start()
    return thread
