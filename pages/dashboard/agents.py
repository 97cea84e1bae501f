"""Agents side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from db.queries.chosen import NONE, CallFilter
from db.queries.dashboard import OfAgent
from pages.dashboard.narrowing import narrowed_to
from pages.dashboard.shares import Share, share_of
from pages.site import Site
from pages.svg.charts import interval_bar

AGENT_ORDERS: Mapping[str, str] = {
    "calls": "most calls",
    "negative": "most unhappy customers",
    "length": "longest calls",
    "talk": "agent talks most",
    "silence": "most silence",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """An agent beside the others."""

    says: str
    address: str
    of: OfAgent
    negative: Share
    negative_address: str | None
    bar: Markup


def agent_rows(agents: Sequence[OfAgent], overall: Share, order: str, wanted: CallFilter, site: Site) -> list[AgentRow]:
    """Agents in one of AGENT_ORDERS; calls without an agent last."""
    rows = []
    for agent in agents:
        negative = share_of(agent.negative, agent.with_mood)
        narrowed = replace(wanted, agent=agent.agent_id or NONE)
        rows.append(
            AgentRow(
                says=agent.agent_id or "Not known",
                address=site.calls(narrowed),
                of=agent,
                negative=negative,
                negative_address=narrowed_to(narrowed, site, mood="negative"),
                bar=interval_bar(negative.value, negative.low, negative.high, overall.value),
            )
        )
    return sorted(rows, key=lambda row: (row.of.agent_id is None, -_rank(row, order), row.says))


def _rank(row: AgentRow, order: str) -> float:
    ranks: Mapping[str, float | None] = {
        "calls": row.of.calls,
        "negative": row.negative.low,
        "length": row.of.mean_duration_s,
        "talk": row.of.agent_talk_share,
        "silence": row.of.silence_share,
    }
    return ranks[order] or 0.0
