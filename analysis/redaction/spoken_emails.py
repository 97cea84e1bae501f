"""E-mail addresses said over turns, spelled, or with half a domain: `mary dot jones` - `okay` - `at gmail dot com`.

An address ends with its domain. From there the name before it is looked for backwards, in the same turn and, where an
address was asked for or the turn begins with `at`, in the turns before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analysis.redaction.around import OWN_WORDS
from analysis.redaction.questions import Asked
from analysis.redaction.runs import Run
from analysis.redaction.spans import PersonalSpan, word_set
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn, Word

_RANK = 1
_PROVIDERS = (
    r"(?:g ?mail|google ?mail|yahoo|y ?mail|hot ?mail|outlook|i ?cloud|aol|gmx|proton ?mail|proton"
    r"|btinternet|bt internet|virgin ?media|live|msn|comcast|orange|wanadoo|free|t-online|web)"
)
_DOT = r"(?:dot|point|punkt|punto|period)"
_TOP = (
    r"(?:com|org|net|edu|gov|info|biz|io|eu|de|fr|es|it|nl|be|ch|at|ca|us|me|tv|uk|ie|pl|pt|au|nz|in|co|app|dev|shop"
    r"|online|legal|law|tech|store|site|club|email|london|ac|fm|cc|xyz|fi|se|no|dk|cz|hu|ro|gr|jp|kr|cn|sg|hk|za|ng|ke|gh"
    r"|pk|bd|lk|ae|sa|il|tr|mx|br|ar|cl|scot|wales|care|health|school|agency|studio|design|group|team|works|pro|name|coop"
    r"|int|mobi|travel|community|charity|foundation|ltd|plc|blog|digital|media|solutions|services|world|life|live)"
)
_DOMAIN_END = re.compile(
    rf"(?<![\w])(?:{_DOT} {_TOP}(?: ?{_DOT} ?(?:uk|au|nz|za|jp|br|mx|in|us|de|com))?"
    rf"|{_PROVIDERS} (?:com|co uk|de|fr))(?![\w])"
    rf"|(?<=\w)\.{_TOP}(?:\.[a-z]{{2}})?(?!\w|\.\w)",
    re.IGNORECASE,
)
_AT = word_set("at arobase arobas klammeraffe ät arroba")
_JOINTS = word_set(
    """dot point punkt punto underscore dash hyphen minus tiret bindestrich unterstrich guion plus double triple period
    full stop all one word lower case capital small"""
)
_VERBS = word_set(
    """look looked looking shop bought buy order ordered go went check work works working meet met find found see saw
    visit visited read sell sold he she they we you it there here online site website available us me him them"""
)
_EXPLAINS = word_set("that's spelled spelt so")
_MOST_DOMAIN_WORDS = 8
_MOST_PLAIN = 3
_MOST_PIECE = 10
_ASKED_TURNS = 7
_NO_PIECE = word_set(
    "don't do what why how can can't because forgot remember know not sure think need where when which"
)
_AFTER_AT = re.compile(r"\b(?:after|behind|following) (?:the |that )?at\b", re.IGNORECASE)
_REST = re.compile(r"\bat\b|domain|provider", re.IGNORECASE)
_PROVIDER = re.compile(_PROVIDERS, re.IGNORECASE)


def find_spoken_addresses(talk: Talk) -> Iterator[PersonalSpan]:
    asked_left = 0
    pieces: list[tuple[Turn, int, int]] = []
    text = talk.text
    for number, turn in enumerate(talk.turns):
        runs = [run for language in talk.languages for run in talk.runs(language)[number]]
        asked_at = sorted(
            phrase.end
            for language in talk.languages
            for phrase in talk.phrases(language)[number]
            if phrase.asked is Asked.EMAIL
        )
        ends = list(_DOMAIN_END.finditer(text, turn.start, turn.end))
        done = turn.start
        for match in ends:
            asked = asked_left > 0 or any(position <= match.start() for position in asked_at)
            after = max([position for position in asked_at if position <= match.start()], default=done)
            first = _first(text, turn, runs, match, max(after, done), asked=asked)
            done = match.end()
            if first is None:
                continue
            yield PersonalSpan(turn.words[first].start, match.end(), "EMAIL", _RANK)
            if first and turn.words[first - 1].text in _EXPLAINS:  # jo dot okafor, that's o k a f o r
                explained = _local(text, turn, runs, first - 1, turn.word_from(max(after, turn.start)))
                if explained is not None:
                    yield PersonalSpan(turn.words[explained].start, turn.words[first - 2].end, "EMAIL", _RANK)
            begins = first == 0 or all(word.text in OWN_WORDS for word in turn.words[:first])
            if begins and (asked or turn.words[first].text in _AT):
                for other, start, last in pieces if asked else pieces[-1:]:
                    yield PersonalSpan(other.words[start].start, other.words[last].end, "EMAIL", _RANK)
            pieces, asked_left = [], 2
        if asked_at and not ends:
            rest = asked_left > 0 and _REST.search(text, turn.start, asked_at[-1]) is not None
            asked_left, pieces = _ASKED_TURNS, pieces if rest else []
        elif not ends:
            asked_left -= 1
            pieces = pieces[-_ASKED_TURNS:]
        if not ends:
            named = _before_at(text, turn, asked_at[-1]) if asked_at else None
            piece = named or _piece(turn, turn.word_from(asked_at[-1]) if asked_at else 0)
            if piece is not None:
                pieces.append((turn, *piece))


def _before_at(text: str, turn: Turn, end: int) -> tuple[int, int] | None:
    """The name that stands before a question for the rest: `So mkaur, and what comes after the at sign?`"""
    words = turn.words
    if _AFTER_AT.search(text, turn.start, end) is None:
        return None
    first = next((word_index for word_index, word in enumerate(words) if word.text not in OWN_WORDS), len(words))
    last = first
    while last + 1 < len(words) and not text[words[last].end : words[last + 1].start].strip(" .-_"):
        last += 1
    return (first, last) if last < turn.word_from(end) - 1 and last - first < _MOST_PIECE else None


def _piece(turn: Turn, word_index: int) -> tuple[int, int] | None:
    """What of a turn may be part of an address: its words without what is said around them."""
    words = turn.words
    last = len(words) - 1
    while word_index <= last and words[word_index].text in OWN_WORDS and len(words[word_index].text) > 1:
        word_index += 1
    while (
        last > word_index
        and words[last].text in OWN_WORDS
        and len(words[last].text) > 1
        and words[last].text not in _JOINTS
    ):
        last -= 1
    if (
        word_index > last
        or last - word_index >= _MOST_PIECE * 4
        or any(word.text in _NO_PIECE for word in words[word_index : last + 1])
    ):
        return None
    return word_index, last


def _first(text: str, turn: Turn, runs: Sequence[Run], domain: re.Match[str], begin: int, *, asked: bool) -> int | None:
    """Place of the first word of the address whose domain ends here; None where it is a web site's."""
    words = turn.words
    end, start = turn.word_from(domain.start()), turn.word_from(begin)
    sign = next(
        (
            word_index
            for word_index in range(end, max(start, end - _MOST_DOMAIN_WORDS) - 1, -1)
            if word_index < len(words) and words[word_index].text in _AT
        ),
        None,
    )
    if sign is None or sign >= end + 1:
        if not asked:
            return None
        piece = _piece(turn, start)
        return None if piece is None or end - piece[0] > _MOST_PIECE else piece[0]
    if all(word.text in OWN_WORDS for word in words[start:sign]):
        return sign if asked or start == 0 else None
    first = _local(text, turn, runs, sign, start)
    if first is None:
        return None
    local = words[first:sign]
    known = _PROVIDER.search(text, words[sign].end, domain.end()) is not None
    spelled = any(word.text in _JOINTS or len(word.text) == 1 or word.is_number for word in local)
    whole = all(word.text in OWN_WORDS for word in words[:first]) and not any(word.text in _VERBS for word in local)
    return first if asked or known or spelled or whole else None


def _local(text: str, turn: Turn, runs: Sequence[Run], sign: int, start: int) -> int | None:
    """The name before `at`: letters, numbers, joining words, and a few other words."""
    words = turn.words
    spelled = {word_index: run.first for run in runs for word_index in range(run.first, run.last + 1)}
    first, plain, word_index = sign, 0, sign - 1
    while word_index >= start:
        word = words[word_index]
        between = text[word.end : words[word_index + 1].start].strip()
        if word_index in spelled:
            word_index = first = max(spelled[word_index], start)
        elif word.text in _JOINTS and between in ("", ",", "."):
            first = word_index
        elif (
            (between in ("", ".", "-", "_") or (word_index == sign - 1 and words[sign].text in _EXPLAINS))
            and plain < _MOST_PLAIN
            and not _ends_local(word)
        ):
            first, plain = word_index, plain + 1
        else:
            break
        word_index -= 1
    return first if first < sign else None


def _ends_local(word: Word) -> bool:
    return (
        word.text in OWN_WORDS
        or word.text in _VERBS
        or word.text in ("email", "mail", "e", "address", "to", "with", "on")
    )
