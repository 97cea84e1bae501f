"""A verdict on each statement: supported, not verified, or contradicted by the call.

Doubts (the other side's deed, a refusal that nobody uttered) and how like the statement is to what was said are weighed
together by a logistic regression: what is likely enough counts as supported, what is very unlikely is contradicted, and
the rest is not verified, as is what has a doubt that is hardly ever wrong (`SURE`). How much likeness counts depends on
whether anything speaks against the statement, and on whether its own words were said in one place: there is a
regression for each of these cases (`Case`), which share most of their weights (`weights.json`, fitted by `python -m
bench.statements --fit` on statements that people judged).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from analysis.encoder.vectors import SentenceEncoder
from analysis.summary.support.evidence import CallEvidence, Evidence, together
from analysis.summary.support.heard import Utterance
from analysis.summary.support.likeness import LIKENESS, Likeness
from analysis.summary.support.wording import LANGUAGES, wording_of
from pipeline.records import Role, TranscriptChunk

WEIGHTS = Path(__file__).parent / "weights.json"
WEIGHED = (*(field.name for field in fields(Evidence)), "faults", *LIKENESS)
BY_CASE = (
    "pair", "said", "aligned", "together", "denied_there", "announced_there", "committed_by_side", "own_there",
)  # fmt: skip
"""Those of the weighed that count otherwise in each case."""
_MOSTLY = 0.5
"""Share of a statement's words, said in one place, from which they are found."""


class Case(StrEnum):
    """What the rules make of a statement."""

    FOUND = "found"
    """Nothing speaks against it, and its words were said in one place."""
    LITTLE = "little"
    """Nothing speaks against it, and few of its words were said."""
    DOUBTED = "doubted"


class Verdict(StrEnum):
    SUPPORTED = "supported"
    NOT_VERIFIED = "not verified"
    """Neither found in the call nor against it."""
    CONTRADICTED = "contradicted"
    """The call says otherwise."""


@dataclass(frozen=True, slots=True)
class Weights:
    """For one set-up: with or without a sentence encoder."""

    coefficients: Mapping[Case, tuple[float, ...]]
    """One for each of `WEIGHED`."""
    intercepts: Mapping[Case, float]
    verified_from: float
    """Probability from which a statement counts as supported."""
    contradicted_below: float
    """Probability below which it counts as contradicted."""

    def of(self, clauses: Sequence[Evidence], likeness: Likeness) -> float:
        """The probability of a statement, 0..1."""
        case, weighed = weighed_of(clauses, likeness)
        value = self.intercepts[case] + math.fsum(
            weight * number for weight, number in zip(self.coefficients[case], weighed, strict=True)
        )
        return 1.0 / (1.0 + math.exp(-value))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a statement."""

    verdict: Verdict
    probability: float
    """0..1, that the call supports it."""
    faults: tuple[str, ...]
    """What speaks against it: `other_did`, `unsaid`, …"""
    strange: float
    """0..1: 1 where a word of it that carries meaning has nothing like it in the call."""
    subject: Role | None
    """Whom it is about: whom `she` at the next one's beginning stands for."""
    said_in: Utterance | None
    """The sentence of the call nearest to it."""


@lru_cache(maxsize=1)
def weights() -> dict[str, Weights]:
    table = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return {
        name: Weights(
            coefficients={case: tuple(float(of["cases"][case][field]) for field in WEIGHED) for case in Case},
            intercepts={case: float(of["cases"][case]["intercept"]) for case in Case},
            verified_from=float(of["verified_from"]),
            contradicted_below=float(of["contradicted_below"]),
        )
        for name, of in table.items()
    }


def faults_of(evidence: Evidence) -> tuple[str, ...]:
    """What of the evidence speaks against the statement by itself."""
    decisive = {
        "other_did": evidence.other_did >= _OTHER_DID,
        "other_said": evidence.other_said >= _OTHER_SAID,
        "unsaid": evidence.unsaid >= _UNSAID,
        "false_denial": evidence.false_denial >= 1.0,
        "owner": evidence.owner >= 1.0,
        "turned_round": evidence.turned_round >= 1.0,
        "opposite": evidence.opposite >= 1.0,
        "miscounted": evidence.miscounted >= 1.0,
        "misdated": evidence.misdated >= 1.0,
        "open": evidence.open >= 1.0 > max(evidence.denied, evidence.refused),
        "denied": evidence.denied >= 1.0 > evidence.refused,
        "refused": evidence.refused >= 1.0,
        "to_come": evidence.to_come >= 1.0 > evidence.open,
    }
    return tuple(name for name, found in decisive.items() if found)


SURE = frozenset({"owner", "turned_round", "opposite", "misdated", "denied", "refused"})
"""With one of these nothing is supported: of 30 such statements that people judged, 28 were false."""
_OTHER_DID, _OTHER_SAID, _UNSAID = 0.7, 0.32, 0.7


class Judge:
    """Judges statements about one call."""

    def __init__(
        self, chunks: Sequence[TranscriptChunk], language: str, encoder: SentenceEncoder | None = None
    ) -> None:
        """`language` must be one of `LANGUAGES`."""
        self._evidence = CallEvidence(chunks, wording_of(language), encoder)
        self._set_up = "with_encoder" if encoder is not None else "without_encoder"

    def judge(self, statement: str, before: Role | None = None) -> Judgement:
        """`before`: whom a pronoun at its beginning stands for."""
        weighed_by = weights()[self._set_up]
        clauses, likeness = self._evidence.of_clauses(statement, before), self._evidence.likeness(statement, before)
        probability = 0.0 if likeness is None else weighed_by.of(clauses, likeness)
        evidence = together(clauses)
        faults = faults_of(evidence)
        if probability >= weighed_by.verified_from and not SURE & set(faults):
            verdict = Verdict.SUPPORTED
        else:
            against = likeness is not None and probability < weighed_by.contradicted_below
            verdict = Verdict.CONTRADICTED if against else Verdict.NOT_VERIFIED
        subject = self._evidence.subject_of(statement, before)
        said_in = self._evidence.place_of(statement)
        return Judgement(verdict, probability, faults, evidence.strange, subject, said_in)


def weighed_of(clauses: Sequence[Evidence], likeness: Likeness) -> tuple[Case, tuple[float, ...]]:
    """The case of a statement, and its number for each of `WEIGHED`."""
    evidence = together(clauses)
    # Doubts about two things that it says are one doubt about each.
    faults = max(len(faults_of(clause)) for clause in clauses)
    found = Case.FOUND if evidence.together >= _MOSTLY else Case.LITTLE
    case = Case.DOUBTED if faults else found
    return case, (
        *(float(getattr(evidence, field.name)) for field in fields(Evidence)),
        float(faults),
        *(float(getattr(likeness, name)) for name in LIKENESS),
    )


def reads(language: str | None) -> bool:
    """Whether statements in this language are read for who did what."""
    return (language or "en").partition("-")[0] in LANGUAGES
