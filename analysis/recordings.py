"""What no caller means: recorded menus, announcements and voicemail greetings; misdialled calls; broken lines.

English. A recorded text names many topics and asks for none of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from analysis.text import sentences, words
from pipeline.records import Role, TranscriptChunk


class Recording(StrEnum):
    """What plays on a line where nobody speaks; the value completes "there is nothing but …"."""

    VOICEMAIL = "a voicemail greeting"
    MENU = "a recorded menu"
    ANNOUNCEMENT = "recorded announcements"


_DIGIT = r"(?:\d|zero|one|two|three|four|five|six|seven|eight|nine|the (?:star|hash|pound)(?: key)?|star|hash|pound)"
_PATTERNS: tuple[tuple[Recording, re.Pattern[str]], ...] = tuple(
    (kind, re.compile("|".join(patterns), re.IGNORECASE))
    for kind, patterns in (
        (
            Recording.VOICEMAIL,
            (
                r"\bleave (?:us |me |a |an |your |the )?(?:\w+ ){0,6}message",
                r"\bleave (?:your|a) (?:\w+,? (?:and |your )?){1,8}(?:after|at) the (?:tone|beep|signal)",
                r"\b(?:after|at|before) the (?:tone|beep|signal)\b",
                r"\byou(?:'ve| have) reached\b",
                r"\b(?:mail ?box|voice ?mail)\b.*\b(?:full|of|for|box|system)\b",
                r"\bvoice messag\w+ system\b",
                r"\b(?:person|subscriber|number|party|customer) you(?:'re| are| have|'ve)? (?:calling|called"
                r"|dialled|dialed)"
                r"\b.*\b(?:not|un)\s?available",
                r"\bcan(?:no|')t (?:take|answer) your call\b",
                r"\bunable to (?:take|answer) your call\b",
                r"\b(?:nobody|no one|we are not|none of us) (?:can come to the phone"
                r"|is available (?:at the moment|right now))",
                r"\bwhen you(?:'ve| have| are|'re) (?:finished|done) recording\b",
            ),
        ),
        (
            Recording.MENU,
            (
                rf"\b(?:press|dial|select|choose|push|hit|oprima|pulse|tapez|faites le|drücken sie) {_DIGIT}\b",
                r"\byou can say\b",
                r"\b(?:just|please) say\b.*\bor\b",
                r"(?:\b(?:to|for) [^.?!]{2,60}, (?:just |please |simply )?say [^.?!]{2,40}[.;,]\s+){2}",
                r"\bfor example,? say\b",
                r"\bin a few words,? (?:please )?tell (?:me|us)\b",
                r"\b(?:to )?hear (?:these|the|this) (?:options?|menu|again)\b",
                r"\b(?:main|previous) menu\b",
                r"\b(?:not|is no|an?) (?:a )?(?:valid|invalid) (?:option|selection|choice|entry)\b",
                r"\bplease enter (?:your|the)\b.*\b(?:digit|number|code|pin|key)\b",
                r"\bnot received any input\b",
                r"\bvirtual assistant\b",
                r"\bfollowed by the (?:star|hash|pound)\b",
            ),
        ),
        (
            Recording.ANNOUNCEMENT,
            (
                r"\b(?:all )?(?:of )?our \w+ are (?:currently |still |all )?(?:busy|helping|assisting|serving"
                r"|speaking)",
                r"\byour call (?:is|matters)\b.*\b(?:important|us)\b",
                r"\byou are (?:now )?(?:caller )?(?:number|next) (?:\w+ )?in (?:the|line)|\byou are caller number\b",
                r"\b(?:estimated|average|expected) (?:waiting|wait|hold) time\b",
                r"\bdid you know\b",
                r"\bwhile you(?:'re| are)? (?:wait|hold)",
                r"\b(?:this|your|the|all|our) calls? (?:may|might|will|is|are|can)\b.*\brecorded\b",
                r"\bplease (?:hold|remain|stay|wait)\b(?: on| the| for| while|[.,]|$)",
                r"\b(?:stay|remain|hold) on the line\b",
                r"\bnext (?:free|available) (?:agent|adviser|advisor|operator|representative)\b",
                r"\bour (?:lines|offices?) (?:are|is) (?:now |currently )?closed\b",
                r"\boutside (?:of )?(?:our )?(?:business|office|opening) hours\b",
                r"\bdue to (?:high|heavy|unusual|exceptional)\w* (?:demand|call|volume)",
                r"\bwe (?:are|'re) (?:currently )?aware of\b.*\b(?:outage|problem|issue|fault)",
                r"\bthis is an? (?:important|automated|recorded) (?:message|announcement|call)\b",
                r"\bon a scale (?:of|from)\b",
                r"\bwhy not (?:switch|try|visit|place|download|use|sign|order|upgrade|join)\b",
            ),
        ),
    )
)
_GREETING_ROOM = re.compile(
    r"\bwe are closed|\bis closed\b|\bopen again\b|\boffice hours\b|\bopening hours\b", re.IGNORECASE
)

_WRONG_NUMBER = re.compile(
    r"\b(?:got|have|'ve|dialled|dialed|called|it's|is|be|was|oh,?|sorry,?|then,?) (?:the |a |an )?wrong "
    r"(?:number|person|company|house|party)\b(?! (?:on|in|for)\b)"
    r"|\bwrong \w+[,.!]? sorry\b|\bwrong number,? then\b|\bmis-?dialled\b|\bmis-?dialed\b"
    r"|\bdial(?:led|ed) (?:it|that|this|the number) wrong(?:ly)?\b"
    r"|\bdialled the wrong\b|\bdialed the wrong\b|\bmixed up (?:two|the|some) (?:digits|numbers)\b"
    r"|\b(?:nobody|no one|no-one|no \w+) (?:of|by|with) (?:that|this) name\b"
    r"|\b(?:called|rang|dialled|dialed) (?:us |me |here )?by (?:accident|mistake)\b",
    re.IGNORECASE,
)
_LONGEST_MISDIALLED_WORDS = 60
"""Of the client. Who talks longer than that has found somebody to talk to."""
_TURNS_AFTER_MISDIALLED = 5
"""Whoever goes on for longer speaks of another mistake: money sent to a wrong account."""

_LINE_TROUBLE = re.compile(
    r"\b(?:can|do|could) (?:you|anyone|anybody) hear me\b|\b(?:can't|cannot|can hardly|can barely|can) hear you\b"
    r"|\bare you (?:still )?there\b|\bis (?:there )?(?:anybody|anyone|somebody|someone) (?:there|here)\b"
    r"|\b(?:the|this) line is (?:\w+ )?(?:terrible|bad|awful|poor|breaking)\b|\bkeeps? cutting out\b"
    r"|\b(?:i'll|i will|let me|i'm going to) (?:\w+ )?(?:call|ring|phone|try)(?: you)?(?: \w+)? ?(?:back|again"
    r"|later|in)\b"
    r"|\bother phone\b|\bat the door\b|\bgoing to hang up\b|\bi(?:'ve| think i|'ve just)? lost you\b|\bend the call\b",
    re.IGNORECASE,
)


def recording_in(text: str) -> Recording | None:
    """What kind of recording a stretch of speech belongs to; None for what a person says."""
    return next((kind for kind, pattern in _PATTERNS if pattern.search(text)), None)


def goes_with_recording(text: str) -> bool:
    """Whether the text is what a greeting says besides: that nobody is there, and when somebody is."""
    return _GREETING_ROOM.search(text) is not None


def is_misdialled(texts: list[str], client_texts: list[str]) -> bool:
    """Whether somebody says that the number, the person or the company is wrong, and the caller leaves it so."""
    if sum(len(words(text)) for text in client_texts) > _LONGEST_MISDIALLED_WORDS:
        return False
    said = [index for index, text in enumerate(texts) if _WRONG_NUMBER.search(text)]
    return bool(said) and len(texts) - said[0] - 1 <= _TURNS_AFTER_MISDIALLED


def is_line_trouble(sentence: str) -> bool:
    """Whether a sentence is about this very connection: "Hello? Can you hear me?", "I'll call back later"."""
    return _LINE_TROUBLE.search(sentence) is not None


def without_recordings(chunks: Sequence[TranscriptChunk]) -> tuple[list[TranscriptChunk], tuple[Recording, ...]]:
    """Of English chunks in order of time those that people say, and the kinds of recordings that were left out.

    A chunk is one stretch of speech, so a recording fills the whole of it. A client who mentions a menu or an
    announcement ("your message said to press one") is a person all the same, unless the voicemail greets on his side.
    """
    spoken: list[TranscriptChunk] = []
    found: set[Recording] = set()
    for chunk in chunks:
        kind = recording_in(chunk.text)
        greeted = bool(found) and not spoken
        if kind is None and greeted and goes_with_recording(chunk.text):
            continue
        if kind is None or (chunk.role == Role.CLIENT and not greeted and (spoken or kind is not Recording.VOICEMAIL)):
            spoken.append(chunk)
            continue
        found.add(kind)
        if chunk.role == Role.UNKNOWN and kind is Recording.ANNOUNCEMENT:
            # It may be a person who says "please hold": what else is said there counts.
            rest = " ".join(part for part in sentences(chunk.text) if recording_in(part) is None)
            if words(rest):
                spoken.append(replace(chunk, text=rest))
    return spoken, tuple(kind for kind in Recording if kind in found)
