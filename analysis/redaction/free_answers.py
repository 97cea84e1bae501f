"""Answers in words: names, addresses, passwords and e-mail addresses that were asked for, over turns.

`And your surname?` - `Quigley, Q for Quebec, U, I.` Nothing in the words themselves says what they are, so the question
does; and a reply that is no answer (`hang on`, `why do you need that?`) leaves it open.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile

from analysis.redaction.around import OWN_WORDS, asks_something, repairs
from analysis.redaction.name_lists import is_known_name
from analysis.redaction.names import mentions, name_at
from analysis.redaction.places import AFTER_ANSWER, NO_ANSWER, place_in
from analysis.redaction.questions import Asked, Phrase
from analysis.redaction.runs import Run
from analysis.redaction.spans import PersonalSpan, word_set
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn, Word

_RANK = 5
_FREE = {
    Asked.NAME: ("NAME", "name"),
    Asked.PASSWORD: ("CODE", "code"),
    Asked.STREET: ("ADDRESS", "postal_address"),
    Asked.SPELLING: ("NAME", "name"),
}
_TURNS_LEFT = {Asked.NAME: 4, Asked.PASSWORD: 4, Asked.STREET: 6, Asked.SPELLING: 3}
_STARTS = word_set(
    """my the a is it's it its that's this name's named called under there's mr mrs our at on in to by mine he's she's
    her his your and yes so lives live should be would book booked put try as maybe probably down that'd thatd
    son daughter husband wife partner mother father mum mom dad brother sister neighbour neighbor friend colleague"""
)
_IS = word_set("is was it's that's its called st es est ist")
_BEFORE_PLACE = word_set(
    "is was are it's that's its it so called on there here under to at in: st the be would will should"
)
_BEFORE_TOWN = word_set("in near outside à in en")
_SAYS_SO = word_set("is was it's that's called at on in")
_ANNOUNCING = (
    "is", "'s", "was", "est", "ist", "es", " at", " on", " in", " to", "heiße", "m'appelle", "llamo", "wohne", "habite",
    "vivo en", "name",
)  # fmt: skip
_AFTER_NAME = word_set("and but here that's thats spelt spelled with from speaking")
_MOST_PASSWORD = 4


@dataclass(slots=True)
class _Question:
    asked: Asked
    turns_left: int
    asker: str | None = None
    """Its role."""
    giver: str | None = None
    """The role that answers, from its first part on."""
    answered: bool = False
    heard: bool = False
    """Another role than the asker's has spoken since."""
    given: set[str] = field(default_factory=set)
    """The words of the answer so far."""

    def may_answer(self, role: str | None, *, correcting: bool) -> bool:
        """The side that was asked does; the other one where it corrects what was announced."""
        self.heard = self.heard or role != self.asker
        if role is None or self.asker is None or role == self.giver or not self.heard:
            return True  # a guess of who speaks may give the answer to the one who asks
        return role != self.asker and (self.giver is None or correcting)

    def reads_back(self, words: Sequence[Word]) -> bool:
        """At least half of these words are of the answer."""
        return 2 * sum(word.text in self.given for word in words) >= len(words)


@dataclass(frozen=True, slots=True)
class _Said:
    """A stretch of a turn in which an answer may stand: from word `begin` to before `stop`."""

    text: str
    turn: Turn
    runs: Sequence[Run]
    """The dictated stretches of the turn."""
    begin: int
    stop: int
    announced: bool
    """`My address is …`: it follows its announcement; otherwise it is the reply to a question."""


def find_free_answers(talk: Talk, language: str, kinds: Collection[str]) -> Iterator[PersonalSpan]:
    """Names, addresses and passwords that were asked for or announced, in one pass."""
    question: _Question | None = None
    names: set[str] = set()
    for turn, phrases, runs in zip(talk.turns, talk.phrases(language), talk.runs(language), strict=True):
        if question is not None:
            first = _next_matter(question, turn, phrases)
            asking = asks_something(talk.text, turn)
            found = _answer(question.asked, _reply(talk.text, turn, runs, first), sure=question.answered)
            if not question.may_answer(turn.role, correcting=repairs(turn)):
                found = [part for part in found if question.reads_back(turn.words[part[0] : part[1] + 1])]
            if question.answered and question.asked is Asked.PASSWORD:
                found = [part for part in found if _ends_turn(turn, part[1])]
            yield from _spans(turn, found, question, kinds, names)
            if _FREE[question.asked][0] == "NAME":
                names.update(_spelled(runs, found))
            question.turns_left -= 1
            if question.turns_left <= 0 or (question.answered and asking and not found and turn.role != question.giver):
                question = None
        opened: _Question | None = None
        for phrase, following in zip(phrases, [*phrases, None][1:], strict=True):
            # `Your name and the last four numbers of the card?` asks for both.
            question = _asked_now(question, phrase, turn.role) or opened
            if phrase.asked in _FREE:
                opened = question
            if question is not None and phrase.asked in _FREE:
                end = turn.end if following is None else following.start
                found = _answer(phrase.asked, _statement(talk.text, turn, runs, phrase, end))
                asking = asks_something(talk.text, turn)  # which number on Elmwood Road is it?
                yield from _spans(turn, found, question, kinds, names, asking=asking)
    if "name" in kinds:
        yield from mentions(talk.lines, names)


def _next_matter(question: _Question, turn: Turn, phrases: Sequence[Phrase]) -> int:
    """Where in a turn something else begins; `house number forty-three` is part of an address that was asked for."""
    same: tuple[Asked, ...] = (Asked.MORE, Asked.SPELLING)
    if question.asked is Asked.STREET and turn.role != question.asker:
        same = (*same, Asked.STREET, Asked.POSTCODE)
    return phrases[0].start if phrases and phrases[0].asked not in same else turn.end


def _asked_now(question: _Question | None, phrase: Phrase, role: str | None) -> _Question | None:
    if phrase.mention:
        return question
    if phrase.asked in _FREE and not (phrase.asked is Asked.SPELLING and question is not None):
        return _Question(phrase.asked, _TURNS_LEFT[phrase.asked], role)
    if phrase.asked in (Asked.MORE, Asked.SPELLING, Asked.POSTCODE):
        if question is not None:
            question.turns_left = _TURNS_LEFT[question.asked]
        return question
    return None


def _spans(
    turn: Turn,
    found: Sequence[tuple[int, int]],
    question: _Question,
    kinds: Collection[str],
    names: set[str],
    *,
    asking: bool = False,
) -> Iterator[PersonalSpan]:
    """`names` gets the words of names, for their further mentions."""
    name, setting = _FREE[question.asked]
    if found:
        question.given.update(word.text for first, last in found for word in turn.words[first : last + 1])
        if turn.role is None or turn.role != question.asker or not asking:
            question.answered, question.giver = True, question.giver or turn.role
    if name == "NAME" and any(last > first for first, last in found):
        question.turns_left = min(question.turns_left, 1)  # first and last name: only spelling may follow
    if setting not in kinds:
        return
    for first, last in found:
        yield PersonalSpan(turn.words[first].start, turn.words[last].end, name, _RANK)
        if setting == "name":
            names.update(word.text for word in turn.words[first : last + 1] if not word.is_number)


def _spelled(runs: Sequence[Run], found: Sequence[tuple[int, int]]) -> Iterator[str]:
    """The words that these parts spell: `november yankee quebec` is said for a word before it."""
    parts = set(found)
    for run in runs:
        if (run.first, run.last) in parts and run.letters == len(run.said):
            yield run.said.casefold()


def _ends_turn(turn: Turn, last: int) -> bool:
    """A second part of a password, or the password again, has nothing after it but what is said around it."""
    return all(word.text in OWN_WORDS for word in turn.words[last + 1 :])


def _statement(text: str, turn: Turn, runs: Sequence[Run], phrase: Phrase, end: int) -> _Said | None:
    """What follows a phrase in its turn: `the security word is tangerine`."""
    begin, stop = turn.word_from(phrase.end), turn.word_from(end)
    copula = _BEFORE_PLACE if phrase.asked is Asked.STREET else _IS
    announced = text[phrase.start : phrase.end].casefold().endswith(_ANNOUNCING)
    while begin < stop and turn.words[begin].text in copula:
        announced = announced or turn.words[begin].text in _SAYS_SO
        begin += 1
    return _Said(text, turn, runs, begin, stop, announced=True) if announced and begin < stop else None


def _reply(text: str, turn: Turn, runs: Sequence[Run], end: int) -> _Said | None:
    """What answers a question asked before this turn."""
    stop, begin = turn.word_from(end), 0
    spelled = {index for run in runs if run.letters >= 2 for index in range(run.first, run.last + 1)}
    while begin < stop and begin not in spelled and turn.words[begin].text in OWN_WORDS | _STARTS:
        begin += 1
    return _Said(text, turn, runs, begin, stop, announced=False) if begin < stop else None


def _answer(asked: Asked, said: _Said | None, *, sure: bool = False) -> list[tuple[int, int]]:
    """First and last word of each part of the answer. `sure`: no word is an address just because it is said."""
    if said is None:
        return []
    begun = bisect_left(said.runs, said.begin, key=lambda run: run.first)
    spelled = [
        (run.first, run.last)
        for run in takewhile(lambda run: run.first < said.stop, islice(said.runs, begun, None))
        if run.last > run.first and run.letters >= 2 and run.letters > len(run.digits)
    ]
    if asked is Asked.SPELLING:
        return spelled
    if asked is Asked.PASSWORD:
        return _password(said)
    if asked is Asked.STREET:
        sure = said.announced or (sure and not _after_in(said))
        named = place_in(said.text, said.turn, said.runs, said.begin, said.stop, sure=sure)
        if not named and spelled and 0 < spelled[0][0] - said.begin <= 3:
            named = [(said.begin, spelled[0][0] - 1)]  # main, that's m a i n
        return [*named, *spelled]
    name = name_at(said.text, said.turn, said.begin, sure=True)
    if name is None or not (said.announced or _ends_reply(said.turn, name)):
        return spelled
    return [name, *spelled]


def _after_in(said: _Said) -> bool:
    """`That's in Bournemouth`."""
    return said.begin > 0 and said.turn.words[said.begin - 1].text in _BEFORE_TOWN


def _ends_reply(turn: Turn, name: tuple[int, int]) -> bool:
    """Whether a reply is the name and little else. Text without capitals shows no name by itself: `lost my card`."""
    if turn.has_capitals or any(is_known_name(word) for word in turn.words[name[0] : name[1] + 1]):
        return True
    return name[1] + 1 == len(turn.words) or turn.words[name[1] + 1].text in _AFTER_NAME


def _password(said: _Said) -> list[tuple[int, int]]:
    words, last = said.turn.words, said.begin - 1
    for index in range(said.begin, min(said.stop, said.begin + _MOST_PASSWORD)):
        if words[index].text in NO_ANSWER or words[index].text in AFTER_ANSWER:
            break
        last = index
    spelled = next((run for run in said.runs if run.first <= last <= run.last), None)
    if spelled is not None and last >= said.begin:
        last = min(spelled.last, said.stop - 1)  # letter by letter, however long
    refused = last == said.begin and last + 1 < said.stop and words[last + 1].text in NO_ANSWER
    return [(said.begin, last)] if last >= said.begin and not refused else []
