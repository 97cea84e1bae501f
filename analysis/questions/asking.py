"""From a question to its answer: look, rank, judge whether anything answers it, quote, group, and have it written.

The calls are looked through twice, by words and by meaning, each within the filter; reciprocal rank fusion makes one
list. What is too unlike the question is left out: where that is all, the answer is that it is not in these calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from analysis.encoder.vectors import EncoderChoice, Vectors
from analysis.llm.router import Router
from analysis.questions.answering import written_answer
from analysis.questions.asked import Asked, read_question
from analysis.questions.grouping import grouped
from analysis.questions.indexing import recipe_of
from analysis.questions.quoting import Chosen, Quoter
from analysis.questions.ranking import Key, fused, word_weights
from analysis.questions.records import Answer, Finds, LineBefore, Passage, Quote, Searched
from analysis.questions.relevance import answers, coverage
from analysis.questions.wanted import wanted_by
from analysis.summary.substance import Substance
from pipeline.config.areas.ask import AskSettings
from pipeline.errors import ModelUnavailable

LEAST_SAID = 0.35
"""Share of the question's words, by weight, from which a passage is found by words; one word of four is too few."""
SHOWN_NEAREST = 3
"""Quotes shown where nothing was found."""


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
class _Fit:
    """A quote, and how well its passage fits the question."""

    quote: Quote
    vector: Vectors | None
    """Of the quote."""
    likeness: float | None
    """Cosine of the question to the passage or to the quote, the larger one."""
    covered: float
    """Share of the question's words that are said in the passage."""
    fits: bool


class Asker:
    """Answers questions."""

    def __init__(self, settings: AskSettings, encoder: EncoderChoice, router: Router | None = None) -> None:
        """`router`: a language model that writes the answers; None for quotes alone."""
        self._settings, self._encoder, self._router = settings, encoder, router
        self._substance = None if encoder.encoder is None else Substance(encoder.encoder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of encoder and language model; idempotent."""
        if self._encoder.encoder is not None:
            self._encoder.encoder.close()
        if self._router is not None:
            self._router.close()

    def ask(self, question: str, finds: Finds) -> Answer:
        """Raises QuestionUnusable for a question without a word."""
        asked = read_question(question)
        looked = self.look(asked, finds)
        passages = _in_order(finds, looked.fused)
        found = self._fits(asked, looked, passages)
        fitting = [one for one in found if one.fits][: self._settings.most_quotes]
        vectors = [one.vector for one in fitting if one.vector is not None]
        whole = np.stack(vectors) if vectors and len(vectors) == len(fitting) else None
        answer = Answer(
            question=asked.text,
            found=bool(fitting),
            sentences=(),
            groups=tuple(grouped([one.quote for one in fitting], whole)[: self._settings.most_groups]),
            nearest=() if fitting else tuple(one.quote for one in found[:SHOWN_NEAREST]),
            searched=looked.searched,
            notes=(*_of_index(looked.searched), *looked.notes),
        )
        if self._router is None or not fitting:
            return answer
        return written_answer(asked, answer, passages, self._router, self._encoder)

    def candidates(self, question: str, finds: Finds) -> list[Quote]:
        """What may answer, whether or not it is judged to: the line of each passage, best first."""
        asked = read_question(question)
        looked = self.look(asked, finds)
        return [one.quote for one in self._fits(asked, looked, _in_order(finds, looked.fused))]

    def evidence(self, question: str, finds: Finds) -> list[tuple[str, float | None, float]]:
        """What "not in these calls" is judged by: file name, cosine and share of words said, best passage first."""
        asked = read_question(question)
        looked = self.look(asked, finds)
        found = self._fits(asked, looked, _in_order(finds, looked.fused))
        return [(one.quote.file_name, one.likeness, one.covered) for one in found]

    def look(self, asked: Asked, finds: Finds) -> Looked:
        """By words and by meaning."""
        searched = finds.searched(self._recipe)
        most = self._settings.passages
        weights = word_weights(asked.content, finds.frequencies(asked.content))
        said = [hit for hit in finds.said(weights, most) if hit.score >= LEAST_SAID * sum(weights.values())]
        vector, why_not = self._vector(asked, searched)
        near = [] if vector is None else finds.nearest([float(x) for x in vector], self._recipe, most)
        return Looked(
            near=tuple(hit.key for hit in near),
            said=tuple(hit.key for hit in said),
            fused=tuple(fused([near, said])[:most]),
            likeness={hit.key: hit.score for hit in near},
            weights=weights,
            vector=vector,
            searched=searched,
            notes=() if why_not is None else (f"looked for by words alone: {why_not}",),
        )

    @property
    def _recipe(self) -> str:
        return recipe_of(self._encoder.identity)

    def _vector(self, asked: Asked, searched: Searched) -> tuple[Vectors | None, str | None]:
        """Of the question, or why it has none."""
        encoder = self._encoder.encoder
        if encoder is None:
            return None, self._encoder.reason or "there is no sentence encoder"
        if not encoder.knows(asked.language):
            return None, f"the sentence encoder does not know the question's language ({asked.language})"
        if searched.vectors is None:
            return None, "the database has no vectors (no pgvector, or nothing is indexed yet: run.py ask --index)"
        if not searched.alike:
            return None, "no call is indexed with today's sentence encoder (run.py ask --index)"
        try:
            vector: Vectors = encoder.encode([asked.text])[0]
        except ModelUnavailable as error:
            return None, str(error)
        return vector, None

    def _fits(self, asked: Asked, looked: Looked, passages: Sequence[Passage]) -> list[_Fit]:
        """The line that answers of each passage, each line once, in the passages' order."""
        found: dict[tuple[str, int, int], _Fit] = {}
        quoter = Quoter(looked.weights, wanted_by(asked), looked.vector, self._substance)
        for passage in passages:
            encoder = self._encoder.for_language(passage.language) if looked.vector is not None else None
            chosen = quoter.choose(passage, encoder)
            if chosen is None:
                continue
            nearest = max(
                (x for x in (looked.likeness.get(passage.key), chosen.likeness) if x is not None), default=None
            )
            covered = coverage(
                looked.weights, [line.text for line in passage.lines if not line.doubts], passage.language
            )
            fit = _Fit(
                quote=_quote(passage, chosen, len(found)),
                vector=chosen.vector,
                likeness=nearest,
                covered=covered,
                fits=answers(nearest, covered, len(looked.weights)),
            )
            where = (passage.call_id, chosen.line.channel, chosen.line.ordinal)
            earlier = found.get(where)
            if earlier is None or (fit.fits and not earlier.fits):
                found[where] = fit
        return list(found.values())


def _in_order(finds: Finds, keys: Sequence[Key]) -> list[Passage]:
    found = finds.passages(keys)
    return [found[key] for key in keys if key in found]


def _quote(passage: Passage, chosen: Chosen, rank: int) -> Quote:
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
        rank=rank,
        before=None if before is None else LineBefore(role=before.role.value, start_s=before.start_s, text=before.text),
    )


def _of_index(searched: Searched) -> tuple[str, ...]:
    missing = searched.calls - searched.indexed
    if not missing:
        return ()
    return (f"{missing} of {searched.calls} calls are not indexed yet, and left out (run.py ask --index)",)
