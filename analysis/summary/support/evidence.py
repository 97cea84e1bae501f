"""What speaks for and against a statement in a call, as numbers.

The statement is read clause by clause; a statement is as weak as its weakest clause. What a clause says has to stand in
one place of the call: three utterances in a row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from analysis.encoder.everyday import Cosines, Scale
from analysis.encoder.vectors import SentenceEncoder, Vectors
from analysis.summary.support.acts import other_said, unsaid
from analysis.summary.support.clause import Clause
from analysis.summary.support.deeds import Deeds
from analysis.summary.support.figures import miscounted
from analysis.summary.support.heard import Utterance, utterances_of
from analysis.summary.support.likeness import CallLikeness, Likeness
from analysis.summary.support.moments import misdated
from analysis.summary.support.places import Places
from analysis.summary.support.statements import read_statement
from analysis.summary.support.wording import Wording
from analysis.text import content_stems, words
from pipeline.records import Role, TranscriptChunk

_NEAR, _FAR = 0.62, 0.35
"""Cosine of two words: from here they mean the same; below this they have nothing to do with each other."""
_INTRODUCTION = re.compile(
    r"\b(?:my name is|my name's|this is|i am|i'm)\s+"
    r"((?!(?:the|a|an|not|so|very|calling|happy|sorry|glad|moving|afraid|really)\b)[a-z]+(?: [a-z]+)?)"
    r"|^(?:[\w ]+, )*([a-z]+(?: [a-z]+)?) (?:speaking|here)\b(?! (?:with|to))"
    r"|\b(?:speaking|talking) (?:with|to) (?!(?:the|a|you|me|my|your|someone|somebody|us|him|her|them)\b)([a-z]+)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(?:mister|mr|missus|mrs|miss|ms)\.? ([a-z]+)", re.IGNORECASE)
_HAS_NO = re.compile(r"\b(?:ha[sd]|have|had|with|is|are|was) (?:had )?(?:no|not|without)\b", re.IGNORECASE)
_FROM_TO = re.compile(r"\bfrom (?:\w+(?:'s)? )?(\w+)(?: \w+){0,2} to (?:\w+(?:'s)? )?(\w+)")
_OPENING = 2
"""The first utterances, in which people say who they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """For one statement; each between 0 and 1 unless said otherwise."""

    covered: float
    """Share of its words that carry meaning and were said somewhere, in these or like words."""
    strange: float
    """The least covered of them: 1 is a word with nothing like it in the call."""
    together: float
    """Largest share of them that was said in one place."""
    other_did: float
    """1 where what it says was done was done by the other side, and not by this one."""
    same_did: float
    """1 where this side did it."""
    other_said: float
    """How much more of its content comes from the other side's mouth than from this one's; -1 to 1."""
    unsaid: float
    """1 where it tells of an act of speech (an apology, a refusal) that nothing in that place sounds like."""
    false_denial: float
    """1 where it denies what nobody denied."""
    false_claim: float
    """1 where it tells as so what was only denied."""
    opposite: float
    """1 where that place knows only the opposite."""
    open: float
    """1 where what it tells as done was only asked for or denied."""
    to_come: float
    """1 where what it tells as done was only announced for later."""
    denied: float
    """1 where what it tells as done is said not to be."""
    refused: float
    """1 where it tells as so what was only asked, and answered with no."""
    unknown_verb: float
    """1 where nothing like its verb was said."""
    owner: float
    """1 where what it calls the one's was only ever called the other's."""
    turned_round: float
    """1 where `from A to B` was said as `from B to A`."""
    miscounted: float
    """1 where a number was said, but of other things."""
    misdated: float
    """1 where a moment was said, but of other things."""


_BEST_OF = frozenset({"covered", "together", "same_did"})
"""Of several clauses the smallest counts; of the others the largest."""


def together(clauses: Sequence[Evidence]) -> Evidence:
    """Of a whole statement: it is as weak as its weakest clause."""
    names = [field.name for field in fields(Evidence)]
    return Evidence(
        **{name: (min if name in _BEST_OF else max)(getattr(clause, name) for clause in clauses) for name in names}
    )


class CallEvidence:
    """One call, ready for statements about it."""

    def __init__(self, chunks: Sequence[TranscriptChunk], wording: Wording, encoder: SentenceEncoder | None) -> None:
        self._wording = wording
        self._encoder = encoder
        self._scale = Scale(encoder) if encoder is not None else None
        self.utterances = utterances_of(chunks, wording)
        self.names = _names(self.utterances)
        self._places = Places(self.utterances, wording)
        self._deeds = Deeds(self._places, self._cover)
        self._likeness = CallLikeness(self._places, self.names, encoder)
        self._said = frozenset().union(*(utterance.stems for utterance in self.utterances))
        self._content = sorted({word for utterance in self.utterances for word in utterance.words if len(word) > 2})
        self._covers: dict[str, float] = {}

    def of(self, statement: str, before: Role | None = None) -> Evidence:
        """`before`: whom a pronoun at the statement's beginning stands for."""
        return together(self.of_clauses(statement, before))

    def of_clauses(self, statement: str, before: Role | None = None) -> list[Evidence]:
        """For each thing it says; what is measured on the whole statement counts for each."""
        return [
            Evidence(
                **self._of_clause(clause),
                turned_round=self._turned_round(statement),
                miscounted=miscounted(statement, self.utterances, self._wording),
                misdated=misdated(statement, self.utterances, self._wording),
            )
            for clause in self._read(statement, before)
        ]

    def likeness(self, statement: str, before: Role | None = None) -> Likeness | None:
        """None where nobody says anything."""
        return self._likeness.of(statement, self._read(statement, before)) if self.utterances else None

    def _read(self, statement: str, before: Role | None) -> list[Clause]:
        return read_statement(statement, self._wording, self.names, before)

    def subject_of(self, statement: str, before: Role | None = None) -> Role | None:
        """Whom the statement is about; None for a thing or nobody."""
        clauses = self._read(statement, before)
        return next((clause.subject for clause in reversed(clauses) if clause.subject is not None), before)

    def place_of(self, statement: str) -> Utterance | None:
        """The sentence of the call that says most of it; None where none says any of it."""
        content = content_stems(statement, self._wording.language)
        shares = [sum(self._places.has(number, stem) for stem in content) for number in range(len(self.utterances))]
        best = max(shares, default=0.0)
        return self.utterances[shares.index(best)] if best else None

    # ------------------------------------------------------------------------------------------ words

    def _of_clause(self, clause: Clause) -> dict[str, float]:
        covers = [self._cover(stem) for stem in clause.content]
        shares = self._places.shares(clause.content)
        top = max(shares, default=0.0)
        near = [number for number, share in enumerate(shares) if share >= top - 0.01 and share > 0]
        other, same, open_, unknown = self._deeds.doers(clause)
        return {
            "covered": sum(covers) / len(covers) if covers else 1.0,
            "strange": 1.0 - min(covers, default=1.0),
            "together": top if clause.content else 1.0,
            "other_did": other,
            "same_did": same,
            "open": open_,
            "to_come": self._deeds.to_come(clause),
            "denied": self._deeds.denied(clause),
            "refused": self._refused(clause),
            "unknown_verb": unknown,
            "other_said": other_said(self._places, clause),
            "unsaid": unsaid(self._places, clause, near),
            "false_denial": self._false_denial(clause, near, top),
            "false_claim": self._false_claim(clause, near, top),
            "opposite": self._opposite(clause, near),
            "owner": self._deeds.owner(clause),
        }

    def _cover(self, stem: str) -> float:
        if stem not in self._covers:
            self._covers[stem] = self._covered(stem)
        return self._covers[stem]

    def _covered(self, stem: str) -> float:
        if stem in self._said or self._wording.same.get(stem, frozenset()) & self._places.groups:
            return 1.0
        if self._encoder is None or not self._content:
            return 0.0
        cosine = float(self._on_scale((self._encoder.encode([stem]) @ self._word_vectors.T).max(axis=1))[0])
        return float(np.clip((cosine - _FAR) / (_NEAR - _FAR), 0.0, 1.0))

    def _on_scale(self, cosines: Cosines) -> Cosines:
        assert self._scale is not None
        return self._scale.of(cosines)

    @cached_property
    def _word_vectors(self) -> Vectors:
        assert self._encoder is not None
        return self._encoder.encode(self._content)

    # ------------------------------------------------------------------------------------------ yes or no

    def _false_denial(self, clause: Clause, near: Sequence[int], top: float) -> float:
        lacking = _HAS_NO.search(clause.text) is not None
        by = clause.subject if clause.act == "refuse" else None
        if (
            not clause.denied
            or self._denied_near(near, by, lacking=lacking)
            or self._places.answered_no(clause.content)
        ):
            return 0.0
        if clause.closing and any(utterance.closing for utterance in self.utterances):
            return 0.0
        if top >= 0.5 or not self._denies(clause.content):
            return 1.0
        return 0.4

    def _denies(self, content: Sequence[str]) -> bool:
        """Whether any of it is denied anywhere."""
        return any(
            utterance.denied and any(self._places.has(utterance.number, stem) for stem in content)
            for utterance in self.utterances
        )

    def _denied_near(self, near: Sequence[int], by: Role | None, *, lacking: bool) -> bool:
        """`by`: the side that refuses; None where it does not matter who denies it."""
        return any(
            (by is None or self.utterances[index].role is by)
            and (self.utterances[index].denied or (lacking and self.utterances[index].lacking))
            for number in near
            for index in range(max(0, number - 1), min(len(self.utterances), number + 2))
        )

    def _refused(self, clause: Clause) -> float:
        told = not clause.denied and clause.act in (None, "want", "accept")
        return float(told and self._places.answered_no(clause.content))

    def _false_claim(self, clause: Clause, near: Sequence[int], top: float) -> float:
        if clause.denied or not near or top < 0.5 or clause.act in ("ask", "want", "say", "complain", "threaten"):
            return 0.0
        holding = [
            self.utterances[number]
            for number in near
            if sum(self._places.has(number, stem) for stem in clause.content) >= 0.5 * len(clause.content)
        ]
        return float(bool(holding) and all(utterance.denied and not utterance.question for utterance in holding))

    def _opposite(self, clause: Clause, near: Sequence[int]) -> float:
        stems = {self._wording.stem(word) for word in words(clause.text)}
        heard = [
            self.utterances[index]
            for number in near
            for index in range(max(0, number - 1), min(len(self.utterances), number + 2))
        ]
        said = {stem for utterance in heard for stem in utterance.stems}
        for pair in self._wording.opposites:
            for side, against in (pair, pair[::-1]):
                if not stems & side or stems & against or side & said:
                    continue
                rest = [stem for stem in clause.content if stem not in side]
                if any(
                    against & set(utterance.stems)
                    and not utterance.denied
                    and (not rest or any(self._places.has(utterance.number, stem) for stem in rest))
                    for utterance in heard
                ):
                    return 1.0
        return 0.0

    def _turned_round(self, statement: str) -> float:
        told = _FROM_TO.search(" ".join(words(statement)))
        if told is None:
            return 0.0
        pairs = {
            match.groups() for utterance in self.utterances for match in _FROM_TO.finditer(" ".join(utterance.words))
        }
        return float(told.groups() not in pairs and told.groups()[::-1] in pairs)


def _bare(name: str) -> list[str]:
    """Without what may follow it: "this is Marcus calling"."""
    return [word for word in words(name)[:2] if word not in ("calling", "from", "here", "speaking", "and")]


def _names(utterances: Sequence[Utterance]) -> dict[str, Role]:
    """Names by which the sides introduce themselves or are addressed."""
    found: dict[str, Role] = {}
    for utterance in utterances:
        for match in _INTRODUCTION.finditer(utterance.text):
            name = match.group(1) or match.group(2) or match.group(3) or ""
            if (
                not match.group(0).casefold().startswith("my name")
                and not name[:1].isupper()
                and utterance.number > _OPENING
            ):
                continue
            for word in _bare(name):
                found.setdefault(word, utterance.role)
    for utterance in utterances:
        for match in _ADDRESS.finditer(utterance.text):
            for word in words(match.group(1)):
                found.setdefault(word, utterance.listener)
    return found
