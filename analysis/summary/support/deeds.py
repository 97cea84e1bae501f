"""Deeds: who did what a statement tells, and whether it is done or only asked for or announced."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from analysis.summary.reading.moments import moments
from analysis.summary.support.clause import Clause
from analysis.summary.support.heard import Occurrence
from analysis.summary.support.places import OTHER_SIDE, Places
from pipeline.records import Role

_CALLED = ("called", "calls", "contacted", "contacts", "phoned", "rang")
_ANSWERS = re.compile(r"\b(?:(?:how|what) (?:can|may|could) i (?:help|assist|do|get)|thank you for calling)\b")
_FROM_THE_COMPANY = re.compile(
    r"\b(?:this is|my name is|i'm|i am) (?:\w+ ){1,3}(?:from|with|at|of)\b|\b(?:i am|i'm) calling\b"
)
_ANSWERED_WITHIN = 6
"""Sentences in which a call is answered."""
_TOMORROW = re.compile(
    r"(?<!\bfor )(?<!\buntil )(?<!\bto )(?<!\bfrom )\b(?:tomorrow|next (?:week|month|year|day|\w+day))\b", re.IGNORECASE
)
"""Nothing has happened then; what is arranged for that time may have been."""
_TERM = re.compile(r"(?:by|within)\b", re.IGNORECASE)
_MOSTLY = 0.5


def _done(heard: Iterable[Occurrence]) -> list[Occurrence]:
    """Those that tell of something that is so."""
    return [mention for mention in heard if not (mention.to_come or mention.asked or mention.denied)]


class Deeds:
    """What was done in a call and by whom."""

    def __init__(self, places: Places, cover: Callable[[str], float]) -> None:
        """`cover`: 0..1, how far a word, or one like it, was said anywhere."""
        self._cover = cover
        self._places, self._wording, self.utterances = places, places.wording, places.utterances

    def _occurrences(self, stem: str, content: Iterable[str]) -> tuple[list[Occurrence], list[Occurrence]]:
        """Where the word was said with most of what goes with it, and wherever it was said with some of that."""
        groups = self._wording.same.get(stem, frozenset())
        rest = [word for word in content if word != stem]
        found: list[tuple[float, Occurrence]] = []
        for utterance in self.utterances:
            for index, heard in enumerate(utterance.stems):
                if heard == stem or groups & self._wording.same.get(heard, frozenset()):
                    around = range(max(0, utterance.number - 1), min(len(self.utterances), utterance.number + 2))
                    share = (
                        sum(
                            max(
                                self._places.has(number, other) * (1.0 if number == utterance.number else 0.7)
                                for number in around
                            )
                            for other in rest
                        )
                        / len(rest)
                        if rest
                        else 1.0
                    )
                    found.append((share + (0.15 if heard == stem else 0.0), utterance.occurrence(index, self._wording)))
        top = max((share for share, _ in found), default=0.0)
        best = [occurrence for share, occurrence in found if share >= top - 0.12]
        return best, [occurrence for share, occurrence in found if share >= min(0.5, top)]

    def doers(self, clause: Clause) -> tuple[float, float, float, float]:
        """Other side only; this side; only asked or denied; nothing like the verb."""
        if clause.act in ("offer", "promise", "threaten", "ask", "accept") and clause.inner is not None:
            other, same, _, unknown = self._done_by(clause, self._wording.stem(clause.inner), clause.inner_doer)
            return other, same, 0.0, unknown
        if clause.verb in _CALLED and clause.subject is OTHER_SIDE.get(self._caller):
            if clause.act == "want":
                return 1.0, 0.0, 0.0, 0.0
            if clause.purpose:  # "called the office to order": it may have been a third party
                return 0.8, 0.0, 0.0, 0.0
        if self._is_the_call(clause):
            return 0.0, 1.0, 0.0, 0.0
        if clause.act == "want" and clause.inner is not None and clause.subject is not None:
            return self._wanted(clause, clause.inner, clause.subject)
        if clause.had is not None and clause.subject is not None:
            return self._had_by(clause, self._wording.stem(clause.had), clause.subject)
        if clause.verb is None or (clause.act is not None and clause.done) or clause.closing:
            return 0.0, 0.5, 0.0, 0.0
        stem = self._wording.stem(clause.verb)
        return self._done_by(clause, stem, clause.subject)

    def _is_the_call(self, clause: Clause) -> bool:
        """ "The client called Ruth", who answers: it is this call, and no word of it tells so."""
        if clause.verb not in _CALLED or clause.act is not None or clause.denied:
            return False
        nobody_named = set(clause.content) <= {self._wording.stem(clause.verb)}
        answers = OTHER_SIDE.get(self._caller, Role.UNKNOWN)
        return clause.subject is self._caller and (nobody_named or clause.towards is answers)

    def _done_by(self, clause: Clause, stem: str, subject: Role | None) -> tuple[float, float, float, float]:
        found, everywhere = self._occurrences(stem, clause.content)
        if not found:
            return 0.0, 0.2, 0.0, 1.0 - self._cover(stem)
        open_ = float(
            clause.done and not clause.denied and all(mention.asked or mention.denied for mention in everywhere)
        )
        if subject is None:
            return 0.0, 0.5, open_, 0.0
        other = OTHER_SIDE.get(subject)
        if clause.act is None and clause.towards is not None:
            if clause.towards is subject:
                return 1.0, 0.0, open_, 0.0
            if clause.towards is Role.AGENT and not any(mention.patient is Role.AGENT for mention in found):
                return 0.8, 0.0, open_, 0.0
        if clause.passive:
            same = any(mention.patient is subject or mention.actor is other for mention in found)
            turned = any(mention.patient is other or mention.actor is subject for mention in found)
            return float(turned and not same), 1.0 if same else 0.3, open_, 0.0
        own = [mention for mention in everywhere if mention.actor is subject]
        if (
            clause.done
            and own
            and all(mention.asked for mention in own)
            and any(
                mention.actor is not subject and mention.speaker is other and not mention.asked
                for mention in everywhere
            )
        ):
            # "I would like to block the card": asked for by this side, done by the other.
            return 0.8, 0.0, open_, 0.0
        if any(
            mention.actor is subject or (mention.wished and mention.actor is Role.CLIENT and subject is Role.AGENT)
            for mention in found
        ) or any(mention.patient is subject and mention.actor is None for mention in found):
            return 0.0, 1.0, open_, 0.0
        if (
            subject is Role.CLIENT
            and stem in self._wording.together
            and any(mention.actor is other for mention in found)
        ):
            return 0.0, 0.8, open_, 0.0
        if any(mention.actor is other for mention in found) or any(
            mention.patient is other and mention.actor is None for mention in found
        ):
            return 1.0, 0.0, open_, 0.0
        if all(mention.third for mention in found):
            return 0.8, 0.0, open_, 0.0
        # "your card is blocked now", said by the agent: the company did it.
        if subject is Role.AGENT and any(mention.speaker is Role.AGENT for mention in found):
            return 0.0, 0.9, open_, 0.0
        only_other = all(mention.speaker is other for mention in found)
        return (0.7 if only_other and (subject is Role.CLIENT or self._own_affair(found)) else 0.3), 0.2, open_, 0.0

    def _own_affair(self, found: Sequence[Occurrence]) -> bool:
        """Whether who says it says it of themselves: "I had a blood test"."""
        return all({"i", "i've", "my", "i'd", "i'm"} & set(self.utterances[mention.number].words) for mention in found)

    def _others_affair(self, mention: Occurrence) -> bool:
        """ "You'll have the final bill"."""
        spoken = set(self.utterances[mention.number].words)
        return bool({"you", "you'll", "you've", "you'd"} & spoken) and not {"i", "i've", "i'll", "my", "we"} & spoken

    def _had_by(self, clause: Clause, stem: str, subject: Role) -> tuple[float, float, float, float]:
        """`had an operation`: the other side's where that side alone says it, of itself."""
        found, _ = self._occurrences(stem, clause.content)
        other = OTHER_SIDE.get(subject)
        alone = all(
            self._own_affair([mention]) if mention.speaker is other else self._others_affair(mention)
            for mention in found
        )
        return float(bool(found) and alone), 0.5, 0.0, 0.0

    def _wanted(self, clause: Clause, verb: str, subject: Role) -> tuple[float, float, float, float]:
        """`wanted to test the line`: reversed where the other side alone spoke of it, as what it does itself."""
        found, _ = self._occurrences(self._wording.stem(verb), clause.content)
        other = OTHER_SIDE.get(subject)
        only = bool(found) and all(
            mention.speaker is other and mention.actor is other and not mention.asked for mention in found
        )
        own = [mention for mention in found if mention.speaker is subject]
        unwanted = bool(own) and not clause.denied and all(mention.denied for mention in own)
        return (0.8 if only or unwanted else 0.0), 0.5, 0.0, 0.0

    def denied(self, clause: Clause) -> float:
        """1 where what it tells as done is said right there not to be: "my number still hasn't moved"."""
        if (
            clause.verb is None
            or clause.act is not None
            or clause.denied
            or clause.closing
            or self._is_the_call(clause)
        ):
            return 0.0
        found, _ = self._occurrences(self._wording.stem(clause.verb), clause.content)
        stated = [mention for mention in found if not mention.asked]
        return float(bool(stated) and all(mention.denied for mention in stated))

    def to_come(self, clause: Clause) -> float:
        """ "I will mail you the offer today" is no mailed offer, and "it will be ready tomorrow" is not ready."""
        if clause.denied or clause.act not in (None, "give", "accept") or self._is_the_call(clause):
            return 0.0
        if clause.state is not None:
            heard = self._occurrences(clause.state, clause.content)[1]
            return float(bool(heard) and not _done(heard))
        if clause.verb is None or not clause.past:
            return 0.0
        if clause.act is None and not clause.arranges and _TOMORROW.search(clause.text):
            return 1.0
        if not clause.arranges and self._before_its_term(clause):
            return 1.0
        stem = self._wording.stem(clause.verb)
        _, everywhere = self._occurrences(stem, clause.content)
        if self._wording.same.get(stem, frozenset()) & self._wording.gets:
            return self._not_got(everywhere, clause)
        # "I'll pop you an email": where nobody says that something is sent, the thing itself tells when.
        verbs = [mention for mention in everywhere if not mention.noun] or everywhere
        if verbs and all(mention.noun and self.utterances[mention.number].announces for mention in verbs):
            return 1.0
        announced = [mention.number for mention in verbs if mention.to_come]
        # "I will test the line." … "The test shows a fault."
        later = [
            mention for mention in everywhere if not mention.noun or (announced and mention.number > min(announced))
        ]
        return float(bool(announced) and not _done(later))

    def _before_its_term(self, clause: Clause) -> bool:
        """ "Provided the bill by Friday", where Friday is only when something will be: it has not been."""
        for moment in moments(clause.text):
            if _TERM.match(moment):
                named = [utterance for utterance in self.utterances if moment.casefold() in utterance.text.casefold()]
                if named and all(utterance.announces for utterance in named):
                    return True
        return False

    def _not_yet(self, heard: Sequence[Occurrence]) -> bool:
        return any(mention.to_come for mention in heard) and not _done(heard)

    def _not_got(self, heard: Sequence[Occurrence], clause: Clause) -> float:
        """What is on its way has not come: "I am sending you a new router"."""
        if self._not_yet(heard):
            return 1.0
        rest = [stem for stem in clause.content if not self._wording.same.get(stem, frozenset()) & self._wording.gets]
        sent = [
            utterance.number
            for utterance in self.utterances
            if (utterance.role is Role.AGENT or utterance.request)  # "can you send me a new one"
            and self._places.groups_of(utterance.number) & self._wording.brings
            and self._places.share(self._places.around(utterance.number), rest) >= _MOSTLY
        ]
        due = any(
            utterance.role is Role.AGENT
            and utterance.announces
            and "have" in utterance.words
            and self._places.share([utterance.number], rest) >= _MOSTLY
            for utterance in self.utterances
        )  # "you will have the forty dollars within three days"
        came = any(self._places.share([mention.number], rest) >= _MOSTLY for mention in _done(heard))
        return float((bool(sent) or due) and not came)

    @cached_property
    def _caller(self) -> Role:
        """Who called whom, by how the call is answered; unknown where that tells nothing."""
        for utterance in self.utterances[:_ANSWERED_WITHIN]:
            if utterance.role is Role.AGENT and _ANSWERS.search(" ".join(utterance.words)):
                return Role.CLIENT
        openings = [utterance for utterance in self.utterances[:_ANSWERED_WITHIN] if utterance.role is Role.AGENT]
        if self.utterances and self.utterances[0].role is Role.CLIENT and openings:
            introduced = any(_FROM_THE_COMPANY.search(" ".join(utterance.words)) for utterance in openings)
            return Role.AGENT if introduced else Role.UNKNOWN
        # Who is called speaks first.
        calling = any("calling" in utterance.words for utterance in openings)
        return Role.CLIENT if openings and not calling else Role.UNKNOWN

    def owner(self, clause: Clause) -> float:
        if clause.owner is None:
            return 0.0
        for stem in clause.content[:2]:
            said: set[Role] = set()
            for utterance in self.utterances:
                for index, heard in enumerate(utterance.stems):
                    if heard == stem:
                        before = utterance.words[max(0, index - 3) : index]
                        if {"my", "our"} & set(before):
                            said.add(utterance.role)
                        if "your" in before:
                            said.add(utterance.listener)
            if said and clause.owner not in said:
                return 1.0
        return 0.0
