"""What is promised in a call, by whom and by when."""

from __future__ import annotations

import pytest

from analysis.records import ActionItem
from analysis.summary.promises import by_when, promises
from analysis.summary.reading.readings import read
from analysis.summary.reading.sentences import sentences_of
from pipeline.records import Role
from tests.analysis.calls import call, chunk


def promised(*said: tuple[str, str], most: int = 5) -> tuple[ActionItem, ...]:
    return promises(read(sentences_of(call(*said).transcript.chunks), None), most)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("I'll send you a new one by Friday.", "by Friday"),
        ("We will refund it within three working days.", "within three working days"),
        ("A technician will come tomorrow morning.", "tomorrow morning"),
        ("Your card will be blocked this week.", "this week"),
        ("I'll call you back this afternoon.", "this afternoon"),
        ("It should arrive in seven to ten days.", "in seven to ten days"),
        ("You'll hear from us by the end of next month.", "by the end of next month"),
        ("I will send it to you by tomorrow noon.", "by tomorrow noon"),
        ("A surveyor will visit you on Monday the 9th.", "on Monday the 9th"),
        ("I'll bring it before five.", "before five"),
        ("We'll send the box by the end of November.", "by the end of November"),
        ("We'll post it at 4 p.m. as usual.", "at 4 p.m."),
        ("I'll send it.", None),
        ("I'll send you four of them for fifty dollars.", None),
    ],
)
def test_promises_are_told_with_their_time(text: str, when: str | None) -> None:
    assert [(item.what, item.who, item.by_when) for item in promised(("agent", text))] == [(text, "agent", when)]


@pytest.mark.parametrize(
    "said",
    [
        ("agent", "I'll send it on Friday?"),
        ("agent", "I'll just check that."),
        ("agent", "I'll be happy to help."),
        ("agent", "You said so on Friday."),
        ("client", "If you don't sort it out I'm going to cancel my contract."),
        ("client", "I'm going to cancel my contract on Friday."),
        ("client", "I'll go to another company tomorrow."),
        ("client", "Then I'll send this to my lawyer."),
        ("agent", "If it rains we'll send you a coat."),
    ],
)
def test_questions_threats_and_what_every_agent_says_are_no_promises(said: tuple[str, str]) -> None:
    assert promised(said) == ()


def test_a_corrected_promise_is_none() -> None:
    talk = [
        ("agent", "I'll book a table for you on the fourth."),
        ("client", "No wait, the fifth."),
        ("agent", "I'll book it for the fifth then."),
    ]
    assert [item.what for item in promised(*talk)] == ["I'll book it for the fifth then."]


def test_two_promises_in_a_sentence_are_two() -> None:
    found = promised(("agent", "You will have the money within three days, and I will send you the bill today."))
    assert [(item.what, item.by_when) for item in found] == [
        ("You will have the money within three days", "within three days"),
        ("I will send you the bill today.", "today"),
    ]


def test_what_a_client_will_do_is_a_promise_of_the_client() -> None:
    assert [(item.who, item.by_when) for item in promised(("client", "I'll call again tomorrow then."))] == [
        ("client", "tomorrow")
    ]


def test_a_signature_is_promised_too() -> None:
    assert [(item.who, item.by_when) for item in promised(("client", "I will sign it by Friday."))] == [
        ("client", "by Friday")
    ]


def test_promises_are_told_once_up_to_the_limit() -> None:
    said = [("agent", "I'll send one."), ("agent", "I'll send one."), ("agent", "I'll call him.")]
    assert [item.what for item in promised(*said)] == ["I'll send one.", "I'll call him."]
    assert len(promised(*said, most=1)) == 1
    unknown = read(sentences_of([chunk(0, Role.UNKNOWN, "I'll send one.")]), None)
    assert [item.who for item in promises(unknown, 5)] == [None]


def test_no_moment_is_read_into_bare_words() -> None:
    assert by_when("the second one of the week") is None
