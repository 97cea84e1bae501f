"""How a run ended, for metrics and notifications."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from commands.exit_codes import ExitCode


@dataclass(slots=True)
class Ending:
    """How a run ended; filled in while it goes on."""

    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    host: str = field(default_factory=socket.gethostname)
    run_id: str | None = None
    """None when it ended before it got one."""
    exit_code: ExitCode = ExitCode.NOT_STARTED
    counts: Mapping[str, int] = field(default_factory=dict)
    adds_up: bool | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None

    @property
    def wall_s(self) -> float:
        return (datetime.now(UTC) - self.began_at).total_seconds()
