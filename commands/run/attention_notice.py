"""Mail or webhook about calls for which a rule holds, each call once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from analysis.redaction import redactor_of
from analysis.rules.reader import load_rules
from commands.run.notify import Sent, send
from db.queries.attention import MatchToTell, mark_told, matches_to_tell
from pipeline.config.root import Settings
from pipeline.errors import EarshotError
from pipeline.masking import masked
from pipeline.moments import clock
from pipeline.plurals import counted
from pipeline.visible_text import visible

if TYPE_CHECKING:
    from db.connection import Database

LISTED_CALLS = 50
"""Calls told of in full; of more than that their number is told."""


def tell_of_attention(settings: Settings, database: Database, run_id: str) -> list[str]:
    """Tell of calls that `attention.notify` asks for; returns the problems. What was not sent, the next run sends."""
    asked = settings.attention
    if not asked.notify:
        return []
    sent = Sent((), [])
    try:
        rules = [rule.name for rule in load_rules(asked.rules).rules if rule.notify and rule.attention]
        found = matches_to_tell(database, rules, timedelta(days=asked.notify_within_days))
        if not found:
            return []
        told = [_safe(match, settings) for match in found]
        rules_of = {call: [match.rule for match in own] for call, own in _by_call(told)}

        def send_them() -> Sequence[str]:
            nonlocal sent
            sent = send(settings.reporting.notify, _subject(told), _body(told), {"calls": list(_calls(told))})
            return sent.by

        mark_told(database, rules_of, run_id, send_them)
    except EarshotError as error:
        return [*sent.problems, f"attention.notify: calls that need attention were not told of ({error})"]
    return sent.problems


def _safe(match: MatchToTell, settings: Settings) -> MatchToTell:
    """Without personal data in what was said, or without what was said."""
    if not settings.attention.notify_quotes:
        return replace(match, quote=None, reason="")
    redactor = redactor_of(settings)
    quote = None if match.quote is None else redactor.redact(match.quote).text
    return replace(match, quote=quote, reason=redactor.redact(match.reason).text)


def _by_call(matches: Sequence[MatchToTell]) -> Iterator[tuple[str, list[MatchToTell]]]:
    for call, own in groupby(matches, key=lambda match: match.call_id):
        yield call, list(own)


def _subject(matches: Sequence[MatchToTell]) -> str:
    return f"Earshot: {counted(len({match.call_id for match in matches}), 'call')} to look at"


def _body(matches: Sequence[MatchToTell]) -> str:
    lines = [_subject(matches)]
    calls = list(_by_call(matches))
    for _, own in calls[:LISTED_CALLS]:
        first = own[0]
        began = f"{first.started_at:%Y-%m-%d %H:%M %Z}" if first.started_at else None
        agent = f"agent {first.agent_id}" if first.agent_id else None
        lines += ["", ", ".join(filter(None, (first.file_name, began, agent, first.topic)))]
        for match in own:
            moment = f" at {clock(match.start_s)}" if match.start_s is not None else ""
            lines.append(f"  {'! ' if match.critical else ''}{match.title}{moment}")
            if match.quote:
                lines.append(f"    {match.role or ''}: “{match.quote}”".replace(" : ", " "))
            elif match.reason:
                lines.append(f"    {match.reason}")
    if left := calls[LISTED_CALLS:]:
        lines += ["", f"and {counted(len(left), 'more call')}: the view `attention` names them"]
    return visible(masked("\n".join(lines)))


def _calls(matches: Sequence[MatchToTell]) -> Iterator[Mapping[str, Any]]:
    for call, own in list(_by_call(matches))[:LISTED_CALLS]:
        first = own[0]
        yield {
            "call_id": call,
            "file_name": masked(first.file_name),
            "started_at": first.started_at.isoformat() if first.started_at else None,
            "agent_id": first.agent_id,
            "topic": first.topic,
            "matches": [
                {
                    "rule": match.rule,
                    "title": match.title,
                    "reason": masked(match.reason) or None,
                    "quote": masked(match.quote) if match.quote else None,
                    "role": match.role.value if match.role else None,
                    "start_s": match.start_s,
                    "critical": match.critical,
                }
                for match in own
            ],
        }
