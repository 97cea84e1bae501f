"""Answers in words: names, addresses, passwords and e-mail addresses that were asked for, over turns.

`And your surname?` - `Quigley, Q for Quebec, U, I.` Nothing in the words themselves says what they are, so the question
does; and a reply that is no answer (`hang on`, `why do you need that?`) leaves it open.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from analysis.redaction.exchanges import OWN_WORDS
from analysis.redaction.names import everyday_words, is_known_name, mentions, name_at
from analysis.redaction.postal import STATE_NAMES, STREET_WORDS, country_names
from analysis.redaction.questions import Asked, Phrase
from analysis.redaction.runs import Run
from analysis.redaction.spans import PersonalSpan, word_set
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn
from analysis.text import stop_words

_RANK = 5
_FREE = {
    Asked.NAME: ("NAME", "name"),
    Asked.PASSWORD: ("CODE", "code"),
    Asked.STREET: ("ADDRESS", "postal_address"),
    Asked.SPELLING: ("NAME", "name"),
}
_TURNS_LEFT = {Asked.NAME: 4, Asked.PASSWORD: 4, Asked.STREET: 6, Asked.SPELLING: 3}
_NO_ANSWER = word_set(
    """i can can't cannot don't didn't do does why what how when where who which because if could would should need want
    forgot forget remember know not sure think there they he she we not never nothing none reset change changed asked
    tell give help problem wrong trying
    je ne pas pourquoi comment quand ich nicht kein keine warum wie wann no sé por qué cómo"""
)
_AFTER_ANSWER = word_set(
    """and but so because since if when please thanks thank can could would will i i'm i've we it's that's for is are
    was have has et je mais parce que und ich aber weil y pero porque"""
)
_STARTS = word_set(
    """my the a is it's it its that's this name's named called under there's mr mrs our at on in to by mine he's she's
    her his your and yes so lives live"""
)
_IS = word_set("is was it's that's its called st es est ist")
_BEFORE_PLACE = word_set(
    "is was are it's that's its it so called on there here under to at in: st the be would will should"
)
_SAYS_SO = word_set("is was it's that's called at on in")
_ANNOUNCING = (
    "is", "'s", "was", "est", "ist", "es", " at", " on", " in", " to", "heiße", "m'appelle", "llamo", "wohne", "habite",
    "vivo en", "name",
)  # fmt: skip
_CONNECTS = word_set("of the on in upon under by le la de des du rue der am an st saint and")
_AFTER_NAME = word_set("and but here that's spelled with from speaking")
_SENTENCE_END = re.compile(r"[.?!]\s")
_MOST_PASSWORD = 4
_MOST_STREET = 14


@dataclass(slots=True)
class _Question:
    asked: Asked
    turns_left: int
    answered: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """A stretch of a turn in which an answer may stand: from word `place` to before `stop`."""

    text: str
    turn: Turn
    runs: Sequence[Run]
    """The dictated stretches of the turn."""
    place: int
    stop: int
    announced: bool
    """`My address is …`: it follows its announcement; otherwise it is the reply to a question."""


def find_free_answers(talk: Talk, language: str, kinds: Collection[str]) -> Iterator[PersonalSpan]:
    """Names, addresses and passwords that were asked for or announced, in one pass."""
    question: _Question | None = None
    names: set[str] = set()
    for turn, phrases, runs in zip(talk.turns, talk.phrases(language), talk.runs(language), strict=True):
        if question is not None:
            first = phrases[0].start if phrases and phrases[0].asked not in (Asked.MORE, Asked.SPELLING) else turn.end
            found = _answer(question.asked, _reply(talk.text, turn, runs, first))
            if question.answered and question.asked is Asked.PASSWORD:
                found = [part for part in found if _ends_turn(turn, part[1])]
            yield from _spans(turn, found, question, kinds, names)
            question.turns_left -= 1
            if question.turns_left <= 0:
                question = None
        opened: _Question | None = None
        for phrase, following in zip(phrases, [*phrases, None][1:], strict=True):
            # `Your name and the last four numbers of the card?` asks for both.
            question = _asked_now(question, phrase) or opened
            if phrase.asked in _FREE:
                opened = question
            if question is not None and phrase.asked in _FREE:
                end = turn.end if following is None else following.start
                found = _answer(phrase.asked, _statement(talk.text, turn, runs, phrase, end))
                yield from _spans(turn, found, question, kinds, names)
    if "name" in kinds:
        yield from mentions(talk.lines, names)


def _asked_now(question: _Question | None, phrase: Phrase) -> _Question | None:
    if phrase.mention:
        return question
    if phrase.asked in _FREE and not (phrase.asked is Asked.SPELLING and question is not None):
        return _Question(phrase.asked, _TURNS_LEFT[phrase.asked])
    if phrase.asked in (Asked.MORE, Asked.SPELLING, Asked.POSTCODE):
        if question is not None:
            question.turns_left = _TURNS_LEFT[question.asked]
        return question
    return None


def _spans(
    turn: Turn, found: Sequence[tuple[int, int]], question: _Question, kinds: Collection[str], names: set[str]
) -> Iterator[PersonalSpan]:
    """`names` gets the words of names, for their further mentions."""
    name, setting = _FREE[question.asked]
    question.answered = question.answered or bool(found)
    if name == "NAME" and any(last > first for first, last in found):
        question.turns_left = min(question.turns_left, 1)  # first and last name: only spelling may follow
    if setting not in kinds:
        return
    for first, last in found:
        yield PersonalSpan(turn.words[first].start, turn.words[last].end, name, _RANK)
        if setting == "name":
            names.update(word.text for word in turn.words[first : last + 1] if not word.is_number)


def _ends_turn(turn: Turn, last: int) -> bool:
    """A second part of a password, or the password again, has nothing after it but what is said around it."""
    return all(word.text in OWN_WORDS for word in turn.words[last + 1 :])


def _statement(text: str, turn: Turn, runs: Sequence[Run], phrase: Phrase, end: int) -> _Said | None:
    """What follows a phrase in its turn: `the security word is tangerine`."""
    place, stop = turn.word_from(phrase.end), turn.word_from(end)
    copula = _BEFORE_PLACE if phrase.asked is Asked.STREET else _IS
    announced = text[phrase.start : phrase.end].casefold().endswith(_ANNOUNCING)
    while place < stop and turn.words[place].text in copula:
        announced = announced or turn.words[place].text in _SAYS_SO
        place += 1
    return _Said(text, turn, runs, place, stop, announced=True) if announced and place < stop else None


def _reply(text: str, turn: Turn, runs: Sequence[Run], end: int) -> _Said | None:
    """What answers a question asked before this turn."""
    stop, place = turn.word_from(end), 0
    spelled = {at for run in runs if run.letters >= 2 for at in range(run.first, run.last + 1)}
    while place < stop and place not in spelled and turn.words[place].text in OWN_WORDS | _STARTS:
        place += 1
    return _Said(text, turn, runs, place, stop, announced=False) if place < stop else None


def _answer(asked: Asked, said: _Said | None) -> list[tuple[int, int]]:
    """First and last word of each part of the answer."""
    if said is None:
        return []
    begun = bisect_left(said.runs, said.place, key=lambda run: run.first)
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
        named = _street(said)
        if not named and spelled and 0 < spelled[0][0] - said.place <= 3:
            named = [(said.place, spelled[0][0] - 1)]  # main, that's m a i n
        return [*named, *spelled]
    name = name_at(said.text, said.turn, said.place, sure=True)
    if name is None or not (said.announced or _ends_reply(said.turn, name)):
        return spelled
    return [name, *spelled]


def _ends_reply(turn: Turn, name: tuple[int, int]) -> bool:
    """Whether a reply is the name and little else. Text without capitals shows no name by itself: `lost my card`."""
    if turn.has_capitals or any(is_known_name(word) for word in turn.words[name[0] : name[1] + 1]):
        return True
    return name[1] + 1 == len(turn.words) or turn.words[name[1] + 1].text in _AFTER_NAME


def _password(said: _Said) -> list[tuple[int, int]]:
    words, last = said.turn.words, said.place - 1
    for at in range(said.place, min(said.stop, said.place + _MOST_PASSWORD)):
        if words[at].text in _NO_ANSWER or words[at].text in _AFTER_ANSWER:
            break
        last = at
    spelled = next((run for run in said.runs if run.first <= last <= run.last), None)
    if spelled is not None and last >= said.place:
        last = min(spelled.last, said.stop - 1)  # letter by letter, however long
    refused = last == said.place and last + 1 < said.stop and words[last + 1].text in _NO_ANSWER
    return [(said.place, last)] if last >= said.place and not refused else []


def _street(said: _Said) -> list[tuple[int, int]]:
    words, last = said.turn.words, said.place - 1
    for at in range(said.place, min(said.stop, said.place + _MOST_STREET)):
        word = words[at].text
        if word in _NO_ANSWER or (word in _AFTER_ANSWER and word not in _CONNECTS) or word == "and":
            break
        if at > said.place and _SENTENCE_END.search(said.text, words[at - 1].end, words[at].start):
            break
        last = at
    begun = bisect_left(said.runs, said.place, key=lambda run: run.last)
    dictated = [run.last for run in takewhile(lambda run: run.first <= last, islice(said.runs, begun, None))]
    while last >= said.place and last not in dictated and words[last].text in _CONNECTS | OWN_WORDS:
        last -= 1
    if last < said.place:
        return []
    if _looks_like_place(said, last) or (not said.announced and _is_place_alone(said, last)):
        return [(said.place, last)]
    return []


def _looks_like_place(said: _Said, last: int) -> bool:
    """A number, a kind of street, a state, or a word that only a name is written like."""
    turn, words = said.turn, said.turn.words[said.place : last + 1]
    kinds = any(word.text in STREET_WORDS for word in words)
    if words[0].is_number and turn.has_capitals and len(words) > 1 and not words[1].capital and not kinds:
        return False  # ten songs
    if kinds or any(word.is_number or word.text in STATE_NAMES for word in words):
        return True
    for at, word in enumerate(words):
        beside = at > 0 or (len(words) > 1 and words[1].capital)
        named = turn.has_capitals and word.capital and beside and not word.written.isupper()
        if named and word.text not in everyday_words() and word.text not in country_names():
            return True
    begun = bisect_left(said.runs, said.place, key=lambda run: run.last)
    return begun < len(said.runs) and said.runs[begun].first <= last and bool(said.runs[begun].digits)


def _is_place_alone(said: _Said, last: int) -> bool:
    """A short reply of names: `Kidderminster.`, `forest ranch`."""
    if last - said.place >= 4 or said.stop - last > 3:
        return False
    content = [word for word in said.turn.words[said.place : last + 1] if word.text not in _CONNECTS]
    if said.turn.has_capitals:
        return all(word.capital for word in content) and not all(word.text in everyday_words() for word in content)
    return not any(word.text in stop_words("en") for word in content)
