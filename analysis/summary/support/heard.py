"""A call as utterances: who says which words, what is asked, what is denied, who does what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from analysis.calls import in_order
from analysis.summary.support.wording import Wording, word_set
from analysis.text import content_stems, sentences, stems, words
from pipeline.records import Role, TranscriptChunk

_QUESTION_START = re.compile(
    r"(?:(?:and|so|but|okay|ok|well|uh|um|then|also|oh|hm)\s+)*(?:what|when|where|who|which|how|why|is|are|was|were|do|does"
    r"|did|can|could|would|will|may|have you|should|shall|am i)\b"
)
_QUESTION_WITHIN = re.compile(
    r"\b(?:can|could|would|will|may|do|did|what|which|how) (?:you|i|we|is|was|are|time|day|card)\b"
)
"""In speech without punctuation a question may begin behind other words."""
_REQUEST = re.compile(
    r"\b(?:please|i(?:'d| would) like|i(?: really| just)? (?:need|want)|we(?: really| just)? (?:need|want)"
    r"|(?:can|could|would|will|may) (?:you|i|we|it)\b|is it possible|do you have|let me have|wanna|how soon"
    r"|i(?:'m| am) calling)\b"
)
_CONDITION = re.compile(r"\b(?:if|unless|whether|in case)\b")
_TO_COME = re.compile(
    r"\b(?:will|won't|shall|should|would|can|could|gonna|\w+'ll|\w+'d)\b(?! have been\b)"
    r"|\b(?:going|about|fixing|planning|hoping|due|supposed|meant|set|ready) to\b|\bas soon as\b|\buntil\b"
)
_UNDER_WAY = re.compile(
    r"(?:\b(?:is|are|am)|'s|'re|'m) (?:\w+ )?\w+ing\b.*\b(?:tonight|tomorrow|on \w+day|next \w+|later|soon)\b"
)
"""What "is going out on Thursday" is not out."""
_AT_ONCE = re.compile(r"\b(?:now|right away|straight away|immediately|already|just)\b")
"""What somebody will do in this moment is done when the call ends."""
_WISH = re.compile(r"\b(?:want|like|need|wish) to\b|\bwanna\b")
_CLOSING = re.compile(
    r"^(?:uh |um )*(?:no\b.{0,25}(?:all|it|thank|thanks|everything)|(?:no )?that(?:'s|'ll| is| was| will)?"
    r" .{0,14}(?:all|it)$|no(?: no)?$|no thank)"
)
_POLITE = re.compile(
    r"\bno (?:thank|thanks|problem|worries|cost|charge|bother|trouble|rush|kidding)\b|\bnot (?:at all|to worry)\b"
    r"|\bwhy (?:not|don't)\b|\b(?:don't|do not) worry\b|\bnever mind\b|\byeah no\b"
)
_YES = word_set("yes yeah yep yup correct right exactly indeed")
_NO = word_set("no nope nah not")
_CAN = re.compile(r"\b(?:can|could|will|would|shall|may|should|want|like|need)\b")
"""A yes to these grants something or takes it; a yes to other questions says that it is so."""
_TAKES_DOWN = re.compile(r"\b(?:can|could|may) i (?:just |please )?(?:take|have|get)\b")
"""Asking for a name or a number, which the answer then gives."""
_SELF = word_set("i we i'm i've i'd i'll we're we've we'd we'll my our me us mine ours let's")
_OTHER = word_set("you you're you've you'd you'll your yours y'all")
_THIRD = word_set("he she it they he's she's it's they're that's that this who which somebody someone nobody")
_OBJECTS = word_set("it that this")
"""Before `and` no subject of what follows: "I'll do it at eleven and mail you the log"."""
_THINGS = word_set("the a an another")
"""Before a noun that stands right before a verb: "the woman opposite slipped"."""
_JOINS = word_set("and or but to of in on at for from with by then please just also i you")
"""Behind one of these the noun is no subject: "I blocked the card and raised …"."""
_BE = word_set("is are was were be been being am isn't aren't wasn't weren't it's gets got getting")
_LINKS = word_set("please just and then also to so now not never don't uh um okay kindly")
_ARTICLES = word_set("the a an my your our his her their this that no any some another new")
_LOOK_BACK = 9
_NEAR_SUBJECT = 2
"""Words between a verb and its subject, at most, where the subject is no pronoun of the speaker or listener."""
_LETS = word_set("let let's lets")
"""Who says "let me check" checks."""
_IS = ("'s", "'re")
_INSTRUCTS = ("to", "for")
"""A sentence that begins with its purpose tells the listener what to do: "To report a leak, press one"."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A word of the call, and who does what it says."""

    number: int
    """Of its utterance."""
    actor: Role | None
    """None: nobody is named, or a thing."""
    patient: Role | None
    """To whom it happens, or who is in that state: `I was charged`, `I am disappointed`, `you charged me`."""
    speaker: Role
    denied: bool
    asked: bool
    """In a question, a request, an instruction or a condition: not something that is so."""
    wished: bool
    """In a wish: "I want to cancel" is done by whoever is asked."""
    noun: bool
    to_come: bool
    """Announced for after the call."""
    third: bool = False
    """Somebody or something else does it: `they found it`, `my wife called`, `it drops`."""


@dataclass(frozen=True)
class Utterance:
    """A sentence of a call."""

    number: int
    chunk: TranscriptChunk
    """The one it is in."""
    role: Role
    text: str
    words: tuple[str, ...]
    stems: tuple[str, ...]
    """Of all words."""
    content: frozenset[str]
    question: bool
    request: bool
    condition: bool
    denied: bool
    lacking: bool
    """Says that something is gone or does not work."""
    closing: bool
    """Says that there is nothing else."""
    granted: bool
    """A question of what is so, answered with yes."""
    refused: bool
    """A question that is answered with no."""

    @property
    def listener(self) -> Role:
        return {Role.CLIENT: Role.AGENT, Role.AGENT: Role.CLIENT}.get(self.role, Role.UNKNOWN)

    @cached_property
    def told(self) -> str:
        """In the third person: `I lost my card` said by the client is `the client lost the client's card`."""
        me, you = self.role.value, self.listener.value
        table = {
            "i": f"the {me}", "me": f"the {me}", "we": f"the {me}", "us": f"the {me}", "my": f"the {me}'s",
            "our": f"the {me}'s", "you": f"the {you}", "your": f"the {you}'s",
        }  # fmt: skip
        parts = []
        for word in self.text.split():
            bare = word.strip(".,?!").casefold().replace("’", "'")
            head, _, tail = bare.partition("'")
            if bare in table:
                parts.append(table[bare] + word[len(word.rstrip(".,?!")) :])
            elif tail in ("m", "ve", "d", "ll", "re") and head in table:
                parts.append(table[head] + {"m": " is", "ve": " has", "d": " would", "ll": " will", "re": " is"}[tail])
            else:
                parts.append(word)
        verb = "asks" if self.question or self.request else "says"
        return f"The {me} {verb}: {' '.join(parts)}"

    def occurrence(self, index: int, wording: Wording) -> Occurrence:
        """Who does the word at this place, by the pronoun before it."""
        before = self.words[max(0, index - _LOOK_BACK) : index]
        plain = _POLITE.sub(" ", " ".join(self.words[:index])).split()
        nearest, distance = self._nearest_person(before)
        noun = bool(before) and (before[-1] in _ARTICLES or before[-1] in ("by", "of", "per"))
        state = (
            bool(before)
            and not noun
            and any(word in _BE or word in ("i'm", "we're", "you're") for word in before[-3:] if word not in _ARTICLES)
        )
        actor = None if noun or state else nearest
        patient = nearest if state else None
        bare = actor is None and distance is None and not noun
        told = (bare and not (state or _LETS & set(before))) or (actor is None and before[-1:] == ("to",))
        if bare and (all(word in _LINKS for word in before) or self.words[0] in _INSTRUCTS):
            actor = self.listener
        after = self.words[index + 1 : index + 3]
        if patient is None and any(word in ("me", "us", "my", "our") for word in after):
            patient = self.role
        elif patient is None and actor is self.role and any(word in ("you", "your") for word in after):
            patient = self.listener
        return Occurrence(
            number=self.number,
            actor=actor,
            patient=patient,
            speaker=self.role,
            denied=any(word in wording.negations or word.endswith("n't") for word in plain[-5:]),
            asked=not self.granted and (self._asks_before(index) or (told and self._is_base(index, wording))),
            wished=bool(_WISH.search(" ".join(before))),
            noun=noun,
            to_come=not self.granted
            and bool(_TO_COME.search(" ".join(before)))
            and not _AT_ONCE.search(" ".join(self.words)),
            third=actor is None
            and patient is None
            and not (noun or state)
            and distance is not None
            and distance <= _NEAR_SUBJECT
            and not before[-1 - distance].endswith(_IS),  # "that's set up"
        )

    @property
    def announces(self) -> bool:
        """Tells of something to come."""
        said = " ".join(self.words)
        return bool(_TO_COME.search(said) or _UNDER_WAY.search(said))

    def _is_base(self, index: int, wording: Wording) -> bool:
        """Whether the word may be told to somebody: "send it", and not "sent" or "works"."""
        word = self.words[index]
        return not (word.endswith(("s", "ed", "ing")) or word in wording.past)

    def _asks_before(self, index: int) -> bool:
        """Whether a word stands in a question, a request or a condition. Without punctuation these begin before it."""
        if self.text.rstrip().endswith("?"):
            return True
        first = " ".join(self.words[:index])
        cues = (_QUESTION_START.match, _QUESTION_WITHIN.search, _REQUEST.search, _CONDITION.search)
        return any(cue(first) for cue in cues)

    def _nearest_person(self, before: Sequence[str]) -> tuple[Role | None, int | None]:
        """Who is named nearest before a word as its subject, and how far back; (None, distance) for a thing."""
        for back, word in enumerate(reversed(before)):
            if word in ("me", "us", "mine", "yours"):
                continue
            if word in ("my", "our", "your"):
                if back:
                    return None, back
                continue
            if word in _SELF:
                return self.role, back
            if word in _OTHER:
                return self.listener, back
            if word in _OBJECTS and "and" in before[len(before) - back :]:
                continue
            if word in _THIRD:
                return None, back
            if word in _THINGS and 0 < back <= _NEAR_SUBJECT and not _JOINS & set(before[len(before) - back :]):
                return None, back
        return None, None


def utterances_of(chunks: Sequence[TranscriptChunk], wording: Wording) -> list[Utterance]:
    """In order of time."""
    result: list[Utterance] = []
    anything_else = -9
    for chunk in in_order(chunks):
        for sentence in sentences(chunk.text):
            spoken = tuple(words(sentence))
            if not spoken:
                continue
            folded = " ".join(spoken)
            closing = bool(len(result) - anything_else <= 3 and _CLOSING.search(folded))
            if re.search(r"\b(?:anything|something|any other)\b.{0,12}\b(?:else|help|questions?)\b", folded):
                anything_else = len(result)
            plain = _POLITE.sub(" ", folded).split()
            result.append(
                Utterance(
                    number=len(result),
                    chunk=chunk,
                    role=chunk.role,
                    text=sentence,
                    words=spoken,
                    stems=tuple(stems(spoken, wording.language)),
                    content=frozenset(content_stems(sentence, wording.language)),
                    question=sentence.rstrip().endswith("?")
                    or bool(_QUESTION_START.match(folded))
                    or bool(_QUESTION_WITHIN.search(folded)),
                    request=bool(_REQUEST.search(folded)),
                    condition=bool(_CONDITION.search(folded)),
                    denied=not closing and any(word in wording.negations or word.endswith("n't") for word in plain),
                    lacking=bool(wording.lacks & set(spoken)),
                    closing=closing,
                    granted=False,
                    refused=False,
                )
            )
    return [
        replace(
            utterance,
            granted=_granted(utterance, result[number + 1 : number + 2]),
            refused=_refused(utterance, result[number + 1 : number + 2]),
        )
        for number, utterance in enumerate(result)
    ]


def _refused(utterance: Utterance, after: Sequence[Utterance]) -> bool:
    asks = utterance.question and not utterance.denied
    return asks and any(
        reply.role is utterance.listener and reply.words[0] in _NO and not reply.closing for reply in after
    )


def _granted(utterance: Utterance, after: Sequence[Utterance]) -> bool:
    if utterance.role is Role.AGENT and _TAKES_DOWN.search(" ".join(utterance.words)):
        return any(reply.role is utterance.listener and not reply.denied and not reply.question for reply in after)
    if not utterance.question or _CAN.search(" ".join(utterance.words)):
        return False
    return any(reply.role is utterance.listener and reply.words[0] in _YES and not reply.denied for reply in after)
