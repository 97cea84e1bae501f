"""The page of questions across calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from analysis.questions.grouping import apart
from analysis.questions.records import Answer
from db.queries.chosen import CallFilter
from db.queries.listing import Choice
from pages.filters import address_of
from pages.list_page import chips_of, options_of
from pages.rendering import page
from pages.site import Site

LONGEST_QUESTION = 1000
QUOTES_AT_ONCE = 4
"""Of a group; the others are folded away."""
EXAMPLES = ("Why do customers cancel?", "What do callers say about prices?", "Who was promised a call back?")


def ask_page(
    question: str, answer: Answer | None, offered: Sequence[Choice], wanted: CallFilter, site: Site,
    *, faults: Sequence[str] = (),
) -> str:  # fmt: skip
    """HTML; without `answer` the form alone."""
    # A model's sentences lead to groups of several calls; what one call says alone shares a heading.
    shared, single = apart(answer.groups if answer else ())
    return page(
        "ask",
        question=question,
        answer=answer,
        shared=shared,
        single=single,
        options=options_of(offered, wanted),
        chips=chips_of(wanted, partial(site.ask, question), offered),
        wanted=address_of(wanted),
        bare=site.ask(question),
        examples=[(example, site.ask(example, wanted)) for example in EXAMPLES],
        longest=LONGEST_QUESTION,
        at_once=QUOTES_AT_ONCE,
        faults=faults,
        site=site,
    )
