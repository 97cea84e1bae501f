"""What a call asks for: recordings, small talk, denied reasons and the agent's own offers are no topic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.recordings import Recording, recording_in
from analysis.topics.asked import Asked, asked_in
from analysis.topics.denied import without_denied
from bench.materials.asked_calls import DEVELOPED, asked_calls
from pipeline.config.areas.language import KeywordTopicSettings
from tests.analysis.calls import call


def asked(*said: tuple[str, str], language: str | None = "en") -> Asked:
    return asked_in(call(*said).transcript.chunks, language, KeywordTopicSettings())


def lines(*said: tuple[str, str]) -> list[str]:
    return [line.text for line in asked(*said).lines]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("You've reached the desk of Ana. Please leave a message after the tone.", Recording.VOICEMAIL),
        ("hi it's jo leave me a message and i'll ring you", Recording.VOICEMAIL),
        ("The number you have dialled is not available.", Recording.VOICEMAIL),
        ("For your account, press 2. To pay, press the star key.", Recording.MENU),
        ("You can say: track my order, or talk to somebody.", Recording.MENU),
        ("For opening hours, say hours. To pay, say pay. For a person, say help.", Recording.MENU),
        ("For lunch, say one o'clock. To be fair, that is early.", None),
        ("All of our colleagues are currently busy.", Recording.ANNOUNCEMENT),
        ("This call may be recorded.", Recording.ANNOUNCEMENT),
        ("I will press the button and call you when the router is back.", None),
        ("Did you get my message about the invoice?", None),
        ("I am holding the card in my hand.", None),
        ("He left a message that the parcel is lost.", None),
        ("My voicemail does not work.", None),
    ],
)
def test_recordings_are_told_from_people(text: str, kind: Recording | None) -> None:
    assert recording_in(text) is kind


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("I don't want to return it, I want to exchange it.", "I want to exchange it."),
        ("i do not want a new phone i want the old one repaired", "i want the old one repaired"),
        ("The router is fine, it is the television that has no picture.", "it is the television that has no picture."),
        ("It's not about the order, the invoice is wrong.", "the invoice is wrong."),
        ("No problem with the line, my bill is wrong.", "my bill is wrong."),
        ("Nothing is lost or stolen, I only ask what is in the account.", "I only ask what is in the account."),
        # Negation that is the problem stays.
        ("Nothing works.", "Nothing works."),
        ("I can't log in.", "I can't log in."),
        ("It is not working.", "It is not working."),
        ("My parcel has not arrived.", "My parcel has not arrived."),
        ("There is no internet.", "There is no internet."),
        ("I don't want it any more.", "I don't want it any more."),
        ("I don't want to pay twice.", "I don't want to pay twice."),
        ("I did not make this payment.", "I did not make this payment."),
        ("Is it okay if I pay later?", "Is it okay if I pay later?"),
        ("The parcel that arrived was broken.", "The parcel that arrived was broken."),
        ("Money is not in my account.", "Money is not in my account."),
    ],
)
def test_only_a_denied_reason_is_taken_out(sentence: str, left: str) -> None:
    assert without_denied(sentence)[0] == left


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("No, that was never it, I was charged twice", "I was charged twice"),
        (
            "No, nobody touched the second card, I was charged twice",
            "nobody touched the second card, I was charged twice",
        ),
        ("No, nobody has lost the parcel at all, I was charged twice", "I was charged twice"),
        ("No, that is about the parcel, I was charged twice", "that is about the parcel, I was charged twice"),
        ("Yes, that was never it, I was charged twice", "Yes, that was never it, I was charged twice"),
    ],
)
def test_after_a_no_a_brief_negation_and_one_about_what_was_asked_are_taken_out(sentence: str, left: str) -> None:
    assert without_denied(sentence, "Is this about your parcel?")[0] == left
    assert without_denied(sentence)[0] == sentence


def test_a_no_denies_what_the_agent_named() -> None:
    said = lines(("agent", "Is this about your parcel?"), ("client", "No, not the parcel. I was charged twice."))
    assert said == ["I was charged twice."]
    said = lines(("agent", "Has it arrived?"), ("client", "No, the parcel has not arrived."))
    assert said == ["No, the parcel has not arrived."]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([("agent", "You have reached Ana. Leave a message after the beep.")], "a voicemail greeting"),
        ([("client", "Leave your message after the tone."), ("client", "Our office is closed.")], "voicemail"),
        ([("agent", "For sales press one, for repairs press two.")], "a recorded menu"),
        ([("agent", "All our agents are busy. Ask us about our new phones.")], "recorded announcements"),
        ([("agent", "How can I help?"), ("client", "Hello? Can you hear me?")], "does not say"),
        ([("agent", "Telecom, hello."), ("client", "Is that the bakery?"), ("agent", "You have the wrong number.")],
         "a wrong number"),
        ([("agent", "Bank, hello."), ("client", "Is that Joe's? I dialled it wrong.")], "a wrong number"),
        ([("client", "Hi, it's Ann. Leave me a message."), ("agent", "Hello Ann. Just returning your call. Bye.")],
         "does not say"),
        ([("agent", "We sell routers and cards. I have sent you a card."), ("client", "Bye.")], "does not say"),
        ([], "nobody speaks"),
    ],
)  # fmt: skip
def test_nobody_asks_for_anything(said: list[tuple[str, str]], told: str) -> None:
    found = asked(*said)
    assert found.lines == ()
    assert told in (found.nothing_because or "")


def test_a_wrong_number_in_somebodys_data_is_no_wrong_call() -> None:
    assert lines(("client", "I gave you the wrong number for my account."))
    assert lines(("client", "You have the wrong number on my invoice."))


def test_whoever_talks_on_after_a_mistake_has_not_misdialled() -> None:
    """Money sent to a wrong account was taken for a wrong number."""
    said = [("client", "I sent money to the wrong account, I mixed up two digits."), ("agent", "When was that?")]
    talk = [
        ("client", "An hour ago."),
        ("agent", "I have opened a recall."),
        ("client", "And now?"),
        ("agent", "We wait."),
    ]
    assert lines(*said, *talk, ("client", "Okay then."))
    assert not lines(("agent", "Bank."), ("client", "Oh, I mixed up two digits."), ("agent", "No worries."))


def test_a_client_who_mentions_a_menu_is_heard() -> None:
    assert lines(("client", "I had to press one three times. My card is lost.")) == [
        "I had to press one three times.",
        "My card is lost.",
    ]


def test_the_agents_offers_are_not_the_clients_reason() -> None:
    said = lines(
        ("client", "My card is lost."),
        ("agent", "I have blocked the card. By the way, our internet is fast. A router is free."),
    )
    assert said == ["My card is lost.", "I have blocked the card."]


def test_what_the_agent_says_after_an_offer_counts() -> None:
    """An offer, or a sentence that says nothing, hides nothing of the same turn; an advertisement hides the rest."""
    wish = ("client", "I cannot use my account.")
    after = "The account is locked since yesterday."
    for before in ("Would you like a coffee?", "Okay, thank you.", "May I see that?"):
        assert lines(wish, ("agent", f"{before} {after}"))[-1] == after
    assert after not in lines(wish, ("agent", f"By the way, we also offer lamps. {after}"))


def test_what_the_agent_says_again_counts_where_the_client_is_vague() -> None:
    said = lines(
        ("client", "It won't let me in any more."), ("agent", "So you forgot your password?"), ("client", "Yes.")
    )
    assert said == ["So you forgot your password?"]


def test_what_the_agent_says_is_the_matter_counts_less_than_what_the_client_asks() -> None:
    """The client named the place, the agent what is switched off there, and the call had no topic."""
    found = asked(
        ("agent", "Telecom, hello. Our new phones are here."),
        ("client", "I'm going to Peru and need my phone there."),
        ("agent", "Roaming is off in your plan. Shall I look at prices? Have you heard of our insurance? It is cheap."),
    ).lines
    assert [(line.text, line.weight) for line in found] == [
        ("I'm going to Peru and need my phone there.", 1.0),
        ("Roaming is off in your plan.", KeywordTopicSettings().agent_weight),
    ]


@pytest.mark.parametrize("text", ["Hello Marta.", "Thanks, Mr Bell.", "No, that's everything.", "Okay, thank you."])
def test_a_greeting_with_a_name_says_nothing(text: str) -> None:
    assert lines(("client", "My card is lost."), ("client", text)) == ["My card is lost."]


def test_the_agent_names_what_is_wanted_while_he_answers_it() -> None:
    said = lines(
        ("client", "We would like to play some order."),
        ("agent", "For a bulk order of two hundred, I can offer you a discount. We also offer insurance."),
        ("client", "Wonderful."),
        ("agent", "Thank you for your order. Thank you for your time."),
    )
    assert said == ["We would like to play some order.", "For a bulk order of two hundred", "Thank you for your order."]


@pytest.mark.parametrize(
    ("turns_before", "weight"),
    [(0, 1.0), (1, 1.0), (2, KeywordTopicSettings().later_weight)],
)
def test_a_question_about_the_answer_is_no_reason_for_the_call(turns_before: int, weight: float) -> None:
    """The reason was misheard, and "When can you deliver?" made a new order a late shipment."""
    said = [("client", "I want two hundred chairs."), ("agent", "Yes."), ("client", "The same as last year.")]
    found = asked(*said[: 2 * turns_before], ("agent", "Fine."), ("client", "Good. When can you deliver?")).lines
    assert found[-1].text == "When can you deliver?"
    assert found[-1].weight == weight


def test_who_speaks_is_no_reason() -> None:
    assert lines(("client", "This is Grace Lock from Lock and Sons. Our server is down.")) == ["Our server is down."]
    assert lines(("client", "hi my name is mary cross i lost my card")) == ["hi, i lost my card"]


@pytest.mark.parametrize(
    "said",
    [
        [("client", "My parcel is late. Also, I want to change my address.")],
        [("client", "My parcel is late, and on top of that my bill is wrong.")],
        [("client", "My parcel is late."), ("agent", "Anything else?"), ("client", "Yes, my bill is wrong.")],
        [("client", "My parcel is late. Oh, before I go, we have a new address.")],
        [("client", "My parcel is late."), ("client", "Since I'm on the phone, my bill is wrong.")],
        # A request after the first matter is settled.
        [
            ("client", "My card was stolen."),
            ("agent", "The card has been blocked."),
            ("client", "Could you tell me the balance?"),
        ],
        # Common words alone, which ask for something with "while I've got you".
        [("client", "my card is stuck in the machine"), ("client", "oh and while i've got you how much is in there")],
    ],
)
def test_a_second_reason_is_told_from_the_first(said: list[tuple[str, str]]) -> None:
    reasons = [line.reason for line in asked(*said).lines if line.weight == 1.0]
    assert sorted(set(reasons)) == [0, 1]


def test_what_is_denied_in_common_words_goes_with_what_it_is_about() -> None:
    assert lines(("client", "There's a payment to a shop in Oslo. I didn't make that. My card is here.")) == [
        "There's a payment to a shop in Oslo. I didn't make that.",
        "My card is here.",
    ]


def test_more_about_the_same_is_no_second_reason() -> None:
    found = asked(("client", "My parcel is late. This is the second time. I have waited for a week."))
    assert {line.reason for line in found.lines} == {0}


def test_a_request_before_anything_is_settled_is_the_same_reason() -> None:
    said = [("client", "My card was stolen."), ("agent", "When was that?"), ("client", "Could you block the card?")]
    assert {line.reason for line in asked(*said).lines} == {0}


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("Where are you from before you got here?", ["Where are you from before you got here?"]),
        ("Hello? Are you there? Can you hear me?", []),
        ("Where are you from? My parcel is lost.", ["My parcel is lost."]),
    ],
)
def test_a_question_of_common_words_counts_where_there_is_nothing_else(said: str, lines: list[str]) -> None:
    found = asked_in(call(("client", said)).transcript.believed, "en", KeywordTopicSettings())
    assert [line.text for line in found.lines] == lines


def test_in_other_languages_every_line_counts() -> None:
    said = [("agent", "Bonjour, appuyez sur un."), ("client", "Ma facture est fausse."), ("agent", "Une facture ?")]
    found = asked(*said, language="fr")
    assert [line.weight for line in found.lines] == pytest.approx([0.3, 1.0, 0.3])


def test_of_the_developed_calls_those_without_words_to_go_by_have_no_lines() -> None:
    empty = {"voicemail_greeting", "menu", "announcement", "wrong_number"}
    for one in asked_calls(DEVELOPED):
        found = asked_in(one.call.transcript.believed, "en", KeywordTopicSettings())
        if one.kind in empty:
            assert found.lines == (), one.call.call_id
        if one.accept:
            assert found.lines, one.call.call_id


@given(st.lists(st.tuples(st.sampled_from(["agent", "client", "unknown"]), st.text(max_size=80)), max_size=5))
def test_whatever_is_said_there_are_lines_or_a_reason(said: list[tuple[str, str]]) -> None:
    found = asked(*said)
    assert bool(found.lines) != bool(found.nothing_because)
    assert all(line.text and 0 < line.weight <= 1 for line in found.lines)


@pytest.mark.parametrize(
    ("said", "reasons"),
    [
        # Nothing stands before the first thing asked for, however it begins.
        (["One more thing, I want to cancel my subscription."], [0]),
        (["Hello Marta.", "One more thing, I want to cancel my subscription."], [0]),
        (["My card was stolen. Another thing is that my invoice is wrong."], [0, 1]),
        (["My card was stolen.", "Another thing is that my invoice is wrong."], [0, 1]),
    ],
)
def test_a_further_reason_needs_one_before_it(said: list[str], reasons: list[int]) -> None:
    found = asked(*(("client", text) for text in said)).lines
    assert [line.reason for line in found] == reasons


def test_only_turns_that_say_something_are_opening_ones() -> None:
    greetings = [("client", "Hello Marta.")] * 5
    objects = ("card", "lamp", "kettle", "table", "invoice")
    found = asked(*greetings, *(("client", f"My {what} is broken.") for what in objects)).lines
    settings = KeywordTopicSettings()
    assert [line.weight for line in found] == [1.0] * settings.opening_turns + [settings.later_weight]
