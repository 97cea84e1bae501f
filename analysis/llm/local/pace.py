"""How long reading and writing take on this machine, and so what a time limit still allows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

_SLOWER = 1.25
"""What is to come may take so many times as long as what was measured: the machine does other work, too."""
_KEPT = 0.5
"""Weight of earlier measurements when a new batch begins."""


@dataclass(slots=True)
class Pace:
    """Measured over the batches of one process, the latest counting most."""

    _read_s: float = 0.0
    _read_tokens: float = 0.0
    _write_s: float = 0.0
    _write_steps: float = 0.0
    _lengths: dict[str, float] = field(default_factory=dict)

    def begin(self) -> None:
        """A new batch: what earlier ones took counts less."""
        self._read_s, self._read_tokens = self._read_s * _KEPT, self._read_tokens * _KEPT
        self._write_s, self._write_steps = self._write_s * _KEPT, self._write_steps * _KEPT

    def passed(self, took_s: float, tokens_read: int, wrote: bool) -> None:
        """One step: prompt tokens read in it, and whether a token of each reply under way was written."""
        if tokens_read:
            own_s = took_s - (self._step_s() or 0.0) * wrote
            self._read_s, self._read_tokens = self._read_s + max(0.0, own_s), self._read_tokens + tokens_read
        elif wrote:
            self._write_s, self._write_steps = self._write_s + took_s, self._write_steps + 1

    def replied(self, purpose: str, tokens: int) -> None:
        """A reply of that purpose had so many tokens when the model had ended it."""
        self._lengths[purpose] = max(float(tokens), self._lengths.get(purpose, 0.0) * _KEPT)

    @property
    def known(self) -> bool:
        """Whether something was read and something written."""
        return bool(self._read_tokens and self._write_steps)

    def reading_s(self, tokens: int) -> float | None:
        """For prompts of so many tokens, at worst; None where nothing was read yet."""
        return _SLOWER * tokens * self._read_s / self._read_tokens if self._read_tokens else None

    def writing_s(self, steps: float) -> float:
        """For so many tokens of each reply under way, at worst; 0 where nothing was written yet."""
        return _SLOWER * steps * (self._step_s() or 0.0)

    def usual_length(self, purpose: str, most: int) -> float:
        """Tokens of the longest of the latest replies of that purpose; half of `most` where there was none."""
        return min(self._lengths.get(purpose, most / 2), float(most))

    def _step_s(self) -> float | None:
        return self._write_s / self._write_steps if self._write_steps else None


def fitting(pace: Pace, prompts: Sequence[int], writing_s: float, left_s: float) -> int:
    """How many of these prompts, from the first on, can be read and answered in the time that is left.

    Args:
        prompts: tokens of each.
        writing_s: what their replies take once they are read.

    Returns:
        1 at most where it is not known how long reading takes: that one shows it.
    """
    a_token_s = pace.reading_s(1)
    if a_token_s is None:
        return min(1, len(prompts))
    return sum(a_token_s * read + writing_s <= left_s for read in itertools.accumulate(prompts))
