"""A verdict on each statement: supported, not verified, or contradicted by the call.

Some evidence speaks against a statement by itself: the other side's deed, a refusal that nobody uttered. What is
certain, or two doubts about one thing that it says, contradict it; one doubt leaves it not verified. Otherwise a
logistic regression weighs how much of it was said in one place (`weights.json`, fitted by `python -m bench.statements
--fit` on the statements in tests/analysis/summary/statements/tuning.yaml): what is not found is not verified.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from analysis.encoder.vectors import SentenceEncoder
from analysis.summary.support.evidence import CallEvidence, Evidence, together
from analysis.summary.support.heard import Utterance
from analysis.summary.support.wording import LANGUAGES, wording_of
from pipeline.records import Role, TranscriptChunk

WEIGHTS = Path(__file__).parent / "weights.json"
WEIGHED = (
    "covered", "strange", "together", "similar", "turned", "unknown_verb", "same_did", "open", "false_claim",
)  # fmt: skip
"""Fields of the evidence that are weighed; the others decide alone."""


class Verdict(StrEnum):
    SUPPORTED = "supported"
    NOT_VERIFIED = "not verified"
    """Neither found in the call nor against it."""
    CONTRADICTED = "contradicted"
    """The call says otherwise."""


@dataclass(frozen=True, slots=True)
class Weights:
    """For one set-up: with or without a sentence encoder."""

    coefficients: tuple[float, ...]
    """One for each of `WEIGHED`."""
    intercept: float
    verified_from: float
    """Probability from which it counts as supported."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a statement."""

    verdict: Verdict
    probability: float
    """0..1, by how much of it was said in one place."""
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
            coefficients=tuple(float(weighed["coefficients"][field]) for field in WEIGHED),
            intercept=float(weighed["intercept"]),
            verified_from=float(weighed["verified_from"]),
        )
        for name, weighed in table.items()
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


_CERTAIN = frozenset({"owner", "turned_round"})
"""One of these contradicts a statement; of the others, which people word in many ways, it takes two."""
_OTHER_DID, _OTHER_SAID, _UNSAID = 0.7, 0.32, 0.7


class Judge:
    """Judges statements about one call."""

    def __init__(
        self, chunks: Sequence[TranscriptChunk], language: str, encoder: SentenceEncoder | None = None
    ) -> None:
        """`language` must be one of `LANGUAGES`."""
        self._evidence = CallEvidence(chunks, wording_of(language), encoder)
        self._weights = weights()["with_encoder" if encoder is not None else "without_encoder"]

    def judge(self, statement: str, before: Role | None = None) -> Judgement:
        """`before`: whom a pronoun at its beginning stands for."""
        clauses = self._evidence.of_clauses(statement, before)
        evidence = together(clauses)
        faults = faults_of(evidence)
        value = self._weights.intercept + sum(
            weight * float(getattr(evidence, field))
            for weight, field in zip(self._weights.coefficients, WEIGHED, strict=True)
        )
        probability = 1.0 / (1.0 + math.exp(-value))
        certain = evidence.other_did >= 1.0 or any(fault in _CERTAIN for fault in faults)
        # Doubts about two things that it says are one doubt about each.
        doubled = any(len(faults_of(clause)) > 1 for clause in clauses)
        if certain or doubled:
            verdict = Verdict.CONTRADICTED
        elif faults or probability < self._weights.verified_from:
            verdict = Verdict.NOT_VERIFIED
        else:
            verdict = Verdict.SUPPORTED
        subject = self._evidence.subject_of(statement, before)
        return Judgement(verdict, probability, faults, evidence.strange, subject, self._evidence.place_of(statement))


def reads(language: str | None) -> bool:
    """Whether statements in this language are read for who did what."""
    return (language or "en").partition("-")[0] in LANGUAGES
