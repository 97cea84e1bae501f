"""Numbers, dates, names and links of a summary: supported however they were said, caught when they were not."""

from __future__ import annotations

import random

import pytest

from analysis.summary.facts import SpokenFacts
from analysis.summary.names import names_in
from pipeline.records import Role
from tests.analysis.calls import call, chunk
from tests.pinned import assert_pinned

SAID = SpokenFacts(
    [
        chunk(0, Role.CLIENT, "hi my name is patricia brown i want one hundred and thirty five dollars"),
        chunk(1, Role.AGENT, "sure this is elizabeth from harper valley bank, monday at eleven a m or half past three"),
        chunk(2, Role.CLIENT, "the zip code is four one nine one two and it was the twenty first of may"),
        chunk(3, Role.CLIENT, "two thousand euros by tomorrow, 12.50 more, see north star dot com, double five two"),
    ],
    "en",
)


@pytest.mark.parametrize(
    "text",
    [
        "Patricia Brown wants $135.",
        "The client asks for 135.00 dollars on Monday at 11:00.",
        "The zip code is 41912.",
        "Either at 3:30 or at 11 a.m. on 21 May.",
        "Not at 15:30.",
        "The technician comes at 23:00.",
        "The client needs €2,000 by tomorrow.",
        "It is 2000 euros and 12.5 more.",
        "One of them called Elizabeth of Harper Valley Bank.",
        "The number ends in 552.",
        "Requested a new card. Happy with that.",
        "The client calls about the bill.",
        "See star.com.",
    ],
)
def test_what_was_said_is_supported(text: str) -> None:
    assert SAID.unsupported(text, "en") == []


@pytest.mark.parametrize(
    ("text", "kind", "claim"),
    [
        ("The client wants $136.", "number", "136"),
        ("The client wants four hundred dollars.", "number", "400"),
        ("The zip code is 41913.", "number", "41913"),
        ("The zip code is 4191.", "number", "4191"),
        ("At 4:45.", "number", "4:45"),
        ("At 16:30.", "number", "16:30"),
        ("At 3:45.", "number", "3:45"),
        ("At 10:00.", "number", "10:00"),
        ("On 21 June.", "date", "June"),
        ("On Tuesday.", "date", "Tuesday"),
        ("In June.", "date", "June"),
        ("They meet today.", "date", "today"),
        ("On 21/06/2019.", "date", "21/06/2019"),
        ("The client asked for Jennifer.", "name", "Jennifer"),
        ("Jennifer asked for a card.", "name", "Jennifer"),
        ("Jennifer Miller, a card.", "name", "Jennifer"),
        ("Jones's card.", "name", "Jones's"),
        ("Go to evil.com now.", "link", "evil.com"),
        ("Write to x@evil.org", "link", "x@evil.org"),
    ],
)
def test_what_was_not_said_is_caught(text: str, kind: str, claim: str) -> None:
    assert (kind, claim) in [(one.kind, one.text) for one in SAID.unsupported(text, "en")]


def test_an_hour_is_the_same_by_either_clock() -> None:
    said = SpokenFacts([chunk(0, Role.AGENT, "he comes at fifteen o'clock")], "en")
    assert said.unsupported("He comes at 3:00.", "en") == []
    assert [fault.text for fault in said.unsupported("He comes at 4:00.", "en")] == ["4:00"]


DATED = SpokenFacts([chunk(0, Role.CLIENT, "since the twenty first of may two thousand and twenty six")], "en")


@pytest.mark.parametrize(
    ("date", "said"),
    [("21/05/2026", True), ("21.5.26", True), ("2026-05-21", True), ("21/06/2026", False), ("22/05/2026", False),
     ("21/05/2027", False), ("05/06/2026", False)],
)  # fmt: skip
def test_a_date_in_figures_is_held_against_the_day_the_month_and_the_year(date: str, said: bool) -> None:
    assert [(fault.kind, fault.text) for fault in DATED.unsupported(f"It is so since {date}.", "en")] == (
        [] if said else [("date", date)]
    )


def test_dates_and_names_are_compared_across_languages() -> None:
    assert SAID.unsupported("La cliente Patricia demande 135 dollars pour lundi, le 21 mai.", "fr") == []
    faults = SAID.unsupported("La cliente demande 200 dollars pour mardi à Jennifer.", "fr")
    assert {(one.kind, one.text) for one in faults} == {("number", "200"), ("date", "mardi"), ("name", "Jennifer")}


def test_spoken_numbers_of_other_languages() -> None:
    french = SpokenFacts([chunk(0, Role.CLIENT, "quatre-vingt-dix euros mardi")], "fr")
    assert french.unsupported("Le client demande 90 euros mardi.", "fr") == []
    assert french.unsupported("Le client demande 80 euros.", "fr")
    assert french.unsupported("The client wants ninety euros on Tuesday.", "en") == []


@pytest.mark.parametrize(
    ("text", "language", "names"),
    [
        ("The client said That it is late.", "en", []),
        ("The client saw Miller on Monday.", "en", ["Miller"]),
        ("A Client asked the Bank.", "en", []),
        ("The NHS called.", "en", ["NHS"]),
        ("NHS called.", "en", ["NHS"]),
        ("Der Kunde fragt nach der Rechnung von Herrn Schmidt.", "de", ["Schmidt"]),
        ("Der Vertrag läuft aus.", "de", []),
        ("Nobody was hurt. Everyone is well.", "en", []),
    ],
)
def test_names_are_words_with_a_capital_that_nothing_else_explains(text: str, language: str, names: list[str]) -> None:
    assert list(names_in(text, language, {"monday"})) == names


@pytest.mark.parametrize(
    ("said", "told", "language", "missing"),
    [
        ("It is forty one pounds a month.", "It costs forty one pounds.", "en", []),
        ("It is forty one pounds a month.", "It costs twenty-one pounds.", "en", ["21"]),
        ("It is one hundred and twenty one.", "It costs one hundred and twenty one.", "en", []),
        ("It is ninety.", "One of the clients pays ninety.", "en", []),
        ("It is ninety.", "The client has one charge of ninety.", "en", []),
        ("Cela fait vingt et un euros.", "Cela coûte vingt et un euros pour une carte.", "fr", []),
    ],
)
def test_one_is_a_number_only_within_a_number(said: str, told: str, language: str, missing: list[str]) -> None:
    """`forty one` was read as 40, so true statements were dropped."""
    facts = SpokenFacts(call(("agent", said)).transcript.believed, language)
    assert [claim.text for claim in facts.unsupported(told, language) if claim.kind == "number"] == missing


WORDS = {
    "en": "one two four nine oh double triple twelve twenty thirty hundred thousand and half quarter past to 3 4 30 "
          "15:30 3.5 1,200.50 12/05/2026 Monday may May March tomorrow today dollars pounds , . Anna Marie-Claire "
          "Smith card www.shop.com point the a fifth 2026 4242 at uh dash Tuesday's Paris dot com",
    "fr": "un une deux quatre neuf vingt et trente cent mille virgule 3 4 30 15h30 3,5 1 200,50 lundi mars Mars mai "
          "demain aujourd'hui hier euros , . Anne Dupont la carte Lyon quatre-vingt dix 2026 le",
    "de": "eins ein eine zwei vier neun zwanzig dreißig hundert und halb 3 4 30 15:30 3,5 1.200,50 Montag März Mai "
          "morgen Morgen heute Euro , . Anna Schmidt die Karte Berlin 2026 fünfundzwanzig so",
    "ja": "3 4 30 一 二 Anna , . 月曜日 15:30",
}  # fmt: skip


@pytest.mark.parametrize("language", WORDS)
def test_drawn_words_held_against_drawn_words(language: str) -> None:
    """What of one text the other does not say, kept as it is: numbers in words and figures, clocks, dates, names."""
    lines = []
    for number in range(300):
        generator = random.Random(f"{language} {number}")

        def drawn(most: int, generator: random.Random = generator) -> str:
            return " ".join(generator.choice(WORDS[language].split()) for _ in range(generator.randint(1, most)))

        said = [drawn(8), drawn(8)]
        told = " ".join([drawn(4), *generator.sample(said[0].split(), k=min(2, len(said[0].split())))])
        spoken = call(*zip(generator.choice([("agent", "client"), ("agent", "agent")]), said, strict=True))
        faults = SpokenFacts(spoken.transcript.chunks, language).unsupported(told, language)
        found = ", ".join(f"{fault.kind} {fault.text}" for fault in faults)
        lines.append(f"{' | '.join(said)} <- {told}: {found or 'all said'}")
    assert_pinned(f"facts_{language}.txt", "\n".join(lines))
