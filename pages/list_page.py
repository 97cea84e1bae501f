"""The list of calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from db.queries.chosen import NONE, CallFilter
from db.queries.listing import Choice, ListedCall, Total
from pages.filters import NAMES, address_of
from pages.rendering import page
from pages.site import Site
from pages.words import DIRECTIONS, MOODS, STATUSES, call_flag

CALLS_PER_PAGE = 50
SORT_NAMES: Mapping[str, str] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "attention": "Most attention first",
    "unhappiest": "Unhappiest first",
    "longest": "Longest first",
    "silence": "Most silence first",
}


ANY_RULE: Mapping[str, str] = {"any": "Any rule", "critical": "Critical rules"}
_RESULTS: Mapping[str, str] = {"passed": "passed", "failed": "not passed", "critical": "a critical no"}
"""Of a scorecard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter in use, and the address without it."""

    says: str
    without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A value that a filter offers."""

    value: str
    says: str


def list_page(
    listed: Sequence[ListedCall], total: Total, offered: Sequence[Choice], wanted: CallFilter, site: Site,
    *, sort: str = "newest", number: int = 1, within: CallFilter | None = None, faults: Sequence[str] = (),
    guess: str | None = None,
) -> str:  # fmt: skip
    """HTML of a page of the list, `number` from 1; of a written list there is one, of the calls `within` a filter.

    `guess`: what may have been meant, where nobody said the words that were looked for.
    """
    last = 1 if site.written else max(1, -(-total.calls // CALLS_PER_PAGE), number + 1 if total.more else 1)
    return page(
        "calls",
        listed=listed,
        total=total,
        options=options_of(offered, wanted),
        chips=chips_of(wanted, partial(site.calls, sort=_sort(sort)), offered),
        wanted=address_of(wanted),
        nothing_yet=not offered and wanted == CallFilter(within=wanted.within) and not total.calls,
        sort=sort,
        sorts=SORT_NAMES,
        number=number,
        last=last,
        first_shown=(number - 1) * CALLS_PER_PAGE + 1,
        earlier=site.calls(wanted, sort=_sort(sort), page=number - 1) if number > 1 else None,
        later=site.calls(wanted, sort=_sort(sort), page=number + 1) if number < last else None,
        filter=wanted,
        faults=faults,
        guess=guess,
        within=says_of(within, offered),
        zone=ZoneInfo(site.timezone),
        site=site,
    )


def options_of(offered: Sequence[Choice], wanted: CallFilter) -> dict[str, list[Option]]:
    """What each filter offers; what is asked for is among it, also where no call has it."""
    options: dict[str, list[Option]] = {
        "mood": [Option(value=value, says=says) for value, says in MOODS.items()],
        "status": [Option(value=value, says=says) for value, says in STATUSES.items()],
    }
    for kind in ("agent", "queue", "direction", "topic", "flag", "attention", "scorecard"):
        options[kind] = [
            Option(value=choice.value, says=_shown(kind, choice.value, choice.says))
            for choice in offered
            if choice.kind == kind
        ]
    if options["attention"]:
        options["attention"] = [*(Option(value=v, says=s) for v, s in ANY_RULE.items()), *options["attention"]]
    for kind, found in options.items():
        asked = getattr(wanted, kind)
        if asked is not None and asked not in {option.value for option in found}:
            found.append(Option(value=asked, says=_shown(kind, asked)))
    return options


def says_of(within: CallFilter | None, offered: Sequence[Choice] = ()) -> list[str]:
    """What the calls of a written folder were chosen by."""
    return [] if within is None else [chip.says for chip in chips_of(within, lambda *_, **__: "", offered)]


def chips_of(wanted: CallFilter, address: Callable[..., str], offered: Sequence[Choice] = ()) -> list[Chip]:
    """One for each filter in use; `address` is that of the page with another filter, `offered` has the titles."""
    nothing, titles = CallFilter(), {(choice.kind, choice.value): choice.says for choice in offered}
    return [
        Chip(
            says=f"{_TITLES.get(name, '')} {_shown(name, value, titles.get((name, str(value))))}".strip(),
            without=address(wanted, **{name: getattr(nothing, name)}),
        )
        for name in NAMES
        if (value := getattr(wanted, name)) != getattr(nothing, name)
    ]


_TITLES: Mapping[str, str] = {
    "first_day": "From",
    "last_day": "To",
    "undated": "Start not known",
    "agent": "Agent",
    "queue": "Queue",
    "topic": "Topic:",
    "mood": "Customer:",
    "language": "Language",
    "customer": "Customer",
    "attention": "Attention:",
    "scorecard": "Scorecard:",
    "error": "Error",
    "silence": "Silence",
    "talk": "Customer talks",
    "text": "Says",
}
"""What stands before a filter's value; nothing where the value says it."""


def _sort(sort: str) -> str | None:
    return None if sort == "newest" else sort


def _shown(kind: str, value: object, title: str | None = None) -> str:
    """A value as people read it; `title`: what it is called, where it has a name of its own."""
    text = str(value)
    if value is True:
        return ""
    if isinstance(value, tuple):
        return f"{value[0]} to {value[1]} % of the call"
    if text == NONE:
        return "not known"
    shown = {
        "mood": MOODS,
        "direction": DIRECTIONS,
        "status": {str(k): v for k, v in STATUSES.items()},
        "attention": ANY_RULE,
    }.get(kind, {})
    if kind == "flag":
        return call_flag(text)
    if kind == "scorecard":
        name, _, result = text.partition(":")
        return ": ".join(part for part in (title or name, _RESULTS.get(result, result)) if part)
    if kind == "attention" and title is not None:
        return title
    return shown.get(text, f"“{text}”" if kind == "text" else text)
