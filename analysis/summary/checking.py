"""A model's summary, compared with the transcript: what nobody said is dropped or flagged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from analysis.calls import language_of
from analysis.records import ActionItem, Summary
from analysis.summary.drafts import FIELDS, WHO, Draft
from analysis.summary.facts import Claim, SpokenFacts
from analysis.summary.names import checks_names
from analysis.text import split_sentences
from pipeline.config.areas.language import SummarySettings

_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]*_\d+\]")
_PLACES = {"number": "unsupported_number", "date": "unsupported_date", "name": "unsupported_name"}


class Checker:
    """Checks the texts of one summary and remembers what was wrong."""

    def __init__(self, draft: Draft, settings: SummarySettings) -> None:
        metadata = draft.call.metadata
        also = [metadata.agent_id] if metadata.agent_id else []
        self._facts = SpokenFacts(draft.call.transcript.believed, language_of(draft.call), also)
        self._language = draft.language
        self._drop = settings.unsupported == "drop"
        self.flags: dict[str, None] = {}
        self.notes: list[str] = []

    def text(self, text: str, where: str) -> str | None:
        """The text without its unsupported sentences; None when nothing is left."""
        kept = [sentence for sentence in split_sentences(text) if not self._faulty(sentence, where)]
        return " ".join(kept) or None

    def whole(self, text: str, where: str) -> str | None:
        """The text, or None when any of it is unsupported."""
        text = " ".join(text.split())
        return text if text and not self._faulty(text, where) else None

    def _faulty(self, text: str, where: str) -> bool:
        # A placeholder stands for something that was said; its name and number are not claims.
        faults = self._facts.unsupported(_PLACEHOLDER.sub(" ", text), self._language)
        for fault in faults:
            self._remember(fault, where)
        return bool(faults) and self._drop

    def _remember(self, fault: Claim, where: str) -> None:
        self.flags[_PLACES.get(fault.kind, f"unsupported_{fault.kind}")] = None
        verb = "dropped from" if self._drop else "kept in"
        # The fact itself is not quoted: reasons hold no words of a reply.
        self.notes.append(f"a {fault.kind} that is not in the transcript {verb} {where}")


def read_summary(draft: Draft, data: Mapping[str, Any], settings: SummarySettings) -> tuple[Summary | None, str | None]:
    """The answer as a record without text, and what was wrong with it; None when nothing of it is supported."""
    checker = Checker(draft, settings)
    fields = {name: checker.text(str(data.get(name) or ""), name) for name in FIELDS}
    points = [checker.whole(str(point), "key_points") for point in data.get("key_points", ())]
    items = [_item(checker, item) for item in data.get("action_items", ())]
    key_points = tuple(dict.fromkeys(point for point in points if point))[: settings.max_key_points]
    action_items = tuple(item for item in items if item)[: settings.max_action_items]
    note = "; ".join(dict.fromkeys(checker.notes)) or None
    if not (any(fields.values()) or key_points or action_items):
        return None, note or "the model's summary is empty"
    flags = list(checker.flags)
    if not checks_names(draft.language):
        flags.append("names_not_checked")
    if draft.too_long:
        flags.append("summary_of_part")
    summary = Summary(
        text="",
        reason=fields["reason"],
        done=fields["done"],
        outcome=fields["outcome"],
        key_points=key_points,
        action_items=action_items,
        next_step=fields["next_step"],
        language=draft.language,
        template=settings.template,
        flags=tuple(flags),
    )
    return summary, note


def _item(checker: Checker, item: Any) -> ActionItem | None:
    if not isinstance(item, Mapping):
        return None
    what = checker.whole(str(item.get("what") or ""), "action_items")
    if what is None:
        return None
    who = str(item.get("who") or "")
    return ActionItem(
        what=what,
        who=who if who in WHO and who else None,
        by_when=checker.whole(str(item.get("by_when") or ""), "action_items"),
    )
