"""Acts of speech in statements, and what is told as reached: each kind stood unmarked in a real model's summaries."""

from __future__ import annotations

import pytest

from analysis.summary.checking import StatementChecker
from analysis.summary.support.statements import read_statement
from analysis.summary.support.wording import wording_of
from tests.analysis.calls import call

SAID, DID = "the other side said it", "the other side did it"
ANNOUNCED, ASKED, DENIED = "it was only announced", "it was only asked for", "nobody denied it"
BILL = call(
    ("agent", "Good morning, Dean here, how can I help you?"),
    ("client", "I want to pay my bill. And is my router ready?"),
    ("agent", "What is the amount of the bill?"),
    ("client", "Ninety dollars."),
    ("agent", "The bill has been paid to the company. Do you still live at Rose Lane?"),
    ("client", "Yes, I do. I had an operation, so I can not carry much."),
    (
        "agent",
        "Don't worry, I have cancelled the old order, and a courier will bring you the router tomorrow.",
    ),
    ("client", "Thank you. Then I will return the old one."),
    ("agent", "It will be ready on Monday. I'll pop you an email to confirm."),
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("The client was able to confirm that the bill has been paid.", SAID),
        ("The agent confirmed that the bill has been paid.", None),
        ("The client confirmed that they live at Rose Lane.", None),
        ("The client said that the amount of the bill is ninety dollars.", None),
        ("The agent helped the client by providing the amount of the bill.", SAID),
        ("The agent agreed to return the old router.", DID),
        ("The client agreed to return the old router.", None),
        ("The agent had an operation.", DID),
        ("The client had an operation.", None),
        ("The courier has brought the router.", ANNOUNCED),
        ("The client received the router.", ANNOUNCED),
        ("The client was able to receive the router.", ANNOUNCED),
        ("The router is ready.", ANNOUNCED),
        ("Dean sent an email.", ANNOUNCED),
        ("The courier brought the router tomorrow.", ANNOUNCED),
        ("The agent scheduled a courier for tomorrow.", None),
        ("The agent cancelled the old order.", None),
        ("The agent refused to help with the bill.", DENIED),
        ("The agent called to pay the bill.", DID),
        ("The client called to pay the bill.", None),
    ],
)
def test_the_side_that_says_or_does_it_and_whether_it_is_so(text: str, fault: str | None) -> None:
    told = (SAID, DID, ANNOUNCED, ASKED, DENIED)
    found = [reason for reason in StatementChecker(BILL, "en", None).check(text).reasons if reason in told]
    assert (fault in found) if fault else not found


@pytest.mark.parametrize(
    ("text", "verbs"),
    [
        ("The agent helped by providing the address.", ["helped", "provide"]),
        ("The agent helped by sending a card.", ["helped", "sent"]),
        ("The card came by mail.", ["came"]),
    ],
)
def test_by_what_means_is_a_clause_of_its_own(text: str, verbs: list[str]) -> None:
    clauses = read_statement(text, wording_of("en"), {})
    assert [clause.verb for clause in clauses] == verbs
    assert {clause.subject for clause in clauses} == {clauses[0].subject}
