"""Acts of speech in statements, and what is told as reached: each kind stood unmarked in a real model's summaries."""

from __future__ import annotations

import pytest

from analysis.summary.checking import StatementChecker
from analysis.summary.support.statements import read_statement
from analysis.summary.support.verdict import Verdict
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


NOT_SO, ANSWERED_NO, DATED = (
    "the call says that it is not so",
    "it was asked, and answered with no",
    "the time belongs to something else",
)
MOVE = call(
    ("agent", "Good morning, how can I help you?"),
    ("client", "My number still hasn't moved over, and the woman opposite slipped on the cable yesterday."),
    ("agent", "Would you like us to stop the transfer?"),
    ("client", "No, don't do that. Do I need to sign the letter again?"),
    ("agent", "No. A repair is going out on Thursday, and the form's deadline's Friday. I'd have to ask my manager."),
    ("client", "My nephew was fixing to cut the cable on Saturday."),
    ("agent", "Don't touch the cable. I blocked the old line and raised a ticket. I could do Monday at four."),
    ("client", "Monday works. I'll wait for it and ring you if they say no."),
    ("agent", "You'll have the final bill within ten days."),
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("The number has been moved.", NOT_SO),
        ("The client slipped on the cable yesterday.", DID),
        ("The client wants to stop the transfer.", ANSWERED_NO),
        ("The client does not want to stop the transfer.", None),
        ("The client has to sign the letter again.", ANSWERED_NO),
        ("The client does not have to sign the letter again.", None),
        ("The fault was repaired.", ANNOUNCED),
        ("The deadline of the form is on Thursday.", DATED),
        ("The deadline of the form is on Friday.", None),
        ("The client will ask the manager.", DID),
        ("The agent will ask the manager.", None),
        ("The nephew has cut the cable.", ANNOUNCED),
        ("The client asked the agent not to touch the cable.", SAID),
        ("The agent asked the client not to touch the cable.", None),
        ("The agent raised a ticket.", None),
        ("The client offered Monday at four.", SAID),
        ("The agent offered Monday at four.", None),
        ("The agent will call the client if the other company says no.", DID),
        ("The agent will have the final bill within ten days.", DID),
        ("The client will have the final bill within ten days.", None),
    ],
)
def test_what_is_to_come_what_is_denied_and_what_somebody_else_does(text: str, fault: str | None) -> None:
    """Strangers' false statements that stood unmarked, each kind in other words."""
    told = (SAID, DID, ANNOUNCED, ASKED, DENIED, NOT_SO, ANSWERED_NO, DATED)
    found = [reason for reason in StatementChecker(MOVE, "en", None).check(text).reasons if reason in told]
    assert (fault in found) if fault else not found


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("I lost my debit card, can you send me a new one?", ANNOUNCED),
        ("You sent me a new debit card, and it does not work.", None),
    ],
)
def test_what_was_only_asked_to_be_sent_has_not_come(said: str, fault: str | None) -> None:
    """Of a real model's, about calls in which the agent says nothing of it."""
    about = call(("agent", "How can I help you?"), ("client", said))
    checked = StatementChecker(about, "en", None).check("The client received a new debit card.")
    assert (fault in checked.reasons and checked.verdict is not Verdict.SUPPORTED) if fault else not checked.reasons
