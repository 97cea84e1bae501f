"""What a sentence does, told by its wording."""

from __future__ import annotations

import pytest

from analysis.summary.reading.wording import Act, acts_of


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("I'm calling about my bill.", Act.PURPOSE),
        ("Your contract runs out, and I would like to talk about the renewal.", Act.PURPOSE),
        ("i would like to transfer money", Act.REQUEST),
        ("It has forty boxes on it, but we only ordered fourteen.", Act.PROBLEM),
        ("I lost my debit card.", Act.PROBLEM),
        ("There is also a second thing, the invoice.", Act.FURTHER),
        ("I’ve blocked the card.", Act.RESULT),
        ("The money has been transferred.", Act.RESULT),
        ("that's all set for you", Act.RESULT),
        ("now it prints.", Act.RESULT),
        ("It's working again.", Act.RESULT),
        ("that did the trick", Act.RESULT),
        ("I've got you down for Friday at nine.", Act.RESULT),
        ("So I have a ten o'clock appointment for Ada in the system.", Act.RESULT),
        ("your balance is a hundred dollars", Act.FINDING),
        ("We will send you a new lamp tomorrow.", Act.PROMISE),
        ("A technician will come on Thursday.", Act.PROMISE),
        ("I can offer you ten percent off.", Act.OFFER),
        ("Unfortunately we can't do that.", Act.DECLINE),
        ("I don't know when it comes.", Act.UNKNOWN),
        ("Then I'll wait for the courier.", Act.DECISION),
        ("Please send us a photo.", Act.INSTRUCTION),
        ("If this goes on I'm going to cancel my contract.", Act.THREAT),
        ("No wait, the fifth.", Act.CORRECTION),
        ("Good morning, how can I help you?", Act.GREETING),
        ("No, that's all.", Act.CLOSING),
        ("One moment, please.", Act.FILLER),
        ("You'd be happy to take care of that at no cost.", Act.FILLER),
        ("Let me talk to my manager about it.", Act.FILLER),
        ("Dr. Hill has a gap at ten past two.", Act.OFFER),
        ("Please hold, I'll be with you in a minute.", Act.NO_DEED),
    ],
)
def test_acts_are_told(text: str, act: Act) -> None:
    assert act in acts_of(text)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("You'd be happy to take care of that at no cost.", Act.FINDING),
        ("We take care of that.", Act.CLOSING),
        ("I'll be happy to help.", Act.PROMISE),
        ("I'll just check that.", Act.PROMISE),
        ("I will test the line from here.", Act.PROMISE),
        ("We'll do our best to get to it.", Act.PROMISE),
        ("What was the name, so I can find the order?", Act.OFFER),
        ("I'm going to cancel my contract.", Act.PROMISE),
        ("that's all set for you", Act.CLOSING),
        ("You have to sign it.", Act.RESULT),
        ("It is not working again.", Act.RESULT),
        ("it doesn't work now", Act.RESULT),
    ],
)
def test_what_is_said_in_every_call_is_no_act(text: str, act: Act) -> None:
    assert act not in acts_of(text)


def test_a_long_text_is_read_in_no_time() -> None:
    assert Act.CONDITION in acts_of("if " * 50_000)
