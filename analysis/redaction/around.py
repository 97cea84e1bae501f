"""Words that are said around a dictated part without being anything else, and what else a turn does with them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from analysis.redaction.spans import word_set
from analysis.redaction.turns import Turn, Word

OWN_WORDS = word_set(
    """yes yeah yep yup no nope okay ok right sure so it it's its is that that's thats this and then the my mine a
    an um uh er erm hm hmm mhm mm huh oh ah well please thanks thank you sorry wait correct correction actually i
    i'm im i've ive you you've youve got have here hang on go ahead perfect great lovely good fine alright ready let
    me see let's lets got first next last end at starts with ends final part number digits again was or did say said
    be one moment second sec just think mean make still but all then plus area code expiry hyphen we've weve we'll
    cheers brilliant listening too fast start over star hash asterisk double double-check repeat once more sir madam
    ma'am maam nice slowly after by capital lower case upper letter letters figure numbers name comes try fantastic
    wonderful awesome excellent super cool bear
    oui d'accord c'est le la les alors et puis ensuite voilà euh non mon ma attendez merci bien
    ja genau ist die der das also und dann weiter meine mein nein danke äh ähm es lautet am
    sí vale es el siga y mi luego gracias claro perdón bueno"""
)
_REPAIRS = word_set(
    """no not sorry wait actually again mean meant correction wrong mistake instead rather wrongly ends end
    misread double-check pardon non pardon nein doch quatsch perdón
    cancelled canceled swapped changed replaced replacement expired old lost stolen transposed backwards"""
)
_REFUSED = word_set("invalid incorrect declined rejected unrecognised unrecognized mismatch")
_DENIALS = word_set(
    """isn't doesn't didn't won't wouldn't can't couldn't don't isnt doesnt didnt wont wouldnt cant couldnt dont
    cannot"""
)
_DENIED = 3
"""Words after a denial that may be what is denied."""
_FITS = word_set(
    """match matches matching work working worked recognise recognised recognising recognize recognized accept accepted
    accepting valid through correct right find finding pulling taking"""
)
_ENDING = word_set("ending ends end finishing finishes termine terminant endet termina")
_IN = word_set("in with on is par en mit auf")
_ASKING = word_set(
    """what what's whats when when's whens where where's which who who's whos how how's why whereabouts
    quand quel quelle combien où pourquoi wann welche welcher wie wo warum cuándo cuál cuánto dónde"""
)
_AUXILIARIES = word_set(
    """can could would will shall do does did are is was have has should
    pouvez voulez avez können haben möchten puede tiene"""
)
_SUBJECTS = word_set("you it that there we i they this he she vous sie usted")


def ends_in(before: Sequence[Word]) -> bool:
    """The words just before a number are `ending in`, `ends with`."""
    words = [word.text for word in before]
    return words[-1] in _ENDING or (words[-1] in _IN and words[0] in _ENDING)


def is_repair(word: Word) -> bool:
    """It takes something back by itself."""
    return word.text in _REPAIRS


def repairs(turn: Turn) -> bool:
    """It takes something back: `no, sorry, the end is 4487`."""
    return any(map(is_repair, turn.words))


def refuses(turn: Turn) -> bool:
    """It says that what was given is of no use: `I'm sorry, that's not matching.`"""
    said = [word.text for word in turn.words]
    if not _REFUSED.isdisjoint(said):
        return True
    denied = [index for index, word in enumerate(said) if word == "not" or word in _DENIALS]
    return any(not _FITS.isdisjoint(said[index + 1 : index + 1 + _DENIED]) for index in denied)


def asks_something(text: str, turn: Turn) -> bool:
    """It is a question of its own, and not just `yes?`."""
    if not any(word.text not in OWN_WORDS for word in turn.words):
        return False
    if "?" in text[turn.start : turn.end] or any(word.text in _ASKING for word in turn.words):
        return True
    return any(word.text in _AUXILIARIES and following.text in _SUBJECTS for word, following in pairwise(turn.words))


def other_words(turn: Turn, inside: Sequence[tuple[int, int]]) -> int:
    """How many words of the turn are neither in one of these stretches (first and last word) nor said around them."""
    taken = {index for first, last in inside for index in range(first, last + 1)}
    return sum(index not in taken and word.text not in OWN_WORDS for index, word in enumerate(turn.words))
