"""Words drawn in any order, and what each part of redaction finds in them: kept as it is, so that any change is seen.

What is right is in the other tests and in the benchmark; a change for the better changes these files, too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from analysis.redaction import build_redactor
from analysis.redaction.names import name_at
from analysis.redaction.places import place_in
from analysis.redaction.runs import Run
from analysis.redaction.spoken_emails import find_spoken_addresses
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn
from analysis.redaction.unnamed import identifies
from pipeline.config.areas.redaction import RedactionSettings
from tests.analysis.redaction.test_as_before import QUESTIONS
from tests.pinned import assert_pinned

NUMBERS = {
    "en": "one two oh nine zero double triple twelve twenty thirty-four hundred thousand third 3rd may june 4 17 2019 "
          "B K4 three , . - and the of it's pounds £ percent o'clock 10:30 past half A as in apple for bravo dash "
          "miles times am pm number 48.50 3,204.55 uh no point slash minutes people first twenty one Street",
    "de": "eins zwei null neun doppel zwölf zwanzig vierunddreißig hundert dritte mai 4 17 2019 B K , . - und der von "
          "euro prozent uhr halb wie Anton strich 48,50 kilometer mal nummer äh komma minuten leute erste",
    "fr": "un deux zéro neuf double douze vingt trente-quatre cent trois mai 4 17 2019 B K , . - et le de euros pour "
          "cent heures comme Anatole tiret 48,50 fois numéro euh virgule minutes personnes premier quatre-vingt",
}  # fmt: skip
PLACES = (
    "14 Larch Close Norwich 221 oak street lane flat 3 B the of and on in by Hollybush lower Upper Texas Illinois "
    "please number nine twelve it's my a Springfield kidderminster chairs songs hundred is was , . house Saint Mary's "
    "road France happily what because ten P.O. Box North Elm drive quickly"
)
NAMES = (
    "Marta Kowalczyk bennett will Price Mr Mrs Dr dr. Priya raman van der Berg O'Neil and the is my here , . . calling "
    "from for name's with Y it's Anna anna Grace Mark mark K O W A L happy Bank Jean-Luc Oluwaseun Tomasz Ms I'm good "
    "morning Telecom not sorry May June support"
)
EMAILS = (
    "marta dot . at gmail com underscore dash example org k m the number four post co uk sign @ hotmail minus all one "
    "word lower case and that's at , outlook web de 72 under score double you bennett m.kowal point"
)


def drawn(vocabulary: str, seed: str, most: int = 9) -> str:
    generator = random.Random(seed)
    said = " ".join(generator.choice(vocabulary.split()) for _ in range(generator.randint(1, most)))
    return said.lower() if generator.random() < 0.3 else said


def talk_of(text: str, language: str) -> tuple[Talk, Turn | None]:
    talk = Talk(text, [language])
    return talk, talk.turns[0] if talk.turns else None


@pytest.mark.parametrize("language", NUMBERS)
def test_what_is_dictated(language: str) -> None:
    lines = []
    for number in range(400):
        talk, turn = talk_of(drawn(NUMBERS[language], f"{language} {number}"), language)
        lines.append(f"= {talk.text}")
        for run in talk.runs(language)[0] if turn else ():
            assert turn is not None
            marks = ["counted"] * run.counted + ["amount"] * run.amount + ["spelled"] * run.is_spelled
            sure = [
                name
                for name, bare in (("bare", True), ("within", False))
                if identifies(talk.text, turn, run, bare=bare)
            ]
            place = f"{run.first}-{run.last} {talk.text[run.start : run.end]!r}"
            lines.append(f"{place} {run.said} {'/'.join(run.groups)} {run.days} {' '.join(marks + sure)}".rstrip())
    assert_pinned(f"parts_numbers_{language}.txt", "\n".join(lines))


def test_what_is_a_place() -> None:
    lines = []
    for number in range(500):
        talk, turn = talk_of(drawn(PLACES, f"place {number}", most=7), "en")
        if turn:
            lines += [f"= {talk.text}", *_places(talk.text, turn, talk.runs("en")[0])]
    assert_pinned("parts_places.txt", "\n".join(lines))


def _places(text: str, turn: Turn, runs: Sequence[Run]) -> Iterator[str]:
    for sure in (True, False):
        found = []
        for begin in range(len(turn.words)):
            for stop in dict.fromkeys((len(turn.words), min(begin + 2, len(turn.words)))):
                for first, last in place_in(text, turn, runs, begin, stop, sure=sure):
                    found.append(f"{begin}{'' if stop == len(turn.words) else '.'} {_said(text, turn, first, last)}")
        if found:
            yield f"{'sure' if sure else 'any'}: {' | '.join(dict.fromkeys(found))}"


def _said(text: str, turn: Turn, first: int, last: int) -> str:
    return text[turn.words[first].start : turn.words[last].end]


def test_what_is_a_name() -> None:
    lines = []
    for number in range(500):
        talk, turn = talk_of(drawn(NAMES, f"name {number}", most=7), "en")
        lines.append(f"= {talk.text}")
        for sure in (True, False) if turn else ():
            assert turn is not None
            found = (name_at(talk.text, turn, index, sure) for index in range(len(turn.words)))
            told = [f"{index} {_said(talk.text, turn, *one)}" for index, one in enumerate(found) if one]
            if told:
                lines.append(f"{'sure' if sure else 'any'}: {' | '.join(told)}")
    assert_pinned("parts_names.txt", "\n".join(lines))


def test_what_is_a_spoken_address() -> None:
    lines = []
    for number in range(500):
        end = random.Random(number).choice(("dot com", "dot co dot uk", "dot de, bye", "com", "the dot org one", ""))
        text = f"{drawn(EMAILS, f'mail {number}', most=6)} at {drawn(EMAILS, f'host {number}', most=3)} {end}"
        found = [text[span.start : span.end] for span in find_spoken_addresses(Talk(text, ["en"]))]
        lines.append(f"{text} -> {' | '.join(found) or '-'}")
    assert_pinned("parts_emails.txt", "\n".join(lines))


WORDS_OF = {
    "number": NUMBERS["en"], "name": NAMES, "place": PLACES, "email": EMAILS, "day": NUMBERS["en"],
    "secret": f"{NAMES} {NUMBERS['en']}",
}  # fmt: skip
SMALL = ("Yes.", "Mm-hm.", "No, sorry.", "Okay.", "Pardon?", "Is that right?")


@pytest.mark.parametrize("kind", WORDS_OF)
def test_answers_of_drawn_words_redacted(kind: str) -> None:
    """A question, and turns of words that such answers are made of, in any order: over turns, read back, put right."""
    redactor = build_redactor(RedactionSettings())
    lines = []
    for number in range(160):
        generator = random.Random(f"{kind} {number}")
        turns = [generator.choice(QUESTIONS[kind])]
        while len(turns) < generator.randint(2, 7):
            turns.append(drawn(WORDS_OF[kind], f"{kind} {number} {len(turns)}", most=6))
            if generator.random() < 0.4:
                turns.append(generator.choice([*SMALL, *QUESTIONS[kind], f"So that's {turns[-1]}?"]))
        talk = "".join(f"\n#{place} {('agent', 'client')[place % 2]}: {turn}" for place, turn in enumerate(turns))
        lines.append(redactor.redact(talk).text.strip().replace("\n", " "))
    assert_pinned(f"parts_talks_{kind}.txt", "\n".join(lines))
