"""What live calls are heard, told and stored with; `commands` puts it together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.live.ports import EndAnalysis, HandOver, LiveStore
from pipeline.live.recogniser import HearsTurns
from pipeline.live.track import Hearing
from pipeline.live.turns import TurnMaker


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTools:
    """What calls are heard, told and stored with."""

    hearing: Hearing
    recogniser: HearsTurns
    turns: TurnMaker
    analyse: EndAnalysis | None
    """None: nothing is told at the end."""
    hand_over: HandOver
    store: LiveStore
    warm: Callable[[], None]
    """Called when a call begins: what turns need is made ready."""
    close: Callable[[], None]
    """Ends what these are done with."""
