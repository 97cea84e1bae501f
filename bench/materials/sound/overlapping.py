"""Calls in which one side begins before the other has ended: recorded calls with shortened pauses.

Nothing is mixed or made louder. A turn is brought forward by taking quiet out of both channels: out of its own before
it, out of the other one after the turn it answers. So both voices and their noise stay as recorded, and who overlaps
with whom, and by how much, is known as exactly as the marked turns are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bench.materials.sound.overhearing import Call, Samples
from pipeline.judging.truth import TrueTurn

OVERLAPS_S = (1.0, 0.2, 1.5)
"""One after the other, and the next where there is no room. Who begins in the last half second interrupts nobody."""
SHORT_S = 1.5
"""Shorter turns, "okay" among them, are put whole into the other side's turn."""
GOES_ON_S = 1.0
"""So long the turn that is overlapped goes on after a short one, and the one that overlaps goes on after its end."""
ALONE_S = 0.5
"""So long the other side has spoken before it is overlapped."""
_QUIET_LEFT_S = 0.2
_FADE_S = 0.01


@dataclass(frozen=True, slots=True)
class BroughtForward:
    """A turn that begins earlier than in the recording, `overlap_s` before the other side's turn ends."""

    role: str | None
    start_s: float
    overlap_s: float
    inside: bool
    """Whether it ends inside the other side's turn."""


def with_overlaps(
    call: Call, rate_hz: int, turns: Sequence[TrueTurn]
) -> tuple[Call, tuple[TrueTurn, ...], tuple[BroughtForward, ...]]:
    """The call with each turn brought forward for which there is room.

    Args:
        call: two channels, shape (2, samples).
        turns: in time order, all with times (else ValueError); where they have no words, noise is heard, and kept.

    Returns:
        The shorter call, its turns in time order, and those of them that were brought forward.
    """
    now, moved = list(turns), list[BroughtForward]()
    wanted = deque(OVERLAPS_S)
    for before, index in pairwise([index for index, turn in enumerate(turns) if turn.text]):
        turn, answer = now[before], now[index]
        start_s, stop_s = _span(answer)
        inside = stop_s - start_s < SHORT_S
        for overlap_s in [stop_s - start_s + GOES_ON_S] if inside else list(wanted):
            shift_s = start_s - _span(turn)[1] + overlap_s
            own = _middle(_quiet_before(now, answer), shift_s)
            others = _middle(_quiet_after(now, turn, call.shape[1] / rate_hz), shift_s)
            if _has_room(turn, answer, overlap_s) and own is not None and others is not None:
                cuts = {answer.channel: own, turn.channel: others}
                call = np.stack([_without(call[channel], rate_hz, cuts[channel], shift_s) for channel in (0, 1)])
                now = [
                    _earlier(spoken, shift_s) if _span(spoken)[0] >= cuts[spoken.channel] else spoken for spoken in now
                ]
                moved.append(BroughtForward(answer.role, start_s - shift_s, overlap_s, inside))
                wanted.rotate(0 if inside else -1 - wanted.index(overlap_s))
                break
    return call, tuple(sorted(now, key=_span)), tuple(moved)


def _has_room(turn: TrueTurn, answer: TrueTurn, overlap_s: float) -> bool:
    """Whether the answer is another side's, after the turn's end, and both are long enough."""
    (start_s, end_s), (answer_s, stop_s) = _span(turn), _span(answer)
    goes_on = stop_s - answer_s < SHORT_S or stop_s - answer_s >= overlap_s + GOES_ON_S
    return turn.channel != answer.channel and answer_s >= end_s and end_s - start_s >= overlap_s + ALONE_S and goes_on


def _middle(quiet: tuple[float, float], length_s: float) -> float | None:
    """Where a cut in the middle of a quiet stretch begins; None where that is too short."""
    start_s, end_s = quiet
    return None if end_s - start_s < length_s + _QUIET_LEFT_S else (start_s + end_s - length_s) / 2


def _quiet_before(turns: Sequence[TrueTurn], turn: TrueTurn) -> tuple[float, float]:
    start_s = _span(turn)[0]
    ends = [_span(earlier)[1] for earlier in turns if earlier.channel == turn.channel and _span(earlier)[0] < start_s]
    return max(ends, default=0.0), start_s


def _quiet_after(turns: Sequence[TrueTurn], turn: TrueTurn, length_s: float) -> tuple[float, float]:
    end_s = _span(turn)[1]
    starts = [_span(later)[0] for later in turns if later.channel == turn.channel and _span(later)[0] >= end_s]
    return end_s, min(starts, default=length_s)


def _without(samples: Samples, rate_hz: int, start_s: float, length_s: float) -> Samples:
    """Faded over, so that no click is heard."""
    first, count, fade = round(start_s * rate_hz), round(length_s * rate_hz), round(_FADE_S * rate_hz)
    rising = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    end = first + count
    joint = samples[first - fade : first] * (1 - rising) + samples[end - fade : end] * rising
    return np.concatenate([samples[: first - fade], joint, samples[end:]])


def _earlier(turn: TrueTurn, by_s: float) -> TrueTurn:
    start_s, end_s = _span(turn)
    words = tuple(replace(word, start_s=word.start_s - by_s, end_s=word.end_s - by_s) for word in turn.words)
    return replace(turn, start_s=start_s - by_s, end_s=end_s - by_s, words=words)


def _span(turn: TrueTurn) -> tuple[float, float]:
    if turn.start_s is None or turn.end_s is None:
        raise ValueError(f"turn {turn.text!r} of the truth has no times; with_overlaps needs them")
    return turn.start_s, turn.end_s
