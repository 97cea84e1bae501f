"""Names by what is said of them over turns: spelled beside the word, or put right by the other side.

`mott, m o double t`; `Is that Mrs Okonkwo?` - `No, Okonjo.`
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import groupby

from analysis.redaction.around import OWN_WORDS, repairs
from analysis.redaction.name_lists import everyday_words
from analysis.redaction.names import mentions, name_at
from analysis.redaction.runs import Run
from analysis.redaction.spans import PersonalSpan, word_set
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn

_RANK = 8
_LEAST_SPELLED = 3
_AROUND = 3
"""Words between a name and its letters."""
_MOST_CONTENT = 3
_BESIDE_NAME = word_set("mr mrs ms miss dr with ending spelled spelt like as in not")


def find_name_turns(talk: Talk, found: Sequence[PersonalSpan]) -> Iterator[PersonalSpan]:
    """`found`: without overlaps, in order."""
    starts = [span.start for span in found]
    parts: set[str] = set()
    named = False
    for turn, runs in zip(talk.turns, talk.runs(talk.main_language), strict=True):
        places = [*_spelled(turn, runs), *(_answered(talk.text, turn) if named else ())]
        for first, last in places:
            parts |= {word.text for word in turn.words[first : last + 1] if len(word.text) > 1}
            yield PersonalSpan(turn.words[first].start, turn.words[last].end, "NAME", _RANK)
        inside = found[bisect_left(starts, turn.start) : bisect_left(starts, turn.end)]
        named = bool(places) or _is_mostly_name(turn, inside)
    yield from mentions(talk.lines, parts)


def _is_mostly_name(turn: Turn, inside: Sequence[PersonalSpan]) -> bool:
    """Hardly anything else is said in the turn; only then the next one may be about the name."""
    covered = sum(turn.word_from(span.end) - turn.word_from(span.start) for span in inside if span.name == "NAME")
    others = sum(word.text not in OWN_WORDS for word in turn.words)
    return covered > 0 and others - covered <= _MOST_CONTENT


def _spelled(turn: Turn, runs: Sequence[Run]) -> Iterator[tuple[int, int]]:
    """A word and the letters that spell it or its beginning, whichever comes first."""
    for run in runs:
        letters = _squeezed(run.said.casefold().replace("0", "o"))
        if not letters.isalpha() or len(run.said) < _LEAST_SPELLED or run.first == run.last:
            continue
        around = [*range(max(0, run.first - _AROUND), run.first), *range(run.last + 1, run.last + 1 + _AROUND)]
        for index in around:
            word = turn.words[index].text if index < len(turn.words) else ""
            if len(word) > 1 and _squeezed(word).startswith(letters):
                yield index, index
                yield run.first, run.last


def _squeezed(word: str) -> str:
    """Without doubled letters: `double t` is heard as one."""
    return "".join(letter for letter, _ in groupby(word))


def _answered(text: str, turn: Turn) -> Iterator[tuple[int, int]]:
    """The name in a short turn that takes one back, or repeats it as it was heard: `Odile?`."""
    content = [index for index, word in enumerate(turn.words) if word.text not in OWN_WORDS | _BESIDE_NAME]
    if not content or len(content) > _MOST_CONTENT or turn.words[content[0]].text in everyday_words():
        return
    name = name_at(text, turn, content[0], sure=True)
    if name is not None and name[1] >= content[-1] and (repairs(turn) or len(content) == 1):
        yield name
