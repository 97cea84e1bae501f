"""Words of a summary that are most likely names of people, companies or places."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from analysis.text import sentences, stop_words

CAPITALISED = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ROLE_WORDS = frozenset(
    word
    for line in (
        "agent client customer caller company bank representative advisor operator employee team support service they",
        "she he it we i the a an no yes none nothing ok okay mr mrs ms dr agente cliente kunde kundin kundenberater",
        "nobody everybody somebody anybody everyone someone anyone everything something anything neither either both",
        "others another each all some many most few personne quelqu'un niemand jemand alle nadie alguien",
        "conseiller conseillère herr frau madame monsieur mme m señor señora",
    )
    for word in line.split()
)
# Behind a word that begins a sentence these make it most likely a person: "Patricia asked", "Jones's card".
_PERSON_VERBS = {
    "en": "called calls asked asks wants wanted said says is was has had will would requests reports agreed agrees "
    "promised needs needed confirmed confirms lost",
    "fr": "demande appelle souhaite est veut a",
    "de": "hat ist möchte bittet ruft wird",
    "es": "quiere llama pide es ha",
}
_TITLES = frozenset({"herr", "frau", "herrn", "dr", "firma", "familie"})


def checks_names(language: str | None) -> bool:
    """False for languages in which every noun begins with a capital: there only names after a title are seen."""
    return language not in ("de", "lb")


def plain(word: str) -> str:
    """The word without the possessive `'s`."""
    return word.removesuffix("'s").removesuffix("’s")


def names_in(text: str, language: str, dates: Collection[str]) -> Iterator[str]:
    """Capitalised words that do not begin a sentence, and words that begin one but look like a person's name.

    `dates` are capitalised words that are not names (months, weekdays), case-folded.
    """
    known = {*_ROLE_WORDS, *stop_words(language), *dates}
    for sentence in sentences(text):
        found = list(CAPITALISED.finditer(sentence))
        for index, match in enumerate(found):
            word = match.group(0)
            folded = plain(word.casefold().replace("’", "'"))
            if not word[0].isupper() or folded in known or folded.removesuffix("s") in dates:
                continue
            if index == 0 or re.search(r"[:–—\"“«(]\s*$", sentence[: match.start()]):
                if _begins_like_a_name(found[index : index + 2], language):
                    yield word
            elif checks_names(language) or found[index - 1].group(0).casefold() in _TITLES:
                yield word


def _begins_like_a_name(pair: list[re.Match[str]], language: str) -> bool:
    word = pair[0]
    if word.group(0).isupper() and len(word.group(0)) > 1:
        return True
    if word.group(0).endswith(("'s", "’s")):
        return True
    if len(pair) < 2:
        return False
    neighbour = pair[1].group(0)
    # "Patricia Brown", but in German also any two nouns.
    if neighbour[0].isupper() and pair[1].start() - word.end() == 1:
        return checks_names(language)
    # "Requested is": a participle can come first, too.
    participle = word.group(0).endswith(("ed", "ing"))
    return not participle and neighbour.casefold() in _PERSON_VERBS.get(language, "").split()
