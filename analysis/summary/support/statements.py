"""A statement of a summary, read: who, does or says what, to whom."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.summary.support.clause import Clause
from analysis.summary.support.wording import Wording, word_set
from analysis.text import content_stems, words
from pipeline.records import Role

_AUXILIARIES = word_set(
    "is are was were be been being has have had will would can could may might shall should does did do to "
    "then also just now not never already still only later first again immediately finally and successfully "
    "currently next therefore further able"
)
_INTERROGATIVE = word_set("whether if why what when where which who how")
_MODAL = word_set("will would may might shall should")
_OPEN = _MODAL | {"is", "are", "being", "to"}
_POSSESSES = word_set("have has had")
_HELPERS = 4
"""Words within which a subject's verb begins."""
_PASSIVE = word_set("is are was were be been being gets got")
_COPULA = word_set("is are was were been")
_DETERMINERS = word_set("the a an this that her his their its your our my")
_SPLIT = re.compile(r"\s*(?:,\s*(?:and|but|then)|;|\band then\b|\bbut\b|\band\b|,\s*which|\bbecause\b|,\s*as\b)\s+")
_MEANS = re.compile(r"\bby (\w{3,}ing)\b")
_CLOSING = re.compile(
    r"\b(?:no|not|nothing|none|without|\w+n't)\b(?: \w+){0,3}? (?:further|else|other|additional|more|anything)\b"
)
"""Nothing else; "if the other company says no" is no such thing."""
_PRONOUNS = word_set("he she they")
_IRREGULAR = word_set(
    "said hit felt thought ran read wants needs asks sends pays says tells gives makes "
    "takes finds gets comes goes leaves buys keeps offers accepts will has had was is wanted can cannot could "
    "did does may must receives confirms agrees declines works moved requests provides"
)


def read_statement(text: str, wording: Wording, names: Mapping[str, Role], before: Role | None = None) -> list[Clause]:
    """The clauses of one sentence.

    Args:
        names: lower-case names of people in the call -> their side.
        before: whom `she` and `they` at its beginning stand for.
    """
    clauses: list[Clause] = []
    for part in _parts(text, wording):
        clause = _clause(part, wording, names, before)
        if clause.subject is None and clauses and _begins_with_verb(part, wording):
            clause = replace(clause, subject=clauses[-1].subject, passive=False)
        elif clause.subject is None and clauses and words(part)[:1] and words(part)[0] in wording.infinitives:
            verb = words(part)[0]
            clause = replace(clause, subject=clauses[-1].subject, verb=verb, done=False, past=False)
        before = clause.subject or before
        clauses.append(clause)
    return clauses


def _parts(text: str, wording: Wording) -> list[str]:
    """Cut where another verb begins; lists of things stay whole."""
    parts: list[str] = []
    start = 0
    text = _MEANS.sub(lambda match: f"and {_finite(match.group(1), wording)}", text)
    for match in _SPLIT.finditer(text):
        following = words(text[match.end() :])
        if len(words(text[start : match.start()])) < 2 or len(following) < 2:
            continue
        contrasts = "but" in match.group(0) and any(word in _AUXILIARIES - {"to"} for word in following[:5])
        goes_on = following[0] in wording.infinitives and _needs_infinitive(words(text[start : match.start()]))
        if contrasts or goes_on or _starts_clause(following, wording):
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _needs_infinitive(spoken: Sequence[str]) -> bool:
    """`should take a picture` and then `send it`; after `to` it would be somebody else who sends."""
    return bool((_MODAL | {"can", "must"}) & set(spoken)) and "to" not in spoken


def _finite(doing: str, wording: Wording) -> str:
    """`provided` for `providing`."""
    return wording.gerunds.get(doing, f"{doing.removesuffix('ing')}ed")


def _starts_clause(following: Sequence[str], wording: Wording) -> bool:
    head = [word for word in following[:3] if word not in _AUXILIARIES]
    if following[0] in _AUXILIARIES - {"to"} or (head and _is_verb(head[0], wording)):
        return True
    role = following[1] if following[0] in _DETERMINERS else following[0]
    return role in wording.roles or following[0] in _PRONOUNS | {"it"}


def _begins_with_verb(part: str, wording: Wording) -> bool:
    head = words(part)
    return bool(head) and (head[0] in _AUXILIARIES or _is_verb(head[0], wording))


def _is_verb(word: str, wording: Wording) -> bool:
    return (
        word in wording.speech or word in wording.past or word in _IRREGULAR or (len(word) > 4 and word.endswith("ed"))
    )


def _clause(text: str, wording: Wording, names: Mapping[str, Role], before: Role | None) -> Clause:
    spoken = words(text)
    subject, owner, rest_at = _subject(spoken, wording, names, before)
    verb_at = _verb_place(spoken, rest_at, subject, wording)
    verb = spoken[verb_at] if verb_at is not None else None
    helpers = spoken[rest_at:verb_at] if verb_at is not None else spoken[rest_at:]
    act = _act(spoken, verb_at, wording)
    passive = (
        bool(verb)
        and bool(_PASSIVE & set(helpers))
        and not (verb or "").endswith("ing")
        and _is_verb(verb or "", wording)
    )
    after = spoken[(verb_at or 0) + 1 :]
    if passive and "by" in after:
        agent = _role_in(after[after.index("by") + 1 :][:4], wording, names)
        if agent is not None:
            subject, passive = agent, False
    elif passive and subject is not None and act in ("ask", "say", "offer", "promise", "give"):
        subject = {Role.CLIENT: Role.AGENT, Role.AGENT: Role.CLIENT}.get(subject)
        passive = False
    inner, doer = _inner(after, wording, names)
    if inner is not None and doer is None:
        doer = {Role.CLIENT: Role.AGENT, Role.AGENT: Role.CLIENT}.get(subject) if act == "ask" and subject else subject
    return Clause(
        text=text,
        subject=subject,
        owner=owner,
        verb=verb,
        act=act,
        passive=passive,
        done=not (_MODAL & set(helpers)) and "will" not in spoken,
        denied=any(
            (word in wording.negations or word.endswith("n't"))
            and spoken[index + 1 : index + 2] not in (["cost"], ["charge"])
            for index, word in enumerate(spoken)
        ),
        content=_content(spoken, wording, names),
        towards=_towards(after, wording, names),
        inner=inner,
        inner_doer=doer,
        closing=_CLOSING.search(" ".join(spoken)) is not None,
        past=verb is not None and (_was_able(helpers) or (_tells_past(verb, wording) and not _OPEN & set(helpers))),
        purpose="to" in after,
        arranges=verb is not None and wording.stem(verb) in wording.arranges,
        told=_told(after, wording) if act is not None else None,
        had=_had(spoken, rest_at) if subject is not None else None,
        state=_state(spoken, subject, wording),
        question=act == "ask" and any(word in _INTERROGATIVE for word in after[:3]),
    )


def _was_able(helpers: Sequence[str]) -> bool:
    """`was able to get` tells that it was got."""
    return "able" in helpers and bool({"was", "were"} & set(helpers))


def _told(after: Sequence[str], wording: Wording) -> str | None:
    if "that" not in after:
        return None
    rest = after[after.index("that") + 1 :]
    verb = next((word for word in rest if _is_verb(word, wording) and word not in _AUXILIARIES), None)
    return wording.stem(verb) if verb is not None and _tells_past(verb, wording) else None


def _tells_past(verb: str, wording: Wording) -> bool:
    return verb in wording.past or verb.endswith("ed")


def _state(spoken: Sequence[str], subject: Role | None, wording: Wording) -> str | None:
    """`ready` in `the car is now ready`; None of a person, and of what is to come."""
    if subject is not None or (_MODAL | {"to"}) & set(spoken):
        return None
    for index, word in enumerate(spoken):
        if word in _COPULA:
            rest = [following for following in spoken[index + 1 :] if following not in _AUXILIARIES]
            stem = wording.stem(rest[0]) if rest else None
            return stem if stem in wording.states else None
    return None


def _verb_place(spoken: Sequence[str], begin: int, subject: Role | None, wording: Wording) -> int | None:
    """Where the verb stands, from `at` on; without a subject only a word that is known as one."""
    if subject is not None and _had(spoken, begin) is not None:
        return None
    verb_at = next(
        (
            index
            for index in range(begin, len(spoken))
            if (
                spoken[index] not in _AUXILIARIES | _DETERMINERS
                if subject is not None
                else _is_verb(spoken[index], wording) and spoken[index] not in _AUXILIARIES
            )
        ),
        None,
    )
    if verb_at is not None and spoken[verb_at] in wording.negations and not _is_verb(spoken[verb_at], wording):
        return None  # "has had no internet": what is told is that there is none
    return verb_at


def _had(spoken: Sequence[str], begin: int) -> str | None:
    places = range(begin, min(begin + _HELPERS, len(spoken) - 2))
    return next((spoken[i + 2] for i in places if spoken[i] in _POSSESSES and spoken[i + 1] in _DETERMINERS), None)


def _content(spoken: Sequence[str], wording: Wording, names: Mapping[str, Role]) -> tuple[str, ...]:
    skipped = {"whether", "there", "which", "able"} | set(wording.roles) | set(wording.speech) | names.keys()
    kept = " ".join(word for word in spoken if word.removesuffix("'s") not in skipped)
    return tuple(content_stems(kept, wording.language))


def _inner(after: Sequence[str], wording: Wording, names: Mapping[str, Role]) -> tuple[str | None, Role | None]:
    """`to send a card`: the verb, and who is told before it to do it."""
    for index in range(min(4, len(after) - 1)):
        if after[index] == "to" and after[index + 1] not in _DETERMINERS and after[index + 1] not in wording.roles:
            return after[index + 1], _role_in(after[:index], wording, names)
    return None, None


def _towards(after: Sequence[str], wording: Wording, names: Mapping[str, Role]) -> Role | None:
    for index, word in enumerate(after[:-1]):
        if word in ("to", "for"):
            following = after[index + 1 : index + 3]
            who = following[1] if following[0] in _DETERMINERS and len(following) > 1 else following[0]
            if who in wording.roles or who in names:
                return wording.roles.get(who) or names.get(who)
    if after and after[0] in names:
        return names[after[0]]
    if len(after) > 1 and after[0] in _DETERMINERS and after[1] in wording.roles:
        return wording.roles[after[1]]
    return None


def _act(spoken: Sequence[str], verb_at: int | None, wording: Wording) -> str | None:
    if verb_at is None:
        return None
    for length in (2, 1):
        act = wording.speech.get(" ".join(spoken[max(0, verb_at - (length - 1)) : verb_at + 1])) or wording.speech.get(
            " ".join(spoken[verb_at : verb_at + length])
        )
        if act:
            return act
    return None


def _subject(
    spoken: Sequence[str], wording: Wording, names: Mapping[str, Role], before: Role | None
) -> tuple[Role | None, Role | None, int]:
    """Who acts, whose thing it is, and where the rest begins."""
    index = 0
    while index < len(spoken) and spoken[index] in _DETERMINERS:
        index += 1
    if index >= len(spoken):
        return None, None, index
    word = spoken[index]
    bare = word.removesuffix("'s")
    role = wording.roles.get(bare) or names.get(bare)
    if role is not None and word.endswith("'s"):
        return None, role, index + 1
    if role is not None:
        index += 1
        while index < len(spoken) and (spoken[index] in names or spoken[index] in wording.roles):
            index += 1
        if index < len(spoken) and spoken[index] in ("from", "of", "at"):
            while index < len(spoken) and not _is_verb(spoken[index], wording):
                index += 1
        return role, None, index
    if word in _PRONOUNS:
        return before, None, index + 1
    return None, None, 0


def _role_in(spoken: Sequence[str], wording: Wording, names: Mapping[str, Role]) -> Role | None:
    for word in spoken:
        if word in wording.roles or word in names:
            return wording.roles.get(word) or names.get(word)
    return None
