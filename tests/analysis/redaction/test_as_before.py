"""Exchanges that redaction was made with, redacted: kept as they are, so that any change of one is seen.

What is right is in the other tests and in the benchmark; a change for the better changes these files, too.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest

from analysis.redaction import build_redactor
from bench.materials.redaction_exchanges import DEVELOPED, FRESH_OWN, FRESH_SEEN, SEEN, Exchange, read_exchanges
from pipeline.config.areas.redaction import RedactionSettings
from tests.pinned import assert_pinned

SETS: Mapping[str, Path] = {"developed": DEVELOPED, "seen": SEEN, "fresh_own": FRESH_OWN, "fresh_seen": FRESH_SEEN}


def as_heard(text: str) -> str:
    """As a recogniser writes it that knows no capitals and no stops."""
    return re.sub(r"[.,?!;]+(?=\s|$)", "", text.lower())


FORMS: Mapping[str, Callable[[str], str]] = {"written": str, "heard": as_heard}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("form", FORMS)
def test_each_exchange_redacted(name: str, form: str) -> None:
    assert_pinned(f"{name}_{form}.txt", "\n".join(lines_of(read_exchanges(SETS[name]), FORMS[form])))


def lines_of(exchanges: list[Exchange], form: Callable[[str], str]) -> Iterator[str]:
    redactor = build_redactor(RedactionSettings())
    for exchange in exchanges:
        yield f"= {exchange.name}"
        yield redactor.redact(form(exchange.text)).text.strip()


@pytest.mark.parametrize("form", FORMS)
def test_drawn_talks_redacted(form: str) -> None:
    """Questions, answers and what comes between, put together by chance: what no one thought of."""
    redactor = build_redactor(RedactionSettings())
    talks = [drawn_talk(random.Random(f"{form} {number}")) for number in range(220)]
    assert_pinned(f"drawn_{form}.txt", "\n".join(redactor.redact(FORMS[form](talk)).text.strip() for talk in talks))


def test_dictated_numbers_of_every_length_redacted() -> None:
    """Each kind of question; one to twenty digits, said in one go, in two turns, after a while, or read back."""
    redactor = build_redactor(RedactionSettings())
    lines = []
    for question, (name, manner) in product(QUESTIONS["number"], MANNERS.items()):
        answers = [
            manner("47119062835538170264"[:size]) for size in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 15, 16, 17, 20)
        ]
        talks = [f"\n#1 agent: {question}\n#2 client: {answer}" for answer in answers]
        shown = [redactor.redact(talk).text.partition("client: ")[2].replace("\n", " ") for talk in talks]
        lines.append(f"{question} {name}: {' | '.join(shown)}")
    for between, size in product((0, 5, 9, 10, 11, 12, 38, 39, 40, 41), (4, 6, 8)):
        said = spoken("4711906283"[:size])
        words = f"\n#1 agent: What's your account number?\n#2 client: {'well ' * between}it is {said} okay then"
        turns = "".join(f"\n#{2 + turn} {('client', 'agent')[turn % 2]}: hold on" for turn in range(between))
        asked = (words, f"\n#1 agent: Your PIN?{turns}\n#99 client: {said}")
        lines.append(f"{between}, {size}: {' | '.join(redactor.redact(talk).text[-60:] for talk in asked)}")
    assert_pinned("dictated.txt", "\n".join(lines))


DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LETTERS = {"b": "B for bravo", "k": "K as in kilo", "m": "M", "r": "R for Romeo", "s": "S like sugar", "t": "T"}


def spoken(digits: str) -> str:
    return " ".join(DIGITS[int(digit)] for digit in digits)


def grouped(digits: str) -> str:
    return " ".join(digits[place : place + 4] for place in range(0, len(digits), 4))


def paired(digits: str) -> str:
    """`forty-seven eleven`, as people say years."""
    tens = ("", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
    pairs = [digits[place : place + 2] for place in range(0, len(digits), 2)]
    return " ".join(
        DIGITS[int(pair)] if len(pair) == 1 else f"oh {DIGITS[int(pair[1])]}" if pair[0] == "0" else
        "eleven" if pair == "11" else tens[int(pair[0])] + (f"-{DIGITS[int(pair[1])]}" if pair[1] != "0" else "")
        for pair in pairs
    )  # fmt: skip


def doubled(digits: str) -> str:
    return re.sub(r"(\w+) \1\b", r"double \1", spoken(digits))


def in_two_turns(digits: str) -> str:
    half = len(digits) // 2
    return f"{spoken(digits[:half])}\n#3 agent: mm-hm\n#4 client: {spoken(digits[half:])}"


def read_back(digits: str) -> str:
    return f"{grouped(digits)}.\n#3 agent: {spoken(digits[-4:])}?\n#4 client: No, {spoken(digits[-4:-1])} five."


def within_words(digits: str) -> str:
    return f"Hold on, I have it here, it says {digits} on the letter, and I called on the third."


MANNERS: Mapping[str, Callable[[str], str]] = {
    "spoken": spoken, "grouped": grouped, "paired": paired, "doubled": doubled, "in two turns": in_two_turns,
    "read back": read_back, "within words": within_words,
}  # fmt: skip
QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "number": (
        "Can I have the long card number, please?", "And the expiry date?", "The three digits on the back?",
        "Please choose a PIN.", "What's the code we just sent you?", "Your date of birth?",
        "The last four of your social?", "Your passport number?", "Your account number?", "And the sort code?",
        "What's the IBAN?", "The best number to reach you on?", "Read me what's printed on the tag.",
        "What's the postcode?", "Your order number?", "How many parcels were there?", "And the number?", "Go on.",
    ),
    "name": ("Who am I speaking to?", "And your surname?", "Can you spell that for me?", "Whose name is it under?"),
    "place": ("What's the first line of your address?", "Which town is that?", "And the house number?"),
    "email": ("What's your email address?", "And the email?", "Could you spell the email?"),
    "day": ("And your date of birth?", "When were you born?", "When does the card run out?", "Which day suits you?"),
    "secret": ("What's your password?", "And the memorable word?", "Your mother's maiden name?"),
}  # fmt: skip
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "name": (
        "It's Marta Kowalczyk.", "Bennett, B E double N E double T.", "My name is Oluwaseun Adeyemi",
        "Priya Raman here.",
        "That's Kaminsky, with a Y.", "Mrs Dubois", "it is under my husband, Tomasz", "Will Price.", "K O W A L",
    ),
    "place": (
        "14 Larch Close, Norwich.", "Flat 3, 27 Hollybush Lane", "Springfield, Illinois", "It's number nine.",
        "NR4 7QT", "one two oh five Juniper Avenue",
        "12 rue des Lilas, Lyon", "N R four, seven Q T", "P.O. Box 88, Leeds",
    ),
    "email": (
        "marta dot k at gmail dot com", "m.kowal@example.org", "It's priya underscore raman at post dot co dot uk",
        "bennett, the number four, at sign, web dot de", "the same name, at outlook dot com", "all one word, at icloud",
        "kay oh double you at", "dash", "dot net",
    ),
    "day": (
        "The fourth of May nineteen seventy two.", "04/05/1972", "May the fourth", "seventy two", "oh four oh five",
        "12th of June 2031", "nineteen eighty", "next Tuesday at half past three", "06/28", "on the 3rd",
    ),
    "secret": ("It's Bluebell7.", "capital T, otter, nine nine", "Zorvath", "I'd rather not say.", "otter with two Ts"),
}  # fmt: skip
BETWEEN = (
    "Mm-hm.", "Yes.", "Thank you, one moment.", "Sorry, say that again?", "No, that's wrong.", "That doesn't match.",
    "Okay, and then?", "I paid 48 pounds on the third of June.", "It took two hours, from nine to eleven.",
    "Order 5528-114 is on its way.", "There are twelve of them.", "Bear with me.", "Oh no, sorry, I mean",
    "The new one", "It ends in", "Let me check the line, it is 30 megabits, not 80.", "Since 2019 I think.",
    "Right, Aoife, done.",
)  # fmt: skip


def drawn_talk(generator: random.Random) -> str:
    """Two to nine turns; mostly what was asked for is given, sometimes not, in parts, late, again or put right."""
    roles = generator.choice((("agent", "client"), ("agent", "client"), ("client", "agent"), ("unknown", "unknown")))
    lines: list[str] = []
    while len(lines) < generator.randint(2, 9):
        kind = generator.choice(tuple(QUESTIONS))
        lines.append(generator.choice(QUESTIONS[kind]))
        answers = [drawn_answer(generator, kind) for _ in range(generator.choice((1, 1, 2)))]
        if generator.random() < 0.4:
            answers.insert(generator.randrange(len(answers) + 1), generator.choice(BETWEEN))
        if generator.random() < 0.3:
            answers.append(drawn_answer(generator, kind))
        lines.append(generator.choice((" ", ", ", ". ")).join(answers))
        if generator.random() < 0.5:
            lines += [generator.choice(BETWEEN), drawn_answer(generator, kind)]
    return "".join(f"\n#{number + 1} {roles[number % 2]}: {line}" for number, line in enumerate(lines))


def drawn_answer(generator: random.Random, kind: str) -> str:
    if kind != "number":
        return generator.choice(ANSWERS[kind])
    size = generator.choice((1, 2, 3, 3, 4, 4, 5, 6, 6, 7, 8, 9, 10, 11, 12, 15, 16, 16, 17, 20))
    digits = "".join(generator.choice("0123456789") for _ in range(size))
    if generator.random() < 0.2:
        spelled = " ".join(generator.choice(tuple(LETTERS.values())) for _ in range(generator.randint(1, 3)))
        return f"{spelled} {spoken(digits)}"
    manner = generator.choice((spoken, grouped, paired, doubled, str))
    return generator.choice(("", "", "It's ", "um, ", "so ")) + manner(digits)
