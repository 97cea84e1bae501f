"""How a row says that somebody spoke to whoever sums the call up."""

from __future__ import annotations

from dataclasses import replace

from analysis.calls import NOBODY_SPEAKS
from analysis.records import Summary, Topic
from pipeline.records import ORDERS_FLAG, StepResult

ORDERS_TOLD = "somebody speaks as one speaks to a language model: what they say to it was left out, look at it again"
"""The flag of a call in words, for its row."""

_NOTHING_ELSE = "nothing else is said in this call"


def told_of_orders(result: StepResult) -> StepResult:
    """With the flag where there is a payload, and the reason in words, whoever made the result."""
    payload, reason = result.payload, (result.reason or "").replace(NOBODY_SPEAKS, _NOTHING_ELSE)
    if ORDERS_TOLD not in reason:
        reason = "; ".join(filter(None, (reason, ORDERS_TOLD)))
    if isinstance(payload, Summary | Topic):
        payload = replace(payload, flags=tuple(dict.fromkeys((*payload.flags, ORDERS_FLAG))))
    return replace(result, payload=payload, reason=reason)
