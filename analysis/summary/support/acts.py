"""Acts of speech: whether the side that is said to have asked, confirmed, agreed or apologised is the one that did."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.summary.support.clause import Clause
from analysis.summary.support.places import OTHER_SIDE, Places
from analysis.summary.support.wording import word_set
from pipeline.records import Role

_STATED = 0.6
_PROPOSED = 0.7
"""By so much more of it the other side spoke of what one is told to have asked for."""
COMMITS = re.compile(r"\b(?:i|we) (?:can|could|will|shall|am|are)\b|\b(?:i|we)'(?:ll|d|m|re|ve)\b|\b(?:i|we) have\b")
NEGATES = word_set("not never cannot without nobody nothing none neither nor hardly unable")
_SPOKEN_OF = 3
"""Utterances within which a thing was named that a later sentence no longer names."""
_FEW = 4
"""Words of an answer that says nothing without its question."""
_ANYWHERE = ("apologise", "thank", "complain")
"""Acts whose words may stand far from what they are about."""


def other_said(places: Places, clause: Clause) -> float:
    """By how much the other side said more of what this one is told to have said."""
    if clause.subject is None or clause.act is None or not clause.content:
        return 0.0
    other_side = OTHER_SIDE.get(clause.subject, Role.UNKNOWN)
    told = _by_the_act(places, clause, clause.subject, other_side)
    return _more(places, clause, clause.subject, other_side) if told is None else told


def _by_the_act(places: Places, clause: Clause, side: Role, other_side: Role) -> float | None:
    """Where the act itself tells; None where it counts who says more."""
    if clause.told is not None and clause.act in ("confirm", "say") and _told_by(places, clause, other_side):
        return 1.0
    if clause.act == "confirm":
        return _confirmed(places, clause.content, side, other_side)
    if clause.act == "accept":
        return _agreed(places, clause, side, other_side)
    if clause.act in ("refuse", "thank", "apologise"):
        return 0.0
    if clause.act == "ask" and clause.inner is not None and not clause.question:
        told = _told_to(places, clause, side)
        return (0.0 if told else 1.0) if told or _told_to(places, clause, other_side) else None
    if clause.act == "offer" and _first(places, clause.content, other_side) < _first(places, clause.content, side):
        return 0.5
    # "Would you like us to stop it?" "No."
    return 0.0 if clause.denied and places.answered_no(clause.content) else None


def _more(places: Places, clause: Clause, side: Role, other_side: Role) -> float:
    asking = {"ask": True, "want": True, "give": False}.get(clause.act or "")
    own = places.side_share(clause.content, side, asking=asking, questions=clause.question)
    other = places.side_share(clause.content, other_side, asking=asking, questions=clause.question)
    if clause.act in ("say", "give"):
        own = max(own, _in_answer(places, clause.content, side))
        other = max(other, _in_answer(places, clause.content, other_side))
    if clause.act == "want" and side is Role.CLIENT:
        anyhow = places.side_share(clause.content, side, asking=None)
        if anyhow == 0.0:  # nothing of it comes from who is told to have wanted it
            other = max(other, places.side_share(clause.content, other_side, asking=None))
        own = max(own, 0.9 * anyhow)
    if clause.question and own == 0.0:
        # "I want to cancel" is no question whether to cancel.
        stated = places.side_share(clause.content, side, asking=None)
        return stated if stated >= _STATED else max(0.0, other - own)
    if clause.act == "ask" and not clause.question and len(clause.content) > 1:
        # Asked for what the other side proposed: nothing of it comes from this one.
        anyhow = places.side_share(clause.content, side, asking=None)
        proposed = places.side_share(clause.content, other_side, asking=None)
        if proposed - anyhow >= _PROPOSED:
            return proposed - anyhow
    return max(0.0, other - own)


def _told_to(places: Places, clause: Clause, side: Role) -> bool:
    """Whether this side tells the other to do what it is said to have asked for: "Don't move the tree"."""
    wording = places.wording
    stem = wording.stem(clause.inner or "")
    groups = wording.same.get(stem, frozenset())
    for utterance in places.utterances:
        for index, heard in enumerate(utterance.stems):
            if utterance.role is side and (heard == stem or groups & wording.same.get(heard, frozenset())):
                mention = utterance.occurrence(index, wording)
                if mention.asked and mention.actor is not side and not utterance.question:
                    return places.share(places.around(utterance.number), clause.content) >= _STATED
    return False


def _first(places: Places, content: Sequence[str], side: Role) -> int:
    """Where this side first says most of it; behind the last utterance where it never does."""
    said = (
        said.number
        for said in places.utterances
        if said.role is side and places.share([said.number], content) >= _STATED
    )
    return next(said, len(places.utterances))


def _told_by(places: Places, clause: Clause, other_side: Role) -> bool:
    """Whether the other side alone tells what is told here: its verb, and something of what goes with it."""
    verb = [clause.told] if clause.told is not None else []
    rest = [stem for stem in clause.content if stem != clause.told]
    about = [utterance for utterance in places.utterances if places.share([utterance.number], verb)]
    by_other = [
        utterance
        for utterance in about
        if utterance.role is other_side
        and not (utterance.question or utterance.request or utterance.denied)
        and (not rest or places.share(places.around(utterance.number, _SPOKEN_OF), rest))
    ]
    yes = places.wording.sounds["confirm"]
    agreed = any(yes & set(said.words) for utterance in by_other for said in places.reply_to(utterance.number)[:1])
    # "I want to pay a bill" does not tell that it has been paid; a question of the other side may have been answered.
    otherwise = any(
        utterance.question if utterance.role is other_side else not utterance.question and not utterance.request
        for utterance in about
    )
    return bool(by_other) and not otherwise and not agreed


def _confirmed(places: Places, content: Sequence[str], side: Role, other_side: Role) -> float:
    """Who confirms says it, or says yes to it. Thanks for being told is no confirmation."""
    own = max(
        places.side_share(content, side, asking=False),
        _answered(places, content, other_side, places.wording.sounds["confirm"]),
        _in_answer(places, content, side),
    )
    return max(0.0, places.side_share(content, other_side, asking=False) - own)


def _agreed(places: Places, clause: Clause, side: Role, other_side: Role) -> float:
    """Who agrees to do something speaks of it, or says yes to it; what the other side takes upon itself is its
    own deed."""
    if clause.inner is None:
        return 0.0
    own = max(
        places.side_share(clause.content, side, asking=None),
        places.side_share(clause.content, other_side, asking=True),
    )
    taken = [
        utterance.number
        for utterance in places.utterances
        if utterance.role is other_side and COMMITS.search(" ".join(utterance.words))
    ]
    return max(0.0, max((places.share([number], clause.content) for number in taken), default=0.0) - own)


def _answered(places: Places, content: Sequence[str], asker: Role, sounds: frozenset[str]) -> float:
    """Largest share of the content in what this side says and the other answers so."""
    best = 0.0
    for utterance in places.utterances:
        if utterance.role is not asker:
            continue
        reply = places.reply_to(utterance.number)
        if any(sounds & set(said.words) and not said.denied for said in reply[:2]):
            # "You were charged twice. Is that right?"
            before = [utterance.number - 1] if utterance.number and len(utterance.content) < 2 else []
            own = [number for number in (*before, utterance.number) if places.utterances[number].role is asker]
            best = max(best, places.share(own, content))
    return best


def _in_answer(places: Places, content: Sequence[str], side: Role) -> float:
    """Largest share of the content in a question of the other side and this one's answer, of which the answer has some
    or is a few words: "How old is the box?" – "Six years."."""
    best = 0.0
    for utterance in places.utterances:
        if utterance.listener is not side or not utterance.question:
            continue
        reply = [said for said in places.reply_to(utterance.number)[:2] if not said.question]
        answer = [said.number for said in reply]
        if places.share(answer, content) > 0 or any(len(said.words) <= _FEW for said in reply):
            best = max(best, places.share([utterance.number, *answer], content))
    return best


def unsaid(places: Places, clause: Clause, near: Sequence[int]) -> float:
    """1 where nothing in that place sounds like the act of speech; `near`: utterances that hold its content."""
    sounds = places.wording.sounds.get(clause.act or "")
    if sounds is None or clause.subject is None or clause.act == "confirm":
        return 0.0
    utterances = places.utterances
    where = (
        range(len(utterances))
        if clause.act in _ANYWHERE or not near
        else sorted({index for number in near for index in range(max(0, number - 1), min(len(utterances), number + 4))})
    )
    own = [utterances[index] for index in where if utterances[index].role is clause.subject]
    if clause.act == "accept":
        if any(utterance.denied for utterance in own):
            return 0.7
        if any(COMMITS.search(" ".join(utterance.words)) for utterance in own):
            return 0.0
    said = {word for utterance in own for word in utterance.words}
    return 0.0 if any(word in sounds or (word.endswith("n't") and "not" in sounds) for word in said) else 1.0


def denies(spoken: Sequence[str]) -> bool:
    """Whether a sentence denies something; a `no` at its beginning answers another one."""
    return bool(NEGATES & set(spoken)) or any(word.endswith("n't") for word in spoken) or "no" in spoken[1:]
