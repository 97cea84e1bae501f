"""What speaks for and against a statement in a call, as numbers.

The statement is read clause by clause; a statement is as weak as its weakest clause. What a clause says has to stand in
one place of the call: three utterances in a row. Similarity is the cosine of sentence vectors (Reimers & Gurevych 2019)
between the statement and such places told in the third person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise

import numpy as np

from analysis.encoder.vectors import SentenceEncoder, Vectors
from analysis.summary.support.figures import miscounted
from analysis.summary.support.heard import Occurrence, Utterance, utterances_of
from analysis.summary.support.moments import misdated
from analysis.summary.support.statements import Clause, read_statement
from analysis.summary.support.wording import Wording
from analysis.text import content_stems, words
from pipeline.records import Role, TranscriptChunk

_NEAR, _FAR = 0.62, 0.35
"""Cosine of two words: from here they mean the same; below this they have nothing to do with each other."""
_MOST_STRETCHES = 400
_OTHER_SIDE = {Role.CLIENT: Role.AGENT, Role.AGENT: Role.CLIENT}
_INTRODUCTION = re.compile(
    r"\b(?:my name is|my name's|this is|i am|i'm)\s+"
    r"((?!(?:the|a|an|not|so|very|calling|happy|sorry|glad|moving|afraid|really)\b)[a-z]+(?: [a-z]+)?)"
    r"|^(?:[\w ]+, )*([a-z]+(?: [a-z]+)?) speaking",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(?:mister|mr|missus|mrs|miss|ms)\.? ([a-z]+)", re.IGNORECASE)
_HAS_NO = re.compile(r"\b(?:ha[sd]|have|had|with|is|are|was) (?:had )?(?:no|not|without)\b", re.IGNORECASE)
_FROM_TO = re.compile(r"\bfrom (?:\w+(?:'s)? )?(\w+)(?: \w+){0,2} to (?:\w+(?:'s)? )?(\w+)")
_CALLED = ("called", "calls", "contacted", "contacts", "phoned", "rang")
_ANSWERS = re.compile(r"\b(?:(?:how|what) (?:can|may|could) i (?:help|assist|do|get)|thank you for calling)\b")
_FROM_THE_COMPANY = re.compile(
    r"\b(?:this is|my name is|i'm|i am) (?:\w+ ){1,3}(?:from|with|at|of)\b|\b(?:i am|i'm) calling\b"
)
_ANSWERED_WITHIN = 6
"""Sentences in which a call is answered."""
_OPENING = 2
"""The first utterances, in which people say who they are."""
_STATED = 0.6
_PROPOSED = 0.7
"""By so much more of it the other side spoke of what one is told to have asked for."""
_REACH = 1
"""Utterances on either side that belong to a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """For one statement; each between 0 and 1 unless said otherwise."""

    covered: float
    """Share of its words that carry meaning and were said somewhere, in these or like words."""
    strange: float
    """The least covered of them: 1 is a word with nothing like it in the call."""
    together: float
    """Largest share of them that was said in one place."""
    similar: float
    """Cosine to the nearest place."""
    turned: float
    """How much nearer the call is to the statement with client and agent exchanged; -1 to 1."""
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

    @property
    def vector(self) -> tuple[float, ...]:
        return tuple(float(getattr(self, field.name)) for field in fields(self))


_BEST_OF = frozenset({"covered", "together", "same_did"})
"""Of several clauses the smallest counts; of the others the largest."""


class CallEvidence:
    """One call, ready for statements about it."""

    def __init__(self, chunks: Sequence[TranscriptChunk], wording: Wording, encoder: SentenceEncoder | None) -> None:
        self._wording = wording
        self._encoder = encoder
        self.utterances = utterances_of(chunks, wording)
        self.names = _names(self.utterances)
        self._phrases = [self._phrases_of(one) for one in self.utterances]
        self._said = frozenset().union(*(one.stems for one in self.utterances))
        self._groups = frozenset().union(*self._phrases)
        self._content = sorted({word for one in self.utterances for word in one.words if len(word) > 2})
        self._covers: dict[str, float] = {}

    def of(self, statement: str, before: Role | None = None) -> Evidence:
        """`before`: whom a pronoun at the statement's beginning stands for."""
        clauses = read_statement(statement, self._wording, self.names, before)
        found = [self._of_clause(clause) for clause in clauses]
        similar, turned = self._similarity(statement)
        values = {
            name: (min if name in _BEST_OF else max)(one[name] for one in found) for name in (found[0] if found else ())
        }
        return Evidence(
            **values,
            similar=similar,
            turned=turned,
            turned_round=self._turned_round(statement),
            miscounted=miscounted(statement, self.utterances, self._wording),
            misdated=misdated(statement, self.utterances, self._wording),
        )

    def subject_of(self, statement: str, before: Role | None = None) -> Role | None:
        """Whom the statement is about; None for a thing or nobody."""
        clauses = read_statement(statement, self._wording, self.names, before)
        return next((clause.subject for clause in reversed(clauses) if clause.subject is not None), before)

    def place_of(self, statement: str) -> Utterance | None:
        """The sentence of the call that says most of it; None where none says any of it."""
        content = content_stems(statement, self._wording.language)
        shares = [sum(self._has(place, stem) for stem in content) for place in range(len(self.utterances))]
        best = max(shares, default=0.0)
        return self.utterances[shares.index(best)] if best else None

    # ------------------------------------------------------------------------------------------ words

    def _of_clause(self, clause: Clause) -> dict[str, float]:
        covers = [self._cover(stem) for stem in clause.content]
        shares = self._shares(clause.content)
        top = max(shares, default=0.0)
        near = [place for place, share in enumerate(shares) if share >= top - 0.01 and share > 0]
        other, same, open_, unknown = self._doers(clause)
        return {
            "covered": sum(covers) / len(covers) if covers else 1.0,
            "strange": 1.0 - min(covers, default=1.0),
            "together": top if clause.content else 1.0,
            "other_did": other,
            "same_did": same,
            "open": open_,
            "to_come": self._to_come(clause),
            "unknown_verb": unknown,
            "other_said": self._other_said(clause),
            "unsaid": self._unsaid(clause, near),
            "false_denial": self._false_denial(clause, near, top),
            "false_claim": self._false_claim(clause, near, top),
            "opposite": self._opposite(clause, near),
            "owner": self._owner(clause),
        }

    def _cover(self, stem: str) -> float:
        if stem not in self._covers:
            self._covers[stem] = self._covered(stem)
        return self._covers[stem]

    def _covered(self, stem: str) -> float:
        if stem in self._said or self._wording.same.get(stem, frozenset()) & self._groups:
            return 1.0
        if self._encoder is None or not self._content:
            return 0.0
        cosine = float((self._encoder.encode([stem]) @ self._word_vectors.T).max())
        return float(np.clip((cosine - _FAR) / (_NEAR - _FAR), 0.0, 1.0))

    @cached_property
    def _word_vectors(self) -> Vectors:
        assert self._encoder is not None
        return self._encoder.encode(self._content)

    def _phrases_of(self, one: Utterance) -> frozenset[int]:
        """Groups of like words in an utterance, phrases of up to three words included."""
        found: set[int] = set()
        for length in (1, 2, 3):
            for at in range(len(one.stems) - length + 1):
                found |= self._wording.same.get(" ".join(one.stems[at : at + length]), frozenset())
        return frozenset(found)

    def _has(self, place: int, stem: str) -> float:
        """How well an utterance holds a word: 1 itself or a like one."""
        if stem in self.utterances[place].stems:
            return 1.0
        return 0.9 if self._wording.same.get(stem, frozenset()) & self._phrases[place] else 0.0

    def _shares(self, content: Sequence[str], role: Role | None = None) -> list[float]:
        """For each utterance, the share of the content in it and its neighbours (of this side)."""
        if not content:
            return [0.0] * len(self.utterances)
        shares = []
        for place in range(len(self.utterances)):
            around = [
                other
                for other in range(max(0, place - _REACH), min(len(self.utterances), place + _REACH + 1))
                if role is None or self.utterances[other].role is role
            ]
            if role is not None and self.utterances[place].role is not role:
                shares.append(0.0)
                continue
            shares.append(sum(max(self._has(other, stem) for other in around) for stem in content) / len(content))
        return shares

    # ------------------------------------------------------------------------------------------ who said it

    def _side_share(self, content: Sequence[str], role: Role, *, asking: bool | None, questions: bool = False) -> float:
        """Largest share of the content in an utterance of this side and the neighbours of the same kind.

        Args:
            asking: only what asks, only what does not, or either.
            questions: only questions ask, and requests do not.
        """

        def fits(one: Utterance) -> bool:
            asks = one.question or (one.request and not questions)
            return one.role is role and (asking is None or asks is asking)

        best = 0.0
        for one in self.utterances:
            if not fits(one):
                continue
            around = [other.place for other in self.utterances[max(0, one.place - 2) : one.place + 3] if fits(other)]
            best = max(best, sum(max(self._has(place, stem) for place in around) for stem in content) / len(content))
        return best

    def _other_said(self, clause: Clause) -> float:
        """By how much the other side said more of what this one is told to have said."""
        if clause.subject is None or clause.act is None or not clause.content:
            return 0.0
        asking = {"ask": True, "want": True, "give": False}.get(clause.act)
        other_side = _OTHER_SIDE.get(clause.subject, Role.UNKNOWN)
        own = self._side_share(clause.content, clause.subject, asking=asking, questions=clause.question)
        other = self._side_share(clause.content, other_side, asking=asking, questions=clause.question)
        if clause.act == "want" and clause.subject is Role.CLIENT:
            own = max(own, 0.9 * self._side_share(clause.content, clause.subject, asking=None))
        if clause.question and own == 0.0:
            # "I want to cancel" is no question whether to cancel.
            stated = self._side_share(clause.content, clause.subject, asking=None)
            return stated if stated >= _STATED else max(0.0, other - own)
        if clause.act == "ask" and not clause.question and len(clause.content) > 1:
            # Asked for what the other side proposed: nothing of it comes from this one.
            anyhow = self._side_share(clause.content, clause.subject, asking=None)
            proposed = self._side_share(clause.content, other_side, asking=None)
            if proposed - anyhow >= _PROPOSED:
                return proposed - anyhow
        if clause.act in ("accept", "confirm", "refuse", "thank", "apologise"):
            return 0.0
        return max(0.0, other - own)

    # ------------------------------------------------------------------------------------------ who did it

    def _occurrences(self, stem: str, content: Iterable[str]) -> tuple[list[Occurrence], list[Occurrence]]:
        """Where the word was said with most of what goes with it, and wherever it was said with some of that."""
        groups = self._wording.same.get(stem, frozenset())
        rest = [one for one in content if one != stem]
        found: list[tuple[float, Occurrence]] = []
        for one in self.utterances:
            for at, heard in enumerate(one.stems):
                if heard == stem or groups & self._wording.same.get(heard, frozenset()):
                    around = range(max(0, one.place - 1), min(len(self.utterances), one.place + 2))
                    share = (
                        sum(
                            max(self._has(place, other) * (1.0 if place == one.place else 0.7) for place in around)
                            for other in rest
                        )
                        / len(rest)
                        if rest
                        else 1.0
                    )
                    found.append(
                        (share + (0.15 if heard == stem else 0.0), one.occurrence(at, self._wording.negations))
                    )
        top = max((share for share, _ in found), default=0.0)
        best = [occurrence for share, occurrence in found if share >= top - 0.12]
        return best, [occurrence for share, occurrence in found if share >= min(0.5, top)]

    def _doers(self, clause: Clause) -> tuple[float, float, float, float]:
        """Other side only; this side; only asked or denied; nothing like the verb."""
        if clause.act in ("offer", "promise", "threaten", "ask") and clause.inner is not None:
            other, same, _, unknown = self._done_by(clause, self._wording.stem(clause.inner), clause.inner_doer)
            return other, same, 0.0, unknown
        if clause.act == "want" and clause.verb in _CALLED and clause.subject is _OTHER_SIDE.get(self._caller):
            return 1.0, 0.0, 0.0, 0.0
        if clause.act == "want" and clause.inner is not None and clause.subject is not None:
            return self._wanted(clause, clause.inner, clause.subject)
        if clause.verb is None or clause.act is not None or clause.closing:
            return 0.0, 0.5, 0.0, 0.0
        stem = self._wording.stem(clause.verb)
        return self._done_by(clause, stem, clause.subject)

    def _done_by(self, clause: Clause, stem: str, subject: Role | None) -> tuple[float, float, float, float]:
        found, everywhere = self._occurrences(stem, clause.content)
        if not found:
            return 0.0, 0.2, 0.0, 1.0 - self._cover(stem)
        open_ = float(clause.done and not clause.denied and all(one.asked or one.denied for one in everywhere))
        if subject is None:
            return 0.0, 0.5, open_, 0.0
        other = _OTHER_SIDE.get(subject)
        if clause.act is None and clause.towards is not None:
            if clause.towards is subject:
                return 1.0, 0.0, open_, 0.0
            if clause.towards is Role.AGENT and not any(one.patient is Role.AGENT for one in found):
                return 0.8, 0.0, open_, 0.0
        if clause.passive:
            same = any(one.patient is subject or one.actor is other for one in found)
            turned = any(one.patient is other or one.actor is subject for one in found)
            return float(turned and not same), 1.0 if same else 0.3, open_, 0.0
        own = [one for one in everywhere if one.actor is subject]
        if (
            clause.done
            and own
            and all(one.asked for one in own)
            and any(one.actor is not subject and one.speaker is other and not one.asked for one in everywhere)
        ):
            # "I would like to block the card": asked for by this side, done by the other.
            return 0.8, 0.0, open_, 0.0
        if any(
            one.actor is subject or (one.wished and one.actor is Role.CLIENT and subject is Role.AGENT) for one in found
        ) or any(one.patient is subject and one.actor is None for one in found):
            return 0.0, 1.0, open_, 0.0
        if any(one.actor is other for one in found) or any(one.patient is other and one.actor is None for one in found):
            return 1.0, 0.0, open_, 0.0
        # "your card is blocked now", said by the agent: the company did it.
        if subject is Role.AGENT and any(one.speaker is Role.AGENT for one in found):
            return 0.0, 0.9, open_, 0.0
        return (0.7 if all(one.speaker is Role.AGENT for one in found) else 0.3), 0.2, open_, 0.0

    def _wanted(self, clause: Clause, verb: str, subject: Role) -> tuple[float, float, float, float]:
        """`wanted to test the line`: reversed where the other side alone spoke of it, as what it does itself."""
        found, _ = self._occurrences(self._wording.stem(verb), clause.content)
        other = _OTHER_SIDE.get(subject)
        only = bool(found) and all(one.speaker is other and one.actor is other and not one.asked for one in found)
        return (0.8 if only else 0.0), 0.5, 0.0, 0.0

    def _to_come(self, clause: Clause) -> float:
        """ "I will mail you the offer today" is no mailed offer."""
        if clause.verb is None or not clause.past or clause.denied or clause.act not in (None, "give", "accept"):
            return 0.0
        _, everywhere = self._occurrences(self._wording.stem(clause.verb), clause.content)
        announced = [one.place for one in everywhere if one.to_come and not one.noun and one.actor is not None]
        if not announced:
            return 0.0
        # "I will test the line." … "The test shows a fault."
        done = [
            one
            for one in everywhere
            if not (one.to_come or one.asked or one.denied) and (not one.noun or one.place > min(announced))
        ]
        return float(not done)

    @cached_property
    def _caller(self) -> Role:
        """Who called whom, by how the call is answered; unknown where that tells nothing."""
        for one in self.utterances[:_ANSWERED_WITHIN]:
            if one.role is Role.AGENT and _ANSWERS.search(" ".join(one.words)):
                return Role.CLIENT
        openings = [one for one in self.utterances[:_ANSWERED_WITHIN] if one.role is Role.AGENT]
        if self.utterances and self.utterances[0].role is Role.CLIENT and openings:
            introduced = any(_FROM_THE_COMPANY.search(" ".join(one.words)) for one in openings)
            return Role.AGENT if introduced else Role.UNKNOWN
        return Role.UNKNOWN

    def _owner(self, clause: Clause) -> float:
        if clause.owner is None:
            return 0.0
        for stem in clause.content[:2]:
            said: set[Role] = set()
            for one in self.utterances:
                for at, heard in enumerate(one.stems):
                    if heard == stem:
                        before = one.words[max(0, at - 3) : at]
                        if {"my", "our"} & set(before):
                            said.add(one.role)
                        if "your" in before:
                            said.add(one.listener)
            if said and clause.owner not in said:
                return 1.0
        return 0.0

    # ------------------------------------------------------------------------------------------ yes or no

    def _unsaid(self, clause: Clause, near: Sequence[int]) -> float:
        sounds = self._wording.sounds.get(clause.act or "")
        if sounds is None or clause.subject is None:
            return 0.0
        everywhere = clause.act in ("apologise", "thank", "complain")
        places = (
            range(len(self.utterances))
            if everywhere
            else {at for place in near for at in range(place - 1, min(len(self.utterances), place + 4)) if at >= 0}
        )
        if clause.act == "accept" and any(
            self.utterances[at].denied for at in places if self.utterances[at].role is clause.subject
        ):
            return 0.7
        own = {
            word for at in places if self.utterances[at].role is clause.subject for word in self.utterances[at].words
        }
        return 0.0 if any(word in sounds or (word.endswith("n't") and "not" in sounds) for word in own) else 1.0

    def _false_denial(self, clause: Clause, near: Sequence[int], top: float) -> float:
        if not clause.denied or self._denied_near(near, lacking=_HAS_NO.search(clause.text) is not None):
            return 0.0
        if clause.closing and any(one.closing for one in self.utterances):
            return 0.0
        if top >= 0.5 or not self._denies(clause.content):
            return 1.0
        return 0.4

    def _denies(self, content: Sequence[str]) -> bool:
        """Whether any of it is denied anywhere."""
        return any(one.denied and any(self._has(one.place, stem) for stem in content) for one in self.utterances)

    def _denied_near(self, near: Sequence[int], *, lacking: bool) -> bool:
        return any(
            self.utterances[at].denied or (lacking and self.utterances[at].lacking)
            for place in near
            for at in range(max(0, place - 1), min(len(self.utterances), place + 2))
        )

    def _false_claim(self, clause: Clause, near: Sequence[int], top: float) -> float:
        if clause.denied or not near or top < 0.5 or clause.act in ("ask", "want", "say", "complain", "threaten"):
            return 0.0
        holding = [
            self.utterances[place]
            for place in near
            if sum(self._has(place, stem) for stem in clause.content) >= 0.5 * len(clause.content)
        ]
        return float(bool(holding) and all(one.denied and not one.question for one in holding))

    def _opposite(self, clause: Clause, near: Sequence[int]) -> float:
        stems = {self._wording.stem(word) for word in words(clause.text)}
        heard = [
            self.utterances[at]
            for place in near
            for at in range(max(0, place - 1), min(len(self.utterances), place + 2))
        ]
        said = {stem for one in heard for stem in one.stems}
        for pair in self._wording.opposites:
            for side, against in (pair, pair[::-1]):
                if not stems & side or stems & against or side & said:
                    continue
                rest = [stem for stem in clause.content if stem not in side]
                if any(
                    against & set(one.stems)
                    and not one.denied
                    and (not rest or any(self._has(one.place, stem) for stem in rest))
                    for one in heard
                ):
                    return 1.0
        return 0.0

    def _turned_round(self, statement: str) -> float:
        told = _FROM_TO.search(" ".join(words(statement)))
        if told is None:
            return 0.0
        pairs = {match.groups() for one in self.utterances for match in _FROM_TO.finditer(" ".join(one.words))}
        return float(told.groups() not in pairs and told.groups()[::-1] in pairs)

    # ------------------------------------------------------------------------------------------ similarity

    def _similarity(self, statement: str) -> tuple[float, float]:
        if self._encoder is None or not self.utterances:
            return 0.0, 0.0
        both = self._encoder.encode([statement, _exchanged(statement, self.names)])
        straight, turned = (both @ self._place_vectors.T).max(axis=1)
        return float(straight), float(turned - straight)

    @cached_property
    def _place_vectors(self) -> Vectors:
        assert self._encoder is not None
        told = [one.told for one in self.utterances]
        pairs = [f"{first}. {second}" for first, second in pairwise(told)]
        return self._encoder.encode([*told, *pairs][:_MOST_STRETCHES])


def _exchanged(statement: str, names: Mapping[str, Role]) -> str:
    """The statement with the two sides exchanged."""

    def swap(match: re.Match[str]) -> str:
        word = match.group(0).casefold()
        if word in ("client", "customer", "caller"):
            return "agent"
        if word in ("agent", "representative"):
            return "client"
        return "the agent" if names.get(word) is Role.CLIENT else "the client"

    known = "|".join(["client", "customer", "caller", "agent", "representative", *map(re.escape, names)])
    return re.sub(rf"\b(?:{known})\b", swap, statement, flags=re.IGNORECASE)


def _names(utterances: Sequence[Utterance]) -> dict[str, Role]:
    """Names by which the sides introduce themselves or are addressed."""
    found: dict[str, Role] = {}
    for one in utterances:
        for match in _INTRODUCTION.finditer(one.text):
            first = match.group(1) or match.group(2) or ""
            if not match.group(0).casefold().startswith("my name") and not first[:1].isupper() and one.place > _OPENING:
                continue
            for word in words(match.group(1) or match.group(2) or "")[:2]:
                found.setdefault(word, one.role)
    for one in utterances:
        for match in _ADDRESS.finditer(one.text):
            for word in words(match.group(1)):
                found.setdefault(word, one.listener)
    return found
