"""The time of one call, which all questions about it have together."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class CallTime:
    """What the questions about one call took so far. Thread-safe."""

    used_s: float = 0.0
    longest_s: dict[str, float] = field(default_factory=dict)
    """Of one question, by provider; of a batch its share."""
    asking: int = 1
    """How many questions are about the call."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, provider: str, took_s: float, lanes: int) -> None:
        """`took_s`: of one question. `lanes`: how many the provider is asked at once, whatever they are about."""
        with self.lock:
            self.used_s += took_s / min(lanes, self.asking)
            self.longest_s[provider] = max(self.longest_s.get(provider, 0.0), took_s)
