"""The line of a passage that answers, and the one before it."""

from __future__ import annotations

import pytest

from analysis.questions.asked import read_question
from analysis.questions.quoting import Chosen, Quoter
from analysis.questions.records import Passage
from analysis.questions.wanted import Wanted, asks_for_all, wanted_by
from analysis.summary.reading.substance import Substance
from tests.analysis.questions.encoders import KindsEncoder
from tests.analysis.questions.stored import talk


def chosen(
    question: str, *lines: str, lead: int = 0, language: str | None = "en", vectors: bool = False
) -> Chosen | None:
    """Out of a passage of these lines, the first `lead` of which stand before it."""
    asked = read_question(question)
    said = talk(*lines)
    passage = Passage(
        call_id="1", number=0, file_name="1.wav", started_at=None, agent_id=None, language=language,
        lead=said[:lead], lines=said[lead:],
    )  # fmt: skip
    weights = dict.fromkeys(asked.content, 1.0)
    encoder = KindsEncoder()
    vector = encoder.encode([question])[0] if vectors else None
    quoter = Quoter(weights, wanted_by(asked), vector, Substance(encoder) if vectors else None)
    return quoter.choose(passage, encoder if vectors else None)


def line(found: Chosen | None) -> str | None:
    return None if found is None else found.line.text


@pytest.mark.parametrize(
    ("question", "lines", "answers"),
    [
        pytest.param(
            "why do customers call about a card?",
            ("a: Good morning, this is the card service. How may I help you?", "c: I lost my card on the train today.",
             "a: Which card would you like to replace?"),
            "I lost my card on the train today.",
            id="no greeting and no question of the agent that repeats the topic",
        ),
        pytest.param(
            "what was promised about the card?",
            ("c: I lost my card on the train.", "a: The card is blocked now.", "c: When do I get the new card?",
             "a: You will get the new card within five days."),
            "You will get the new card within five days.",
            id="the agent's promise",
        ),
        pytest.param(
            "when will the parcel come?",
            ("c: Where is my parcel?", "a: The parcel was damaged, I am afraid.", "a: It will be there on Tuesday."),
            "It will be there on Tuesday.",
            id="a moment",
        ),
        pytest.param(
            "how much is the bill?",
            ("a: And what is the bill amount?", "c: The bill is for the electricity.", "c: It is ninety two dollars."),
            "It is ninety two dollars.",
            id="an amount",
        ),
        pytest.param(
            "who lost a card?",
            ("a: Please say: I lost my card, or pay my bill.", "c: I lost my card."),
            "I lost my card.",
            id="whoever it happened to",
        ),
    ],
)  # fmt: skip
def test_the_line_that_answers_is_quoted(question: str, lines: tuple[str, ...], answers: str) -> None:
    assert line(chosen(question, *lines)) == answers


def test_what_is_nearest_is_not_quoted_where_it_is_a_greeting() -> None:
    greeting = "a: Good morning, this is the card service. How may I help you?"
    found = chosen(
        "why do customers call about a card?", greeting, "c: I lost my card on the train today.", vectors=True
    )
    assert line(found) == "I lost my card on the train today."
    assert found is not None
    assert found.likeness == 1.0
    assert found.vector is not None


@pytest.mark.parametrize(
    "lines",
    [
        ("a: Good morning, this is the card service. How may I help you?",),
        ("c: Hello.", "a: Hello, City Bank cards, how can I help?", "c: Okay."),
        ("a: Please enter your sixteen digit card number followed by the hash key.",),
        ("a: Is there anything else I can do about the card?", "c: No, that is all, thank you.", "a: Goodbye."),
    ],
)
def test_greetings_and_fillers_answer_nothing(lines: tuple[str, ...]) -> None:
    assert chosen("why do customers call about a card?", *lines) is None


def test_an_answer_that_only_agrees_is_shown_with_its_question() -> None:
    found = chosen(
        "who needs a new password?", "a: You are locked out and need a new password, correct?", "c: Yes, please."
    )
    assert found is not None
    assert (found.line.text, found.before and found.before.text) == (
        "Yes, please.", "You are locked out and need a new password, correct?",
    )  # fmt: skip


def test_the_line_before_is_found_where_it_stands_before_the_passage() -> None:
    found = chosen("which card was lost?", "a: which card would you like to replace", "c: my debit card", lead=1)
    assert found is not None
    assert (found.line.text, found.before and found.before.text) == (
        "my debit card", "which card would you like to replace",
    )  # fmt: skip


def test_a_line_that_stands_alone_is_shown_alone() -> None:
    found = chosen("who lost a card?", "a: how can i help you today", "c: I lost my debit card on the train today.")
    assert found is not None
    assert found.before is None


def test_lines_before_a_passage_are_not_quoted_from_it() -> None:
    assert (
        line(chosen("who lost a card?", "c: I lost my card.", "a: It is blocked now.", lead=1)) == "It is blocked now."
    )


def test_a_sentence_said_in_pieces_is_quoted_where_it_says_most() -> None:
    assert line(chosen("which card?", "c: my", "c: debit card from the bank")) == "debit card from the bank"


@pytest.mark.parametrize(
    ("question", "lines", "answers"),
    [
        ("Pourquoi contester la facture ?",
         ("a: Bonjour, c'est pour une facture ?", "c: Ma facture est trop élevée, je conteste le montant."),
         "Ma facture est trop élevée, je conteste le montant."),
        ("Wer hat seine Karte verloren?",
         ("a: Haben Sie Ihre Karte verloren?", "c: Meine Karte habe ich im Zug verloren.", "a: Sie ist gesperrt."),
         "Meine Karte habe ich im Zug verloren."),
    ],
)  # fmt: skip
def test_in_other_languages_no_question_of_the_agent_is_quoted(
    question: str, lines: tuple[str, ...], answers: str
) -> None:
    language = read_question(question).language
    assert line(chosen(question, *lines, language=language)) == answers


@pytest.mark.parametrize(
    ("question", "wants"),
    [
        ("Why do customers cancel?", {Wanted.REASON}),
        ("What are the reasons for complaints?", {Wanted.REASON, Wanted.TROUBLE}),
        ("Why are customers unhappy?", {Wanted.REASON, Wanted.TROUBLE}),
        ("Who was promised a call back?", {Wanted.PROMISE, Wanted.PERSON}),
        ("When does the technician come?", {Wanted.MOMENT}),
        ("How much discount was offered?", {Wanted.AMOUNT, Wanted.OFFER}),
        ("What is the balance of the account?", {Wanted.AMOUNT}),
        ("lost cards", set()),
        ("Warum kündigen die Kunden?", {Wanted.REASON}),
        ("Qui conteste sa facture ?", {Wanted.PERSON, Wanted.REASON}),
        ("¿Quién perdió su tarjeta?", {Wanted.PERSON}),
    ],
)
def test_what_a_question_wants_is_told_by_its_wording(question: str, wants: set[Wanted]) -> None:
    assert wanted_by(read_question(question)) == wants


def test_what_a_client_answers_to_the_agents_why_is_the_reason() -> None:
    asked = (
        "c: Please cancel my contract today.",
        "a: May I ask why you want to leave us?",
        "c: The price went up twice.",
    )
    found = chosen("why do customers cancel?", *asked)
    assert line(found) == "The price went up twice."
    assert found is not None
    assert found.does.says_why
    assert found.before is not None
    assert found.before.text == "May I ask why you want to leave us?"


@pytest.mark.parametrize("question", ["why do customers cancel?", "when do customers cancel?"])
def test_an_agents_answer_and_another_question_are_no_reason(question: str) -> None:
    asked = (
        "a: Please cancel my contract today.",
        "c: May I ask why you want to leave us?",
        "a: The price went up twice.",
    )
    found = chosen(question, *asked)
    assert found is None or not found.does.says_why


@pytest.mark.parametrize(
    ("question", "for_all"),
    [
        ("What did agents promise?", True),
        ("Why are customers unhappy?", True),
        ("What do customers complain about?", True),
        ("Why do customers call us?", True),
        ("What was offered?", True),
        ("which customers threatened to leave", True),
        ("who threatened to sue the bank", False),
        ("Why do customers cancel?", False),
        ("What do customers complain about the nurse?", False),
        ("What was promised about the parcel?", False),
        ("Is anybody unhappy with the installation of solar panels?", False),
        ("lost cards", False),
        ("who called?", False),
        ("what did they say", False),
    ],
)
def test_a_question_for_all_of_a_kind_names_no_matter(question: str, for_all: bool) -> None:
    assert asks_for_all(read_question(question)) is for_all


@pytest.mark.parametrize(
    ("said", "outright"),
    [
        ("c: If this happens again, we will go to another company.", True),
        ("c: this is unacceptable", False),
        ("c: if that is all right I will come on Monday", False),
        ("a: if you do not pay we will report you", False),
    ],
)
def test_a_threat_says_what_follows_if_it_goes_on(said: str, *, outright: bool) -> None:
    found = chosen("which customers threatened to leave", said)
    assert found is not None
    assert found.does.outright is outright
