"""Personal data by the meaning of the exchange: questions and answers over turns, and numbers that harm nobody."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from analysis.redaction import build_redactor
from bench.materials.redaction_exchanges import (
    APART,
    DEVELOPED,
    Exchange,
    Marked,
    read_exchanges,
    without_references,
)
from pipeline.config.areas.redaction import RedactionSettings
from pipeline.roles import Role

SHOWN = Path(__file__).parent.parent / "data" / "redaction_exchanges.txt"
REDACTOR = build_redactor(RedactionSettings())
HARD_KINDS = ("name", "address")


def taken(exchange: Exchange, mark: Marked) -> list[bool]:
    """For each letter and digit of a mark whether it is redacted."""
    found = REDACTOR.find(exchange.text)
    return [
        any(span.start <= place < span.end for span in found)
        for place in range(mark.start, mark.end)
        if exchange.text[place].isalnum()
    ]


@pytest.mark.parametrize("exchange", read_exchanges(SHOWN), ids=lambda exchange: exchange.name)
def test_an_exchange_loses_what_is_personal_and_nothing_that_is_not(exchange: Exchange) -> None:
    shown = REDACTOR.redact(exchange.text).text
    for mark in exchange.marked:
        gone = taken(exchange, mark)
        assert all(gone) if mark.kind else not any(gone), (exchange.text[mark.start : mark.end], shown)


@pytest.mark.parametrize("path", [DEVELOPED, APART], ids=lambda path: str(path.stem))
def test_as_much_is_found_as_the_documentation_says(path: Path) -> None:
    exchanges = [without_references(exchange) for exchange in read_exchanges(path)]
    values = [
        (kind in HARD_KINDS, all(all(taken(exchange, mark)) for mark in pieces))
        for exchange in exchanges
        for kind, pieces in exchange.values().items()
    ]
    firm = [gone for hard, gone in values if not hard]
    hard = [gone for hard, gone in values if hard]
    harmless = [any(taken(exchange, mark)) for exchange in exchanges for mark in exchange.marked if mark.kind is None]
    assert min(len(firm), len(harmless)) >= 50
    assert sum(firm) / len(firm) >= 0.94
    assert sum(hard) / len(hard) >= 0.8
    assert sum(harmless) / len(harmless) <= 0.02


@pytest.mark.parametrize(
    ("lines", "redacted"),
    [
        # The code of the back of the card is asked in one turn and given in the next.
        (["The three digits on the back?", "Nine four two."], ["The three digits on the back?", "[CARD_1]."]),
        (["And the code on the back?", "Nine four two."], ["And the code on the back?", "[CARD_1]."]),
        (["The last three digits there?", "Nine four two."], ["The last three digits there?", "[CARD_1]."]),
        # A question of the client's does not close the agent's.
        (
            ["Your security code?", "Where is that?", "By your signature.", "Ah, 0 3 9."],
            ["Your security code?", "Where is that?", "By your signature.", "Ah, [CARD_1]."],
        ),
        # Another question does.
        (["What's your PIN?", "How many days?", "Ten."], ["What's your PIN?", "How many days?", "Ten."]),
        # A reply that is no answer leaves a question open.
        (
            ["And your surname?", "Why do you need that?", "For the file.", "Kowalska."],
            ["And your surname?", "Why do you need that?", "For the file.", "[NAME_1]."],
        ),
        # One question may ask for two things.
        (
            ["Your name and the last four numbers of the card?", "Ewa Zielinska, nine one six two."],
            ["Your name and the last four numbers of the card?", "[NAME_1], [CARD_1]."],
        ),
        # A name said once is gone everywhere.
        (["My name is Ewa Zielinska.", "Thank you, Ewa."], ["My name is [NAME_1].", "Thank you, [NAME_2]."]),
        # A number in parts, the first within its announcement; a street that is spelled.
        (["the zip code is seven zero zero", "two three"], ["the zip code is [ADDRESS_1]", "[ADDRESS_2]"]),
        (["what is your address", "main that's m a i n"], ["what is your address", "[ADDRESS_1] [ADDRESS_2]"]),
        (["your PIN?", "four four two nine", "Have a good one."], ["your PIN?", "[CARD_1]", "Have a good one."]),
        # What recognisers mark is no word.
        (["Your address?", "[noise]", "9 Elm Road"], ["Your address?", "[noise]", "[ADDRESS_1]"]),
        # What was redacted before is left alone.
        (["Your card number?", "[CARD_1]", "okay"], ["Your card number?", "[CARD_1]", "okay"]),
        # French, with French number words and questions.
        (["Votre code postal ?", "soixante-neuf mille trois"], ["Votre code postal ?", "[ADDRESS_1]"]),
        (["Et le cryptogramme ?", "quatre un deux"], ["Et le cryptogramme ?", "[CARD_1]"]),
        # Arabic keeps what it had: numbers by their form.
        (["رقم البطاقة", "4539 1488 0343 6467"], ["رقم البطاقة", "[CARD_1]"]),
        (["رقم هاتفك", "+971 50 123 4567"], ["رقم هاتفك", "[PHONE_1]"]),
    ],
)
def test_turns_are_read_together(lines: list[str], redacted: list[str]) -> None:
    assert REDACTOR.redact_lines(lines)[0] == redacted


def test_a_kind_that_is_not_wanted_stays() -> None:
    lines = [
        "Your name?",
        "Ewa Zielinska",
        "Date of birth?",
        "4 May 1980",
        "Address?",
        "9 Elm Road",
        "The password?",
        "Rose",
    ]
    plain = build_redactor(RedactionSettings(kinds=("card", "phone", "email", "iban", "national_id", "account_number")))
    assert plain.redact_lines(lines)[0] == lines


def test_the_side_that_asks_is_not_taken_for_the_one_that_answers() -> None:
    lines = ["Which city are you in?", "In Brindle.", "Marble Orchard is on there."]
    roles = [Role.AGENT, Role.CLIENT, Role.AGENT]
    assert REDACTOR.redact_lines(lines, roles)[0] == [lines[0], "In [ADDRESS_1].", lines[2]]
    # Where nobody else has spoken since, who speaks may be a wrong guess: a missed answer would be worse.
    assert REDACTOR.redact_lines(lines[:2], [Role.AGENT] * 2)[0] == [lines[0], "In [ADDRESS_1]."]


@pytest.mark.parametrize(
    ("lines", "redacted"),
    [
        # No phrase knows the question: the answer decides.
        (
            ["Could you tell me what's stamped on the tag?", "Sure. 4 4 7, 1 0 9."],
            ["Could you tell me what's stamped on the tag?", "Sure. [ACCOUNT_1]."],
        ),
        (["What ages are they?", "Eight, ten, 34 and 36."], ["What ages are they?", "Eight, ten, 34 and 36."]),
        (["What does it say?", "About 12,400 now."], ["What does it say?", "About 12,400 now."]),
        (["What did you pay?", "Two thousand one hundred."], ["What did you pay?", "Two thousand one hundred."]),
        (["Can you tell me?", "The order's 77 41 20."], ["Can you tell me?", "The order's 77 41 20."]),
        # What is read back is no part of the answer: its end is still missing.
        (
            ["The card number?", "4111", "4111", "1111 1111", "1111 1111", "And the last bit is 1114."],
            ["The card number?", "[CARD_1]", "[CARD_1]", "[CARD_2]", "[CARD_2]", "And the last bit is [CARD_3]."],
        ),
        # What was of no use is replaced.
        (
            ["Your PIN?", "7093.", "I'm sorry, that isn't matching.", "Oh, try 7039."],
            ["Your PIN?", "[CARD_1].", "I'm sorry, that isn't matching.", "Oh, try [CARD_2]."],
        ),
        (
            ["Is it still the card ending 3120?", "No, the new one ends in 9366."],
            ["Is it still the card ending [CARD_1]?", "No, the new one ends in [CARD_2]."],
        ),
        # What was taken is taken again, whole or its end, in words too.
        (
            [
                "Your account number?",
                "4 4 0 7 1 5 9 9.",
                "Thanks. How many days?",
                "Ten. Is it the one five nine nine?",
            ],
            ["Your account number?", "[ACCOUNT_1].", "Thanks. How many days?", "Ten. Is it the [ACCOUNT_2]?"],
        ),
        # A whole day of long ago is a birth.
        (
            ["So that's the 6th of April 1949?", "No, the sixteenth."],
            ["So that's [BIRTH_1]?", "No, [BIRTH_2]."],
        ),
        (["So that's the 6th of April 2026?", "Yes."], ["So that's the 6th of April 2026?", "Yes."]),
        # The number that was named is meant, not the department.
        (
            ["The invoice lacks our purchase order number, so accounts won't pay.", "What's the number?", "4500 188."],
            ["The invoice lacks our purchase order number, so accounts won't pay.", "What's the number?", "4500 188."],
        ),
        (["number please", "oh treble five, two one two, eight oh"], ["number please", "[PHONE_1]"]),
    ],
)
def test_what_was_asked_for_lasts_until_it_is_answered(lines: list[str], redacted: list[str]) -> None:
    sides = [Role.CLIENT, Role.AGENT] if lines[0].startswith("The invoice") else [Role.AGENT, Role.CLIENT]
    roles = [sides[number % 2] for number in range(len(lines))]
    assert REDACTOR.redact_lines(lines, roles)[0] == redacted


@pytest.mark.parametrize(
    ("lines", "redacted"),
    [
        (
            ["What's the postcode?", "BS6 7PL.", "And the house number?", "31.", "Is that Amberley Rise?", "It is."],
            [
                "What's the postcode?",
                "[ADDRESS_1].",
                "And the house number?",
                "[ADDRESS_2].",
                "Is that [ADDRESS_3]?",
                "It is.",
            ],
        ),
        (
            ["I've got 5 Fenwick Gardens.", "It's 15.", "In Durham, yes?", "Yes. How much is it?", "12 pounds."],
            [
                "I've got [ADDRESS_1].",
                "It's [ADDRESS_2].",
                "In [ADDRESS_3], yes?",
                "Yes. How much is it?",
                "12 pounds.",
            ],
        ),
        (["zip code please", "04101", "portland", "yeah"], ["zip code please", "[ADDRESS_1]", "[ADDRESS_2]", "yeah"]),
        (
            ["The delivery address?", "House number forty-three, second cross, Jayanagar."],
            ["The delivery address?", "[ADDRESS_1]."],
        ),
        # Something else is asked for: what comes then is no part of the place.
        (
            ["Your postcode?", "BS6 7PL.", "How many bedrooms?", "Three."],
            ["Your postcode?", "[ADDRESS_1].", "How many bedrooms?", "Three."],
        ),
        # Who is spoken to.
        (["Any time is fine.", "Okay Tendai, the van comes."], ["Any time is fine.", "Okay [NAME_1], the van comes."]),
        (["Which airline is it?", "Yes, Ryanair."], ["Which airline is it?", "Yes, Ryanair."]),
        (
            ["I need it.", "That is all done for you now, Tendai."],
            ["I need it.", "That is all done for you now, [NAME_1]."],
        ),
        # What is spelled is said before.
        (
            ["your surname", "its nyqvist thats november yankee quebec victor india sierra tango"],
            ["your surname", "its [NAME_1] thats [NAME_2]"],
        ),
        # An address of e-mail that is asked for from its middle on.
        (
            ["So mkaur, and what comes after the at sign?", "hotmail.co.uk."],
            ["So [EMAIL_1], and what comes after the at sign?", "[EMAIL_2]."],
        ),
        # The first part among other words.
        (
            [
                "what number have you got",
                "the new one is 5 1 6 7 let me turn it over 4 4 0 9 yeah 8 1 1 2 and then 6 6 7 0",
            ],
            [
                "what number have you got",
                "the new one is [ACCOUNT_1] let me turn it over [CARD_1] yeah [CARD_2] and then [CARD_3]",
            ],
        ),
        (["Your new password is Maple77Tiger.", "Thanks."], ["Your new password is [CODE_1].", "Thanks."]),
    ],
)
def test_places_and_names_last_over_turns(lines: list[str], redacted: list[str]) -> None:
    roles = [(Role.AGENT, Role.CLIENT)[number % 2] for number in range(len(lines))]
    assert REDACTOR.redact_lines(lines, roles)[0] == redacted


def test_the_mark_of_who_speaks_is_no_cue() -> None:
    """`client` asks for a client number elsewhere; as the name of a side it does not."""
    lines = ["I have 90 41 77 here."]
    assert REDACTOR.redact_lines(lines, [Role.CLIENT])[0] == lines


HOSTILE = (
    "at ", "a@", "one ", "A1 ", "card number ", "+1 ", "Mr ", "\n#1 agent: 4 ", "my name is ", "Anna Maria ",
    "1 rue de la ", "D E 8 9 ", "A as in ", "0 1 2 3 4 ", "4111 1111 ", "@a.b", "email ", "1/2/", "GB29 ", "p o box ",
    "12 Hill Hill Hill ", "two one way ", "what's the number ", "ending in 4 ", "spell ", "double ",
    "a b at c dot d ", "zwei und ", "[", "Kaminsky Kaminska ", "at 4 ", "Okay Zorvath, ", "postcode? Brumholt. ",
    "\n#1 agent: code?\n#2 client: 4 4 1 9 ",
    "Abc12345 ", "Unit 4, ", "twenty Orchard ", "code? 4 no 4 ", "4 okay ", "a.bcde@f.gh ", "P3E 5J1 ", "m o mo ",
)  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_work_grows_with_the_length_of_a_hostile_text_and_not_with_its_square(unit: str) -> None:
    """Steps are lines of our own code that ran, and calls: counted, not timed."""
    short, long = unit * (150 // len(unit)), unit * (600 // len(unit))
    REDACTOR.find(short)  # tables are made on first use
    assert steps(lambda: REDACTOR.find(long)) <= 7 * steps(lambda: REDACTOR.find(short))


@pytest.mark.parametrize("unit", ["so 4 ", "4. ", "Brumholt. ", "is fine now, Zorvath. ", "so 4 4 1 9 x ", "4 4 no "])
def test_work_on_a_long_answer_grows_with_its_length(unit: str) -> None:
    asked = "\n#1 agent: What's the postcode?\n#2 client: BS6 7PL.\n#1 agent: House number?\n#2 client: "
    short, long = asked + unit * (150 // len(unit)), asked + unit * (600 // len(unit))
    REDACTOR.find(short)
    assert steps(lambda: REDACTOR.find(long)) <= 7 * steps(lambda: REDACTOR.find(short))


def steps(work: Callable[[], object]) -> int:
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += 1
        return trace if "redaction" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
