"""A call without what is said to whoever sums it up: neither a model nor a rule reads it, and the row says so.

A sentence is flagged by its form (`patterns`) or by what it does (`weighing`, English). The side that says one is read
with less doubt: who dictates goes on dictating. Sentences that are merely doubtful stay in the call; but what becomes
of it is compared with what becomes of it without them, and where they make a difference they are flagged, too.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from analysis.calls import language_of
from analysis.clauses.cutting import chunk_spans
from analysis.encoder.vectors import EncoderChoice
from analysis.injection.patterns import orders_at
from analysis.injection.weighing import DOUBTFUL, FLAGGED, method_of, probabilities
from analysis.text import sentence_spans, squeezed, stop_words, words
from pipeline.records import CallForAnalysis, Role, TranscriptChunk, Word

_DICTATED = 0.15
"""Probability from which it is left out beside another of the same side that is."""
_QUOTED = 0.3
"""Probability from which an account that quotes a doubtful sentence says so."""
_AGENTS_ODDS = 1 / 6
"""Times the odds of what an agent says: notes, records and what is written in them are an agent's work."""
_LISTED = 8
"""Words from which a sentence without any word of grammar is a list (fields of a form, goods), which asks nothing."""
_LONG = 25
"""Words from which a sentence is judged clause by clause: a reason and an order may be run together."""

_COMMA = re.compile(r"[,;:]\s+")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sifted:
    """A call and what of it may be believed."""

    call: CallForAnalysis
    """Without the flagged sentences; their turns stay, without text where nothing else is said."""
    surer: CallForAnalysis
    """Without the doubtful ones either; the same object where there are none."""
    left_out: tuple[str, ...]
    """The flagged sentences."""
    doubtful: tuple[str, ...] = ()
    suspect: tuple[str, ...] = ()
    """Those of the doubtful that are not even quoted unsaid."""

    @property
    def orders(self) -> bool:
        """Whether anything is flagged."""
        return bool(self.left_out)

    @property
    def doubted(self) -> Sifted | None:
        """With the doubtful sentences flagged, too; None where there are none."""
        return None if self.surer is self.call else Sifted(self.surer, self.surer, (*self.left_out, *self.doubtful))

    def doubts(self, quotations: Iterable[str]) -> bool:
        """Whether one of these quotations of the call is, holds or is part of a suspect sentence."""
        suspect = [squeezed(said) for said in self.suspect]
        quoted = [squeezed(text) for text in quotations]
        return any(said in text or text in said for text in filter(None, quoted) for said in suspect)


@dataclass(frozen=True, slots=True)
class _Unit:
    chunk: int
    span: Span
    text: str
    by_form: bool


class Sifter:
    """Of calls in any language; what sentences do is weighed in English."""

    def __init__(self, encoder: EncoderChoice, *, for_model: bool = True) -> None:
        """`for_model`: whether a language model reads what is kept. What none reads obeys nothing: a client's plain
        wish ("we would like to place an order") is not doubted for it."""
        self._encoder = encoder
        self._least_doubt = 0.0 if for_model else _QUOTED

    def sift(self, call: CallForAnalysis) -> Sifted:
        chunks = call.transcript.chunks
        units = [unit for index, chunk in enumerate(chunks) if not chunk.doubts for unit in _units(index, chunk)]
        shares = self._shares(call, [unit.text for unit in units])
        found = [
            (unit, 1.0 if unit.by_form else 0.0 if _is_list(unit.text) else of_side(share, chunks[unit.chunk].role))
            for unit, share in zip(units, shares, strict=True)
        ]
        method = method_of(self._encoder.for_language(language_of(call) or "en"))
        steered = {chunks[unit.chunk].channel for unit, share in found if share >= FLAGGED[method]}
        left_out = [share >= _DICTATED and chunks[unit.chunk].channel in steered for unit, share in found]
        flagged = [unit for (unit, _), out in zip(found, left_out, strict=True) if out]
        doubted = [
            (unit, share)
            for (unit, share), out in zip(found, left_out, strict=True)
            if share >= max(DOUBTFUL[method], self._least_doubt) and not out
        ]
        without = _without(call, flagged)
        surer = _without(without, [unit for unit, _ in doubted]) if doubted else without
        return Sifted(
            without,
            surer,
            tuple(unit.text for unit in flagged),
            tuple(unit.text for unit, _ in doubted),
            tuple(unit.text for unit, share in doubted if share >= _QUOTED),
        )

    def _shares(self, call: CallForAnalysis, texts: Sequence[str]) -> Sequence[float]:
        language = language_of(call) or "en"
        if not texts or not language.startswith("en"):
            return [0.0] * len(texts)
        return probabilities(texts, self._encoder.for_language(language))


def _is_list(text: str) -> bool:
    said = words(text)
    return len(said) >= _LISTED and stop_words("en").isdisjoint(said)


def of_side(share: float, role: Role) -> float:
    """The probability (0..1) of a sentence, by who says it."""
    likely = share * (_AGENTS_ODDS if role is Role.AGENT else 1.0)
    return likely / (likely + 1.0 - share)


def _units(index: int, chunk: TranscriptChunk) -> list[_Unit]:
    """Sentences by their marks; clauses of long ones."""
    marked = orders_at(chunk.text)
    found = []
    for start, end in sentence_spans(chunk.text):
        spans = [(start, end)]
        if len(words(chunk.text[start:end])) > _LONG:
            clauses = [(first, last) for first, last in chunk_spans(chunk) if start <= first < end]
            spans = [part for clause in clauses for part in _at_commas(chunk.text, clause)] or spans
        found += [
            _Unit(
                index, span, chunk.text[slice(*span)], any(first < span[1] and last > span[0] for first, last in marked)
            )
            for span in spans
        ]
    return found


def _at_commas(text: str, span: Span) -> list[Span]:
    start, end = span
    if len(words(text[start:end])) <= _LONG:
        return [span]
    cuts = [start, *(mark.end() for mark in _COMMA.finditer(text, start, end)), end]
    return [pair for pair in itertools.pairwise(cuts) if words(text[slice(*pair)])]


def _without(call: CallForAnalysis, units: Sequence[_Unit]) -> CallForAnalysis:
    if not units:
        return call
    chunks = list(call.transcript.chunks)
    for index in {unit.chunk for unit in units}:
        chunks[index] = _cut(chunks[index], [unit.span for unit in units if unit.chunk == index])
    return replace(call, transcript=replace(call.transcript, chunks=tuple(chunks)))


def _cut(chunk: TranscriptChunk, spans: Sequence[Span]) -> TranscriptChunk:
    kept, reached = [], 0
    for start, end in sorted(spans):
        kept.append(chunk.text[reached:start])
        reached = max(reached, end)
    text = " ".join("".join([*kept, chunk.text[reached:]]).split())
    text = text if words(text) else ""
    return replace(chunk, text=text, words=_words_outside(chunk, spans))


def _words_outside(chunk: TranscriptChunk, spans: Sequence[Span]) -> tuple[Word, ...] | None:
    """None where they cannot be found in the text, or were not timed."""
    kept, reached = [], 0
    for word in chunk.words or ():
        said = word.text.strip()
        start = chunk.text.find(said, reached)
        if start < 0:
            return None
        reached = start + len(said)
        if not any(first < reached and last > start for first, last in spans):
            kept.append(word)
    return tuple(kept) or None
