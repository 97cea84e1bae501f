"""How like a statement is to what was said, in whatever words, and what is said in that place: plans, denials, whose.

Cosines of sentence vectors (Reimers & Gurevych 2019) between the statement and sentences told in the third person,
alone and in pairs, and between what it says of somebody and the sentences as they were said; and each word of it beside
the likest word of three sentences in a row (soft alignment, as in BERTScore, Zhang et al. 2020, with vectors of single
words). What is said in the place that is meant is a mean over all sentences, the likest first. Without an encoder a
sentence is as like as its share of the statement's words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from analysis.encoder.everyday import Scale
from analysis.encoder.vectors import SentenceEncoder, Vectors
from analysis.summary.support.acts import COMMITS, NEGATES, denies
from analysis.summary.support.clause import Clause
from analysis.summary.support.figures import unsaid_in
from analysis.summary.support.heard import Utterance
from analysis.summary.support.places import OTHER_SIDE, Places
from analysis.summary.support.wording import Wording, exchanged, word_set
from analysis.text import content_stems, words
from pipeline.records import Role

Numbers = npt.NDArray[np.float64]

_MOST_SENTENCES = 150
"""Of a longer call those with most of the statement's words are compared."""
_SHARP = {True: 0.06, False: 0.15}
"""With and without an encoder: by so much less like, a sentence counts a third."""
_UNLIKE = 0.5
"""Cosine of two words below which they say different things."""
_SUBJECT = re.compile(r"^(?:the|a) (?:client|agent|customer|caller)(?:'s)? ", re.IGNORECASE)
_DENIES = NEGATES | word_set("no refuse refused refuses declined declines denied fail failed")
_TO_COME = re.compile(r"\b(?:will|shall|would)\b|\b(?:is|are) going to\b")
_NO = word_set("no nope nah not")
_LET_ME = "let me"


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Of one statement; cosines -1 to 1, shares 0 to 1."""

    sentence: float
    """Cosine to the nearest sentence."""
    exchanged: float
    """How much nearer it comes with client and agent exchanged."""
    pair: float
    """Cosine to the nearest two sentences in a row."""
    said: float
    """Cosine of what it says of its subject to the nearest sentence as it was said."""
    said_by_side: float
    """By how much the nearest of its subject's is nearer than the other side's."""
    clause: float
    """Cosine of its least supported clause to the nearest sentence or pair."""
    denies: float
    denied_there: float
    denial_lost: float
    denial_added: float
    answered_no: float
    """1 where the nearest sentence is answered with no."""
    announced_there: float
    asked_there: float
    perfect: float
    """1 where it says that something has been done."""
    perfect_announced: float
    past: float
    past_announced: float
    plan: float
    """1 where it tells what somebody will do, offers or promises."""
    committed: float
    """Of such a statement: likeness of the nearest sentence in which its subject takes something upon themselves."""
    committed_other: float
    committed_by_side: float
    """By how much what its subject promises, or is told to do, is nearer than what the other side promises."""
    own_there: float
    """Share of its subject's sentences."""
    number_elsewhere: float
    """1 where a number of it is not said in that place."""
    aligned: float
    """Mean cosine of its words to the likest words of three sentences in a row, the best such place."""
    aligned_least: float
    """Cosine of the word with the least like anywhere."""
    unlike: float
    """Share of its words with nothing like them in that place."""
    aligned_by_side: float


LIKENESS = tuple(field.name for field in fields(Likeness))


class CallLikeness:
    """One call, ready for statements about it."""

    def __init__(
        self,
        places: Places,
        names: Mapping[str, Role],
        encoder: SentenceEncoder | None,
        heard: Sequence[Utterance] | None = None,
    ) -> None:
        """`heard`: the sentences to compare with; None for all."""
        self._places, self._names, self._encoder = places, names, encoder
        self._wording: Wording = places.wording
        self._heard = places.utterances if heard is None else heard
        self._scale = Scale(encoder) if encoder is not None else None

    def of(self, statement: str, clauses: Sequence[Clause]) -> Likeness:
        """Of a statement that was read as these clauses; the call must have an utterance."""
        if len(self._heard) > _MOST_SENTENCES:
            fewer = self._with_words_of(statement)
            return CallLikeness(self._places, self._names, self._encoder, fewer).of(statement, clauses)
        subject = next((clause.subject for clause in clauses if clause.subject is not None), None)
        spoken = words(statement)
        told, pairs, said = self._cosines(statement)
        alike = np.maximum(told, said)
        near = _weights(alike, _SHARP[self._encoder is not None])
        first = int(told.argmax())
        denies = float(bool(_DENIES & set(spoken)) or any(word.endswith("n't") for word in spoken))
        denied, announced = float(near @ self._denied), float(near @ self._announced)
        perfect = float(self._perfect(spoken))
        past = float(any(clause.past and clause.act is None for clause in clauses))
        reply = self._places.reply_to(first)
        return Likeness(
            sentence=float(told.max()),
            exchanged=self._exchanged(statement, float(told.max())),
            pair=float(pairs.max()),
            said=float(said.max()),
            said_by_side=self._by_side(said, subject),
            clause=min(self._clause(clause.text) for clause in clauses) if clauses else 0.0,
            denies=denies,
            denied_there=denied,
            denial_lost=(1.0 - denies) * denied,
            denial_added=denies * (1.0 - denied),
            answered_no=float(bool(reply) and reply[0].words[0] in _NO),
            announced_there=announced,
            asked_there=float(near @ self._asked),
            perfect=perfect,
            perfect_announced=perfect * announced,
            past=past,
            past_announced=past * announced,
            **self._commitment(statement, clauses, subject, alike),
            own_there=float(near @ self._of_side(subject)) if subject is not None else 0.5,
            number_elsewhere=unsaid_in(statement, self._around(int(alike.argmax())), self._wording),
            **self._alignment(statement, subject),
        )

    def _around(self, index: int) -> Sequence[Utterance]:
        return self._heard[max(0, index - 1) : index + 2]

    def _with_words_of(self, statement: str) -> list[Utterance]:
        shares = self._places.shares(content_stems(_SUBJECT.sub("", statement), self._wording.language))
        best = sorted(range(len(shares)), key=lambda number: -shares[number])[:_MOST_SENTENCES]
        return [self._heard[number] for number in sorted(best)]

    def _cosines(self, statement: str) -> tuple[Numbers, Numbers, Numbers]:
        """To each sentence as told, to each pair of them, and of its bare words to each sentence as said."""
        if self._encoder is None:
            content = content_stems(_SUBJECT.sub("", statement), self._wording.language)
            shares = np.asarray([self._places.share([heard.number], content) for heard in self._heard])
            pairs = [self._places.share([a.number, b.number], content) for a, b in pairwise(self._heard)]
            return shares, np.asarray(pairs or shares), shares
        both = self._encoder.encode([statement, _SUBJECT.sub("", statement)])
        told, pairs_of, said = self._vectors
        return self._on_scale(told @ both[0]), self._on_scale(pairs_of @ both[0]), self._on_scale(said @ both[1])

    def _clause(self, text: str) -> float:
        told, pairs, _ = self._cosines(text)
        return float(max(told.max(), pairs.max()))

    def _exchanged(self, statement: str, straight: float) -> float:
        if self._encoder is None:
            return 0.0
        return float(self._cosines(exchanged(statement, self._names))[0].max()) - straight

    def _on_scale(self, cosines: Vectors) -> Numbers:
        assert self._scale is not None
        return np.asarray(self._scale.of(cosines), dtype=np.float64)

    @cached_property
    def _vectors(self) -> tuple[Vectors, Vectors, Vectors]:
        assert self._encoder is not None
        told = [heard.told for heard in self._heard]
        pairs = [f"{first}. {second}" for first, second in pairwise(told)] or told
        encode = self._encoder.encode
        return encode(told), encode(pairs), encode([heard.text for heard in self._heard])

    @cached_property
    def _denied(self) -> Numbers:
        return np.asarray([float(denies(heard.words)) for heard in self._heard])

    @cached_property
    def _announced(self) -> Numbers:
        return np.asarray([float(heard.announces) for heard in self._heard])

    @cached_property
    def _asked(self) -> Numbers:
        return np.asarray([float(heard.question or heard.request) for heard in self._heard])

    @cached_property
    def _commits(self) -> npt.NDArray[np.bool_]:
        said = (" ".join(heard.words) for heard in self._heard)
        return np.asarray([bool(COMMITS.search(text)) or _LET_ME in text for text in said])

    def _of_side(self, side: Role | None) -> Numbers:
        return np.asarray([float(heard.role is side) for heard in self._heard])

    def _by_side(self, alike: Numbers, side: Role | None) -> float:
        """By how much this side's likest is likelier than the other's."""
        if side is None:
            return 0.0
        own, other = (float((alike * self._of_side(who)).max()) for who in (side, OTHER_SIDE.get(side)))
        return own - other

    def _perfect(self, spoken: Sequence[str]) -> bool:
        return any(
            word in ("has", "have")
            and any(after.endswith("ed") or after in self._wording.past for after in spoken[index + 1 : index + 4])
            for index, word in enumerate(spoken)
        )

    def _commitment(
        self, statement: str, clauses: Sequence[Clause], side: Role | None, alike: Numbers
    ) -> dict[str, float]:
        plan = bool(_TO_COME.search(statement)) or any(clause.act in ("promise", "offer") for clause in clauses)
        found = {"plan": float(plan), "committed": 0.0, "committed_other": 0.0, "committed_by_side": 0.0}
        if not plan or side is None:
            return found
        own, other = self._of_side(side) > 0, self._of_side(OTHER_SIDE.get(side)) > 0
        own_nearest, theirs, told = (
            float(alike[where].max(initial=0.0))
            for where in (own & self._commits, other & self._commits, other & ~self._commits)
        )
        return found | {
            "committed": own_nearest,
            "committed_other": theirs,
            "committed_by_side": max(own_nearest, told) - theirs,
        }

    def _alignment(self, statement: str, side: Role | None) -> dict[str, float]:
        """Each word of the statement beside the likest of each sentence: shape (sentences, words)."""
        skipped = set(self._wording.roles)
        told = [
            (word, stems)
            for word in words(statement)
            if word.removesuffix("'s") not in skipped and (stems := content_stems(word, self._wording.language))
        ]
        if not told:
            return {"aligned": 1.0, "aligned_least": 1.0, "unlike": 0.0, "aligned_by_side": 0.0}
        alike = np.asarray(
            [
                [max(self._places.has(heard.number, stem) for stem in stems) for _, stems in told]
                for heard in self._heard
            ]
        )
        if self._encoder is not None:
            alike = np.maximum(alike, self._words_alike([word for word, _ in told]))
        reached = [alike[max(0, index - 1) : index + 2].max(axis=0) for index in range(len(alike))]
        best = max(reached, key=lambda row: float(row.mean()))
        return {
            "aligned": float(best.mean()),
            "aligned_least": float(alike.max(axis=0).min()),
            "unlike": float((best < _UNLIKE).mean()),
            "aligned_by_side": self._sides(alike, side),
        }

    def _sides(self, alike: Numbers, side: Role | None) -> float:
        if side is None:
            return 0.0
        own, other = (
            float((alike * self._of_side(who)[:, None]).max(axis=0).mean()) for who in (side, OTHER_SIDE.get(side))
        )
        return own - other

    def _words_alike(self, told: Sequence[str]) -> Numbers:
        assert self._encoder is not None
        known, vectors = self._vocabulary
        cosines = self._on_scale(vectors @ self._encoder.encode(told).T)
        return np.stack([cosines[[known[word] for word in heard.words]].max(axis=0) for heard in self._heard])

    @cached_property
    def _vocabulary(self) -> tuple[Mapping[str, int], Vectors]:
        assert self._encoder is not None
        known = sorted({word for heard in self._heard for word in heard.words})
        return {word: index for index, word in enumerate(known)}, self._encoder.encode(known)


def _weights(alike: Numbers, sharp: float) -> Numbers:
    """Shares of each sentence in the place that is meant."""
    raised = np.exp((alike - alike.max()) / sharp)
    return np.asarray(raised / raised.sum())
