"""One call erased at the request of the service."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from commands.purge.erase import Erasure
from commands.purge.turn import in_turn
from db.erasure import OneErased, erasable, erasing

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
            in_turn(lambda: held.enter_context(erasing(database)), patience_s, _LOOK_S)
            chosen = erasable(database, call_ids=[call_id])
            if not chosen:
                return None
            why = {"calls": "1"}
            erasure = Erasure(database=database, settings=settings, chosen=chosen, why=why, with_audio=with_audio)
            done = erasure.erase()
        assert done.receipt is not None
        return OneErased(receipt=json.loads(done.receipt.read_text(encoding="utf-8")), left=tuple(done.troubles))

    return erase
