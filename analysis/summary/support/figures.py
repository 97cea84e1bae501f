"""Numbers of a statement, each with what it counts, against the places where the call says them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from analysis.summary.support.heard import Utterance
from analysis.summary.support.wording import Wording, word_set
from analysis.text import stems

_NO_NUMBER = re.compile(
    r"\b(?:third|second|first)[- ](?:part(?:y|ies)|hand|class|time caller|name|thoughts?)\b|\bone another\b",
    re.IGNORECASE,
)
"""Words of number that count nothing."""
_BETWEEN = word_set("more working further additional new full extra other free of the their his her our a an")
_MONEY = word_set("dollar euro pound cent percent buck")
_CLOCK = word_set("a.m p.m am pm o'clock oclock clock")


def without_idioms(text: str) -> str:
    """`a third party` is no 3."""
    return _NO_NUMBER.sub(" ", text)


def counted(text: str, wording: Wording) -> list[tuple[str, str | None]]:
    """Each number as digits, and the stem of what it counts; None where nothing follows."""
    found: list[tuple[str, str | None]] = []
    said = (
        in_digits(without_idioms(text), wording.language).replace("$", " dollar-before ").replace("€", " euro-before ")
    )
    spoken = [word.strip(".,!?;:()").casefold() for word in said.replace("%", " percent ").split()]
    for index, word in enumerate(spoken):
        match = re.fullmatch(r"(\d+)(?:st|nd|rd|th)?", word.replace(",", ""))
        if match is None or match.group(1) == "1":
            continue
        unit = next((following for following in spoken[index + 1 : index + 3] if following not in _BETWEEN), None)
        if index and spoken[index - 1].endswith("-before"):
            unit = spoken[index - 1].removesuffix("-before")
        if unit is not None and (not unit.isalpha() or unit in _CLOCK or unit in _STOPS):
            unit = None
        found.append((match.group(1), stems([unit], wording.language)[0] if unit else None))
    return found


_STOPS = word_set(
    "to and or from in on at for by with is was are were will has had that as but it so if because when than "
    "between said which who in into after before since not now my your i you we he she they this last next "
    "within be"
)


def in_digits(text: str, language: str) -> str:
    from text_to_num import alpha2digit  # type: ignore[import-untyped,unused-ignore]

    return str(alpha2digit(text.casefold(), language, 0.0))


def miscounted(text: str, utterances: Sequence[Utterance], wording: Wording) -> float:
    """1 where a number was said, but only of other things: `5 days` where the call has `5 users`."""
    claims = [(number, unit) for number, unit in counted(text, wording) if unit is not None]
    said: dict[str, set[str | None]] = {}
    for utterance in utterances:
        for number, unit in counted(utterance.text, wording):
            said.setdefault(number, set()).add(unit)
    return float(any(_is_of_others(unit, said.get(number, {unit}), wording) for number, unit in claims))


def _is_of_others(unit: str, units: Collection[str | None], wording: Wording) -> bool:
    """Whether a number that was said of `units` was said of nothing like this unit."""
    groups = wording.same.get(unit, frozenset())
    named = [said for said in units if said is not None]
    if unit in units or any(groups & wording.same.get(said, frozenset()) for said in named):
        return False
    if not named:  # `eight and twelve`: nothing follows, so nothing speaks against it
        return unit in _MONEY | {"time"}
    return len(named) == len(units) or unit in _MONEY | {"time"}


def unsaid_in(text: str, around: Sequence[Utterance], wording: Wording) -> float:
    """1 where a number of the statement is not said in these utterances."""
    told = {number for number, _ in counted(text, wording)}
    return float(not told <= {number for heard in around for number, _ in counted(heard.text, wording)})
