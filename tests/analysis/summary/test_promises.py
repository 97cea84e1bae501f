"""What is promised in a call, by whom and by when."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from analysis.records import ActionItem
from analysis.summary.promises import promised, promises
from analysis.summary.reading.moments import by_when
from analysis.summary.reading.readings import read
from analysis.summary.reading.sentences import sentences_of
from pipeline.records import Role
from tests.analysis.calls import call, chunk
from tests.pinned import assert_pinned


def items_of(*said: tuple[str, str], most: int = 5) -> tuple[ActionItem, ...]:
    readings = read(sentences_of(call(*said).transcript.chunks), None)
    return promises(readings, promised(readings, None), most)


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
        ("An assessor will look at the roof on Monday.", "on Monday"),
        ("I'll bring it before five.", "before five"),
        ("We'll send the box by the end of November.", "by the end of November"),
        ("We'll post it at 4 p.m. as usual.", "at 4 p.m."),
        ("I'll send it.", None),
        ("I'll send you four of them for fifty dollars.", None),
    ],
)
def test_promises_are_told_with_their_time(text: str, when: str | None) -> None:
    assert [(item.what, item.who, item.by_when) for item in items_of(("agent", text))] == [(text, "agent", when)]


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
        # Politeness, and what is done while both are on the line.
        ("agent", "You'd be happy to take care of that."),
        ("agent", "I'll be very happy to open the account."),
        ("agent", "May I have the number, so I can look it up?"),
        ("agent", "Let me check the order."),
        ("agent", "I'll run another test on the line."),
        ("agent", "We'll get you back in."),
        ("agent", "Please hold the line, I'll call the depot."),
        # Foretold, hoped for, a habit, what should have been.
        ("agent", "It'll take about five days."),
        ("agent", "The flight will arrive at noon."),
        ("agent", "They think it'll be back by six."),
        ("agent", "I'm afraid he will say the same."),
        ("agent", "The interest of each year will be transferred to your account."),
        ("agent", "You should have seen the sign."),
        ("agent", "You'll get there in an hour."),
        ("agent", "You'll be there until March."),
        ("agent", "It has to be replaced."),
        ("agent", "The doctor will be busy until noon."),
        ("agent", "I don't think you will have much trouble."),
        # A client who thinks it over.
        ("client", "I'll speak to my husband first."),
        ("client", "I'll come and have a look."),
        ("agent", "It will take about ten days."),
    ],
)
def test_questions_threats_and_what_every_agent_says_are_no_promises(said: tuple[str, str]) -> None:
    assert items_of(said) == ()


def test_a_corrected_promise_is_none() -> None:
    talk = [
        ("agent", "I'll book a table for you on the fourth."),
        ("client", "No wait, the fifth."),
        ("agent", "I'll book it for the fifth then."),
    ]
    assert [item.what for item in items_of(*talk)] == ["I'll book it for the fifth then."]


def test_two_promises_in_a_sentence_are_two() -> None:
    found = items_of(("agent", "You will have the money within three days, and I will send you the bill today."))
    assert [(item.what, item.by_when) for item in found] == [
        ("You will have the money within three days", "within three days"),
        ("I will send you the bill today.", "today"),
    ]


def test_what_a_client_will_do_is_a_promise_of_the_client() -> None:
    assert [(item.who, item.by_when) for item in items_of(("client", "I'll call again tomorrow then."))] == [
        ("client", "tomorrow")
    ]


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("client", "I'll pop round on Monday with the keys."),
        ("client", "We'll label the boxes for you."),
        ("client", "I'll see that the drive is clear on Friday."),
        ("client", "You'll have the signed copy tomorrow."),
        ("client", "Let me forward you the photos tonight."),
        ("agent", "Let me ask the workshop and call you back."),
        ("agent", "You'll have it back on Friday even if I have to work late."),
        ("agent", "Mrs Okafor will phone you tomorrow."),
    ],
)
def test_a_promise_needs_a_deed_and_whom_or_when(role: str, text: str) -> None:
    assert [(item.who, item.what) for item in items_of((role, text))] == [(role, text)]


def test_a_fallback_makes_no_promise_conditional() -> None:
    found = items_of(("agent", "We'll deliver it on Tuesday, and if that fails I'll bring it myself."))
    assert [item.what for item in found][:1] == ["We'll deliver it on Tuesday"]


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("client", "I'll label the boxes."),
        ("client", "I'll leave on the 9th of this month."),
        ("client", "I'll then think about it until Friday."),
        ("client", "We'll arrive at noon tomorrow."),
        ("agent", "Let me send you a code."),
        ("agent", "You will need another doctor who will prescribe it."),
        ("agent", "The tickets will go on sale on Friday."),
    ],
)
def test_plans_of_ones_own_and_news_are_no_promises(role: str, text: str) -> None:
    assert items_of((role, text)) == ()


def test_a_signature_is_promised_too() -> None:
    assert [(item.who, item.by_when) for item in items_of(("client", "I will sign it by Friday."))] == [
        ("client", "by Friday")
    ]


TALK = {
    "asked right away and refused": (
        [("agent", "I'll book the table for six. Is that okay?"), ("client", "No, for seven.")],
        [],
    ),
    "asked right away and done": (
        [
            ("agent", "I'll book the table for six. Is that okay?"),
            ("client", "Yes, please."),
            ("agent", "I've booked it."),
        ],
        [],
    ),
    "asked right away and agreed": (
        [("agent", "I'll send the parcel to your office. Is that okay?"), ("client", "Yes, please.")],
        ["I'll send the parcel to your office."],
    ),
    "done before the call ends": (
        [("agent", "I'll block your card."), ("client", "Good."), ("agent", "The card is blocked.")],
        [],
    ),
    "an answer to a question": (
        [("agent", "When does it end?"), ("client", "I'll return the car on Friday.")],
        [],
    ),
    "an answer to a question for yes or no": (
        [("agent", "Do you have pictures?"), ("client", "I'll upload some this evening.")],
        ["I'll upload some this evening."],
    ),
    "an answer to a request": (
        [("agent", "Could you send us a photo?"), ("client", "I'll send it tonight.")],
        ["I'll send it tonight."],
    ),
    "what it points back to": (
        [("agent", "I've sent another card by courier. It'll be with you on Thursday.")],
        ["I've sent another card by courier. It'll be with you on Thursday."],
    ),
    "a promise that goes on": (
        [("agent", "A technician will come on Friday, and he'll bring the part.")],
        ["A technician will come on Friday, and he'll bring the part."],
    ),
    "the manager of the one who promises": (
        [("agent", "I'll speak to the manager today and he'll ring you back.")],
        ["I'll speak to the manager today and he'll ring you back."],
    ),
    "under way": (
        [("agent", "I'm sending you the new ticket by email.")],
        ["I'm sending you the new ticket by email."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TALK)
def test_a_promise_is_what_is_still_to_be_done_when_the_call_ends(name: str) -> None:
    said, told = TALK[name]
    assert [item.what for item in items_of(*said)] == told


def test_promises_are_told_once_up_to_the_limit() -> None:
    said = [("agent", "I'll send one."), ("agent", "I'll send one."), ("agent", "I'll call him.")]
    assert [item.what for item in items_of(*said)] == ["I'll send one.", "I'll call him."]
    assert len(items_of(*said, most=1)) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I'll send you one.", [None]),
        ("I'll send it by Friday.", [None]),
        ("I'm going to the park.", []),
        ("I'll find them.", []),
        ("They will charge you for it.", []),
    ],
)
def test_plans_of_people_in_no_role_are_no_promises(text: str, told: list[str | None]) -> None:
    unknown = read(sentences_of([chunk(0, Role.UNKNOWN, text)]), None)
    assert [item.who for item in promises(unknown, promised(unknown, None), 5)] == told


def test_no_moment_is_read_into_bare_words() -> None:
    assert by_when("the second one of the week") is None


DRAWN: dict[str, Sequence[str]] = {
    "before": (
        "", "When does it end?", "Could you send it to us today?", "Will somebody come?", "What happens then?",
        "I want my money back.",
    ),
    "said": (
        "I'll send you the form by Friday.", "I'll block your card.", "We'll refund the forty dollars.",
        "I can get them on the first van tomorrow.", "We could bring it on Monday or Tuesday.",
        "A technician will come tomorrow morning.", "Let me check that for you.", "Let me send you the photos tonight.",
        "I'll book the table for six.", "I'll return the keys on Monday and you'll get the bill tomorrow.",
        "If it rains I'll bring a coat.", "You'll get an email by noon, and if not, I'll call you.",
        "I'm sending a new router, and it'll be there by Saturday.", "You'll have the signed copy by noon.",
        "I'll sign the papers.", "I'll come at five.", "They'll deliver your sofa on the ninth.",
        "Somebody is going to call you next week.", "I'll see that the drive is clear on Friday.",
        "I will wait until Friday.", "I'll go to my lawyer tomorrow.", "It'll be ready in two hours.",
    ),
    "after": (
        "", "Please hold the line.", "I'll be back in a moment.", "Is that okay?", "It is blocked now.",
        "I've sent the form to you.", "Only if you agree.", "Right?",
    ),
    "reply": ("", "Yes, please.", "No, on Monday.", "Okay, do that.", "No wait, leave it."),
    "end": ("", "The table is booked.", "I've refunded the forty dollars.", "Then I'll send it by Monday.", "Goodbye."),
}  # fmt: skip


@pytest.mark.parametrize("sides", [("agent", "client"), ("client", "agent"), ("unknown", "unknown")])
def test_what_is_promised_in_drawn_talks(sides: tuple[str, str]) -> None:
    """Whatever comes before and after: kept as it is, so that any change is seen; each sentence with each of a kind."""
    first, second = sides
    lines = []
    for number, text in enumerate(DRAWN["said"]):
        generator = random.Random(number)
        drawn = [[generator.choice(DRAWN[kind]) for kind in ("before", "after", "reply", "end")] for _ in range(6)]
        single = [["" if kind != other else part for kind in ("before", "after", "reply", "end")]
                  for other in ("before", "after", "reply", "end") for part in DRAWN[other]]  # fmt: skip
        for before, after, reply, end in [*single, *drawn]:
            said = [(second, before), (first, f"{text} {after}".strip()), (second, reply), (first, end)]
            talk = [turn for turn in said if turn[1]]
            found = [f"{item.what} ({item.who}, {item.by_when})" for item in items_of(*talk)]
            lines.append(f"{' | '.join(part for _, part in talk)} -> {'; '.join(found) or '-'}")
    assert_pinned(f"promises_{first}.txt", "\n".join(lines))
