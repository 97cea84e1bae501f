"""One call erased at the request of the service."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from commands.purge.erase import Erasure
from db.erasure import OneErased, erasable, erasing
from pipeline.errors import RunLocked

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

PATIENCE_S = 10.0
"""How long an erasure waits for another one, or for a run's delivery: a client does not wait much longer."""
_LOOK_S = 0.5


def eraser(
    database: Database, settings: Settings, patience_s: float = PATIENCE_S
) -> Callable[[uuid.UUID, bool], OneErased | None]:
    """Erases a call as `db purge --call` does, with its recording where that is wanted; None without such a call.

    Raises RunLocked where a run under way has it among its input, and where another erasure takes longer than
    `patience_s`.
    """

    def erase(call_id: uuid.UUID, with_audio: bool) -> OneErased | None:
        with ExitStack() as held:
            _wait_for_others(database, held, patience_s)
            chosen = erasable(database, call_ids=[call_id])
            if not chosen:
                return None
            why = {"calls": "1"}
            erasure = Erasure(database=database, settings=settings, chosen=chosen, why=why, with_audio=with_audio)
            done = erasure.erase()
        assert done.receipt is not None
        return OneErased(receipt=json.loads(done.receipt.read_text(encoding="utf-8")), left=tuple(done.troubles))

    return erase


def _wait_for_others(database: Database, held: ExitStack, patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while True:
        try:
            held.enter_context(erasing(database))
        except RunLocked:
            if time.monotonic() >= until:
                raise
            time.sleep(_LOOK_S)
            continue
        return
