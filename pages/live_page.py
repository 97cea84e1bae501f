"""Calls while they are held: the list of them, and one of them as it comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from db.queries.live import ShownLiveCall, ShownLiveTurn
from pages.rendering import page
from pages.site import Site

ENDS: Mapping[str, str] = {
    "stopped": "The call is over.",
    "lost": "The connection was lost.",
    "idle": "Nothing more was sent.",
    "silence": "Nobody spoke for a long time.",
    "too_long": "The call is longer than calls may be.",
    "disk": "The recording could not be written any further.",
    "shutdown": "The server was stopped.",
    "killed": "The server failed.",
}
"""Why a call ended, by `live_calls.end_reason`."""


def live_list_page(calls: Sequence[ShownLiveCall], site: Site) -> str:
    """HTML of the list of live calls."""
    return page("live_calls", calls=calls, ends=ENDS, site=site)


def live_page(call: ShownLiveCall, turns: Sequence[ShownLiveTurn], site: Site, *, held: bool) -> str:
    """HTML of a live call.

    Args:
        turns: those stored; of a call that is `held` on this server the page's script asks for them.
    """
    return page("live_call", call=call, turns=turns, ends=ENDS, held=held, site=site)
