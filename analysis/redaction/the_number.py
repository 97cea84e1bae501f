"""`What's the number?`: of which thing, by what was talked of last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.redaction.questions import NOT_OF_A_PERSON, Asked, Phrase
from analysis.redaction.spans import word_set
from analysis.redaction.turns import Turn, Word

_THINGS = {
    Asked.REFERENCE: word_set(
        """order orders ordered parcel parcels package packages delivery deliveries ticket tickets booking bookings
        booked reservation reservations invoice invoices claim claims case complaint reference repair repairs job quote
        tracking return returns shipment receipt"""
    ),
    Asked.OTHER_NUMBER: word_set(
        """appointment flight flights model serial voucher item items product train seat room table platform gate"""
    ),
    Asked.ACCOUNT: word_set("account accounts policy policies membership"),
    Asked.CARD: word_set("card cards"),
    Asked.IDENTITY: word_set("passport licence license"),
    Asked.PHONE: word_set("phone telephone mobile cell landline call ring text reach contact callback"),
}
_KIND_OF = {word: asked for asked, words in _THINGS.items() for word in words}
_TURNS_BACK = 6
_NAMED_BACK = 2
_WORDS_AFTER = 6
_WORDS_BEFORE = 4


def resolved(turns: Sequence[Turn], phrases: Sequence[Sequence[Phrase]]) -> list[list[Phrase]]:
    """The phrases of each turn with `NUMBER` replaced by the kind of the thing that was named last.

    A thing named just after it counts first (`the number on your order`), then a number named in the last turns (`no
    purchase order number, so accounts won't pay`). Where nothing was named it may be a telephone's.
    """
    found: list[list[Phrase]] = []
    latest, since = Asked.NUMBER, 0
    named, named_since = Asked.NUMBER, 0
    for number, (turn, of_turn) in enumerate(zip(turns, phrases, strict=True)):
        if number - since > _TURNS_BACK:
            latest = Asked.NUMBER
        if number - named_since > _NAMED_BACK:
            named = Asked.NUMBER
        begin = 0
        kept: list[Phrase] = []
        for phrase in of_turn:
            if phrase.asked is not Asked.NUMBER:
                kept.append(phrase)
                if phrase.asked in _THINGS and not phrase.mention:
                    named, named_since = phrase.asked, number
                continue
            behind = turn.word_from(phrase.end)
            for word in turn.words[begin:behind]:
                latest = _kind_of(word) or latest
            begin = behind
            after = [
                _KIND_OF[word.text] for word in turn.words[behind : behind + _WORDS_AFTER] if word.text in _KIND_OF
            ]
            before = latest if named is Asked.NUMBER else named
            kept.append(_of_kind(phrase, after[0] if after else before))
        for word in turn.words[begin:]:
            if kind := _kind_of(word):
                latest, since = kind, number
        found.append(kept)
    return found


def thing_before(turn: Turn, first: int) -> Asked | None:
    """The kind of the thing named last in the few words before word `first`: `the order's 77 41 20`."""
    kinds = [kind for word in turn.words[max(0, first - _WORDS_BEFORE) : first] if (kind := _kind_of(word))]
    return kinds[-1] if kinds else None


def _kind_of(word: Word) -> Asked | None:
    return _KIND_OF.get(word.text.removesuffix("'s"))


def _of_kind(phrase: Phrase, kind: Asked) -> Phrase:
    if kind is Asked.NUMBER:
        return replace(phrase, asked=Asked.PHONE, mention=True)
    return replace(phrase, asked=kind, mention=kind not in NOT_OF_A_PERSON)
