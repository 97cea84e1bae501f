"""How a row says that somebody spoke to whoever sums the call up."""

from __future__ import annotations

from dataclasses import replace

from analysis.calls import NOBODY_SPEAKS
from analysis.records import Summary, Topic
from pipeline.records import ORDERS_FLAG, StepResult

ORDERS_TOLD = "somebody speaks as one speaks to a language model: what they say to it was left out, look at it again"
"""The flag of a call in words, for its row."""
DOUBT_TOLD = "what this rests on may be meant for a language model and not for the other side: look at it again"
"""The same where such words stand, because nothing else tells it."""

_NOTHING_ELSE = "nothing else is said in this call"


def told_of_orders(result: StepResult) -> StepResult:
    """With the flag where there is a payload, and the reason in words, whoever made the result."""
    return _told(replace(result, reason=(result.reason or "").replace(NOBODY_SPEAKS, _NOTHING_ELSE)), ORDERS_TOLD)


def told_of_doubt(result: StepResult) -> StepResult:
    """The same of a result that rests on what may be such words."""
    return _told(result, DOUBT_TOLD)


def _told(result: StepResult, why: str) -> StepResult:
    payload, reason = result.payload, result.reason or ""
    if why not in reason:
        reason = "; ".join(filter(None, (reason, why)))
    if isinstance(payload, Summary | Topic):
        payload = replace(payload, flags=tuple(dict.fromkeys((*payload.flags, ORDERS_FLAG))))
    return replace(result, payload=payload, reason=reason)
