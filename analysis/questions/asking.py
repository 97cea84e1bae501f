"""From a question to its answer: look, rank, judge whether anything answers it, quote, group, and have it written.

The calls are looked through twice, by words and by meaning, each within the filter; reciprocal rank fusion makes one
list. What is too unlike the question is left out: where that is all, the answer is that it is not in these calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from analysis.encoder.everyday import Scale
from analysis.encoder.vectors import EncoderChoice, Vectors
from analysis.llm.router import Router
from analysis.questions.answering import written_answer
from analysis.questions.asked import Asked, read_question
from analysis.questions.fitting import Fit, Looked, fits
from analysis.questions.grouping import ALIKE, grouped
from analysis.questions.indexing import recipe_of
from analysis.questions.ranking import fused, word_weights
from analysis.questions.records import Answer, Finds, Group, Hit, Quote, Searched
from analysis.questions.spelling import respelt
from analysis.questions.wanted import wanted_in
from analysis.summary.reading.substance import Substance
from pipeline.config.areas.ask import AskSettings
from pipeline.errors import ModelUnavailable
from pipeline.plurals import counted

LEAST_SAID = 0.35
"""Share of the question's words, by weight, from which a passage is found by words; one word of four is too few."""
SHOWN_NEAREST = 3
"""Quotes shown where nothing was found."""


class Asker:
    """Answers questions."""

    def __init__(self, settings: AskSettings, encoder: EncoderChoice, router: Router | None = None) -> None:
        """`router`: a language model that writes the answers; None for quotes alone."""
        self._settings, self._encoder, self._router = settings, encoder, router
        self._substance = None if encoder.encoder is None else Substance(encoder.encoder)
        self._scale = None if encoder.encoder is None else Scale(encoder.encoder)

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
        asked, spelt = self.read(question, finds)
        looked = self.look(asked, finds)
        found = self._fits(asked, looked, finds)
        fitting = [fit for fit in found if fit.fits][: self._settings.most_quotes]
        answer = Answer(
            question=asked.text,
            found=bool(fitting),
            sentences=(),
            groups=tuple(self._grouped(fitting)[: self._settings.most_groups]),
            nearest=() if fitting else tuple(fit.quote for fit in found[:SHOWN_NEAREST]),
            searched=looked.searched,
            notes=(*_of_spelling(spelt), *_of_index(looked.searched), *looked.notes),
        )
        if self._router is None or not fitting:
            return answer
        return written_answer(asked, answer, [fit.passage for fit in fitting], self._router, self._encoder)

    def candidates(self, question: str, finds: Finds) -> list[Quote]:
        """What may answer, whether or not it is judged to: the line of each passage, best first."""
        asked, _ = self.read(question, finds)
        looked = self.look(asked, finds)
        return [fit.quote for fit in self._fits(asked, looked, finds)]

    def evidence(self, question: str, finds: Finds) -> list[tuple[str, float | None, float]]:
        """What "not in these calls" is judged by: file name, cosine and share of words said, best passage first."""
        asked, _ = self.read(question, finds)
        looked = self.look(asked, finds)
        found = self._fits(asked, looked, finds)
        return [(fit.quote.file_name, fit.likeness, fit.covered) for fit in found]

    def read(self, question: str, finds: Finds) -> tuple[Asked, dict[str, str]]:
        """The question with its misspelt words put right, and which those are. Raises QuestionUnusable."""
        asked = read_question(question)
        text, spelt = respelt(asked.text, asked.language, finds.frequencies)
        return (read_question(text), spelt) if spelt else (asked, spelt)

    def look(self, asked: Asked, finds: Finds) -> Looked:
        """By words and by meaning."""
        searched = finds.searched(self._recipe)
        most = self._settings.passages
        vector, why_not = self._vector(asked, searched)
        content = asked.content if vector is not None else _of_matter(asked)
        weights = word_weights(content, finds.frequencies(content))
        said = [hit for hit in finds.said(weights, most) if hit.score >= LEAST_SAID * sum(weights.values())]
        near = [] if vector is None else finds.nearest([float(x) for x in vector], self._recipe, most)
        return Looked(
            near=tuple(hit.key for hit in near),
            said=tuple(hit.key for hit in said),
            fused=tuple(fused([near, said])[:most]),
            likeness=self._likeness(near),
            weights=weights,
            vector=vector,
            searched=searched,
            notes=self._of_languages(searched) if why_not is None else (f"looked for by words alone: {why_not}",),
        )

    def _likeness(self, near: Sequence[Hit]) -> Mapping[tuple[str, int], float]:
        """The cosines, as the default encoder's would be."""
        if self._scale is None or not near:
            return {}
        scores = self._scale.of(np.asarray([hit.score for hit in near]))
        return {hit.key: float(score) for hit, score in zip(near, scores, strict=True)}

    def _grouped(self, fitting: Sequence[Fit]) -> list[Group]:
        quotes = [fit.quote for fit in fitting]
        vectors = [fit.vector for fit in fitting if fit.vector is not None]
        if self._scale is None or not vectors or len(vectors) < len(fitting):
            return grouped(quotes, None)
        return grouped(quotes, np.stack(vectors), self._scale.cosine_of(ALIKE))

    def _fits(self, asked: Asked, looked: Looked, finds: Finds) -> list[Fit]:
        return fits(asked, looked, finds, self._encoder, self._substance)

    def _of_languages(self, searched: Searched) -> tuple[str, ...]:
        """Which calls have no vectors that could be near the question's."""
        encoder = self._encoder.encoder
        foreign = {
            language: calls
            for language, calls in sorted(searched.spoken.items())
            if calls and encoder is not None and not encoder.knows(language)
        }
        if not foreign:
            return ()
        return (
            f"{counted(sum(foreign.values()), 'call')} in other languages ({', '.join(foreign)}) could be looked "
            "through by words alone: the sentence encoder does not know them, so ask in their language, too",
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


def _of_matter(asked: Asked) -> tuple[str, ...]:
    """Without words that name a kind (`promised`, `promis`): how it is said ("je vous promets") only vectors know."""
    of_matter = tuple(word for word in asked.content if not wanted_in(word, asked.language))
    return of_matter or asked.content


def _of_spelling(spelt: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"looked for “{meant}”: no call says “{word}”" for word, meant in spelt.items())


def _of_index(searched: Searched) -> tuple[str, ...]:
    missing = searched.calls - searched.indexed
    if not missing:
        return ()
    are = "is" if searched.calls == 1 else "are"
    return (
        f"{missing:,} of {counted(searched.calls, 'call')} {are} not indexed yet, and left out (run.py ask --index)",
    )
