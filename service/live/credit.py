"""Flow control: how much more sound a client may send (docs/live.md)."""

from __future__ import annotations

import asyncio
import json

from pipeline.live.call import LiveCall

_CREDIT_EVERY_S = 1.0
_CREDIT_SHARE = 4
"""A credit is sent when this part of the buffer is free again, or after a second."""


class Credits:
    """Tells the client how far its sound is in the recording."""

    def __init__(self, call: LiveCall, window_bytes: int) -> None:
        self._call = call
        self._step = window_bytes // _CREDIT_SHARE
        self._told = call.recorded
        self._told_at = asyncio.get_running_loop().time()
        self.look_again_s = _CREDIT_EVERY_S / _CREDIT_SHARE

    def due(self) -> str | None:
        """The message, where one is to be sent now."""
        recorded, now = self._call.recorded, asyncio.get_running_loop().time()
        size = self._call.header.start.encoding.sample_bytes
        more = sum(now - then for now, then in zip(recorded, self._told, strict=True)) * size
        if not more or (more < self._step and now - self._told_at < _CREDIT_EVERY_S):
            return None
        self._told, self._told_at = recorded, now
        return json.dumps({"type": "credit", "received": recorded})
