"""What was found for a question, and how well it fits: the line to quote of each passage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.encoder.vectors import EncoderChoice, Vectors
from analysis.questions.asked import Asked
from analysis.questions.quoting import COVERED, Chosen, Does, Quoter
from analysis.questions.ranking import Key
from analysis.questions.records import Finds, LineBefore, Passage, Quote, Searched
from analysis.questions.relevance import answers, coverage
from analysis.questions.wanted import Wanted, asks_for_all, wanted_by
from analysis.summary.reading.substance import Substance

_SETTLED_LATER = frozenset({Wanted.PROMISE, Wanted.RESULT, Wanted.MOMENT})
"""A call says first what it is about, and what is promised or done later, often without naming it again. So it is with
a reason that the agent asks for."""
_FOLLOWED, _FOLLOWING = 15, 2
"""Passages, best first, after which so many more are read for that."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the two looks gave: passages, best first."""

    near: tuple[Key, ...]
    said: tuple[Key, ...]
    fused: tuple[Key, ...]
    """Both lists made one."""
    likeness: Mapping[Key, float]
    """Cosine of the passages that are near."""
    weights: Mapping[str, float]
    """Of the question's words."""
    vector: Vectors | None
    """Of the question, shape (dimensions,)."""
    searched: Searched
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """A quote, and how well its passage fits the question."""

    quote: Quote
    passage: Passage
    vector: Vectors | None
    """Of the quote."""
    likeness: float | None
    """Cosine of the question to the passage or to the quote, the larger one."""
    covered: float
    """Share of the question's words that are said in the passage."""
    score: float
    """Of the line among the lines of its call."""
    suits: bool
    """Whether the line does what is wanted, by its wording."""
    fits: bool


def fits(asked: Asked, looked: Looked, finds: Finds, encoder: EncoderChoice, substance: Substance | None) -> list[Fit]:
    """The line that answers of each passage, each line once; of each call the best first, calls as their passages."""
    wanted = wanted_by(asked)
    quoter = Quoter(looked.weights, wanted, looked.vector, substance)
    all_of_kind = asks_for_all(asked)
    chosen_of: dict[Key, Chosen | None] = {}
    found: dict[tuple[str, int, int], Fit] = {}
    for passage, about in _read(looked, finds, wanted):
        serving = encoder.for_language(passage.language) if looked.vector is not None else None
        if passage.key not in chosen_of:
            chosen_of[passage.key] = quoter.choose(passage, serving)
        chosen = chosen_of[passage.key]
        if chosen is None or (about is not passage and not _told_later(chosen.does, wanted)):
            continue
        cosines = [x for x in (looked.likeness.get(about.key), chosen.likeness) if x is not None]
        nearest = max(cosines, default=None)
        covered = coverage(looked.weights, [line.text for line in about.lines if not line.doubts], about.language)
        fit = Fit(
            quote=_quote(passage, chosen),
            passage=passage,
            vector=chosen.vector,
            likeness=nearest,
            covered=covered,
            # The reason that was asked for is the reason of what the call was found for.
            score=chosen.score + COVERED * covered * chosen.does.says_why,
            suits=chosen.does.suits,
            fits=(all_of_kind and chosen.does.outright)
            or (answers(nearest, covered, len(looked.weights)) and (chosen.does.suits or Wanted.PROMISE not in wanted)),
        )
        where = (passage.call_id, chosen.line.channel, chosen.line.ordinal)
        earlier = found.get(where)
        if earlier is None or (fit.fits and not earlier.fits):
            found[where] = fit
    return _best_line_first(_outright(list(found.values())))


def _told_later(does: Does, wanted: frozenset[Wanted]) -> bool:
    return does.suits if wanted & _SETTLED_LATER else does.says_why


def _read(looked: Looked, finds: Finds, wanted: frozenset[Wanted]) -> list[tuple[Passage, Passage]]:
    """Passages in order, each with the one that was found; those that follow it stand after it."""
    after: dict[Key, list[Key]] = {}
    if wanted & (_SETTLED_LATER | {Wanted.REASON}):
        known = set() if Wanted.REASON in wanted else set(looked.fused)
        for call_id, number in looked.fused[:_FOLLOWED]:
            following = [(call_id, number + step) for step in range(1, _FOLLOWING + 1)]
            after[call_id, number] = [key for key in following if key not in known]
            known.update(following)
    stored = finds.passages([*looked.fused, *(key for keys in after.values() for key in keys)])
    return [
        (stored[key], stored[about])
        for about in looked.fused
        if about in stored
        for key in (about, *after.get(about, ()))
        if key in stored
    ]


def _outright(found: Sequence[Fit]) -> list[Fit]:
    """Without the lesser lines of calls that say outright what is wanted: a call is to count where it says so."""
    says = {fit.quote.call_id for fit in found if fit.suits}
    return [fit for fit in found if fit.suits or fit.quote.call_id not in says]


def _best_line_first(found: Sequence[Fit]) -> list[Fit]:
    """Every call keeps the places that its passages won; its best line takes the first of them."""
    of_call: dict[str, list[Fit]] = {}
    for fit in found:
        of_call.setdefault(fit.quote.call_id, []).append(fit)
    waiting = {
        call_id: iter(sorted(some, key=lambda fit: (not fit.fits, -fit.score))) for call_id, some in of_call.items()
    }
    ordered = [next(waiting[fit.quote.call_id]) for fit in found]
    return [replace(fit, quote=replace(fit.quote, rank=rank)) for rank, fit in enumerate(ordered)]


def _quote(passage: Passage, chosen: Chosen) -> Quote:
    line, before = chosen.line, chosen.before
    return Quote(
        call_id=passage.call_id,
        file_name=passage.file_name,
        started_at=passage.started_at,
        agent_id=passage.agent_id,
        role=line.role.value,
        channel=line.channel,
        ordinal=line.ordinal,
        start_s=line.start_s,
        text=line.text,
        likeness=chosen.likeness,
        rank=0,
        before=None if before is None else LineBefore(role=before.role.value, start_s=before.start_s, text=before.text),
    )
