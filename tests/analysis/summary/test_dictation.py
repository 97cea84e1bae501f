"""What a client dictates because the matter needs it is told as one answer; what only proves who calls is not."""

from __future__ import annotations

import random

import pytest

from analysis.records import SummaryPart
from analysis.summary.dictation import asks_for_matter, dictated
from analysis.summary.promises import promised
from analysis.summary.reading.readings import read
from analysis.summary.reading.sentences import sentences_of
from analysis.summary.summary_parts import summary_parts_of
from bench.summaries import keeps_slot
from tests.analysis.calls import call
from tests.pinned import assert_pinned

Turns = tuple[tuple[str, str], ...]


def details(*turns: tuple[str, str]) -> list[str]:
    """Question, answer, question, …; by wording alone."""
    readings = read(sentences_of(call(*turns).transcript.chunks), None)
    return [one.text for one in summary_parts_of(readings, promised(readings, None)).of[SummaryPart.DETAIL]]


@pytest.mark.parametrize(
    ("question", "is_asked"),
    [
        ("What's the delivery address?", True),
        ("And where shall we send the parts?", True),
        ("Do you have the order number there?", True),
        ("What do you pay for the meter?", False),
        ("What's the meter reading?", True),
        ("Which flight number is it?", True),
        ("Could you give me your e-mail address?", False),
        ("For security, what is the first line of your address?", False),
        ("Can you confirm your account number?", False),
        ("What is the card number?", False),
        ("Can you repeat the post code please?", False),
        ("Is the address still the one on file?", False),
    ],
)
def test_which_questions_ask_for_the_matter(question: str, is_asked: bool) -> None:
    assert asks_for_matter(question) is is_asked


@pytest.mark.parametrize(
    ("turns", "answer", "slots"),
    [
        pytest.param(
            (
                ("client", "we need the boiler looked at"),
                ("agent", "okay what's the address"),
                ("client", "it's forty two"),
                ("agent", "mm-hm"),
                ("client", "orchard lane that's o r c h a r d"),
                ("agent", "orchard lane"),
                ("client", "in millbrook"),
                ("agent", "and the post code"),
                ("client", "two double nine one five"),
                ("agent", "okay somebody will be with you tomorrow"),
            ),
            "it's forty two orchard lane that's o r c h a r d in millbrook two double nine one five",
            ("42 Orchard Lane", "Millbrook"),
            id="in pieces, with the agent's yes in between",
        ),
        pytest.param(
            (
                ("client", "My chairs came with a leg missing."),
                ("agent", "I'm sorry. Where shall we send the new leg?"),
                ("client", "To the workshop, 18 Dock Street."),
                ("agent", "Did you say 80?"),
                ("client", "No, 18."),
                ("agent", "It will go out today."),
            ),
            "To the workshop, 18 Dock Street. No, 18.",
            ("18 Dock Street",),
            id="corrected after the agent read it back",
        ),
        pytest.param(
            (
                ("client", "I want to send a blender back."),
                ("agent", "Sure. Do you have the order number?"),
                ("client", "Seven seven oh three one."),
                ("agent", "Thank you. I have booked the courier for Friday."),
            ),
            "Seven seven oh three one.",
            (),
            id="the number of an order",
        ),
    ],
)
def test_what_is_dictated_in_pieces_is_one_answer(turns: Turns, answer: str, slots: tuple[str, ...]) -> None:
    told = details(*turns)
    assert told[1] == answer
    assert all(keeps_slot(answer, slot) for slot in slots)


@pytest.mark.parametrize(
    "asked",
    [
        "For security, can you tell me the first line of your address?",
        "May I have your account number?",
        "What is your date of birth?",
        "And your phone number, please?",
    ],
)
def test_what_proves_who_calls_is_no_detail(asked: str) -> None:
    said = (("client", "I need a copy of my contract."), ("agent", asked), ("client", "It's 11 Hill Road, 1975."))
    assert details(*said, ("agent", "I've sent the copy.")) == []


def test_a_story_is_no_dictation() -> None:
    story = "Well, " + "it used to be the one by the river and then we moved and moved again " * 4
    said = (("client", "My parcel is lost."), ("agent", "What is the address?"), ("client", story))
    assert details(*said, ("agent", "I've sent another.")) == []


AGENT = (
    "What's the delivery address?", "Which order number is it?", "And the post code?", "Okay.", "Mm-hm.", "Got that.",
    "Can you repeat that?", "So that's five five two?", "Is that right?", "I've noted it.", "Thank you very much.",
    "Five five two.", "What's the meter reading?", "For security, your date of birth?", "I will send it today.",
    "Main Street, yes.", "Is there anything else?", "And where shall we send it?",
)  # fmt: skip
CLIENT = (
    "Five five two.", "It's five five two, one oh.", "Main Street.", "twelve Main Street in Leeds",
    "No, five five three.",
    "Yes.", "Yes, that's right.", "Thank you.", "Wait, I'll look.", "What do you need that for?", "A B four four.",
    "Sorry, I meant Mill Lane.", "It says eight eight oh one on the meter.", "The second of May.", "Okay.",
    "I lost the parcel on the train to Leeds on a Monday morning when I was on my way to my sister and her new house.",
)  # fmt: skip


def test_what_is_dictated_in_drawn_talks() -> None:
    """Pieces, echoes, corrections and what comes between, in any order: kept as it is, so that any change is seen."""
    lines = []
    for number in range(220):
        generator = random.Random(number)
        turns = [("agent", generator.choice([AGENT[0], AGENT[1], AGENT[12], AGENT[-1]]))]
        while len(turns) < generator.randint(2, 8):
            role = ("client", "agent")[generator.random() < 0.4]
            turns.append((role, generator.choice(AGENT if role == "agent" else CLIENT)))
        readings = read(sentences_of(call(*turns).transcript.chunks), None)
        whole = dictated(readings[0], readings)
        lines.append(" | ".join(f"{role[0]}: {text}" for role, text in turns))
        lines.append(f"  {None if whole is None else (whole.text, whole.sentence.end_s)} {details(*turns)}")
    assert_pinned("dictated.txt", "\n".join(lines))
