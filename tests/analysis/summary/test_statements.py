"""True and false statements about calls: how many of the false are caught, how many of the true are lost.

The figures that count are `python -m bench.statements`; these are floors under them, on the half kept apart too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.calls import speaks
from analysis.encoder.vectors import SentenceEncoder
from analysis.summary.checking import StatementChecker
from analysis.summary.support.evidence import CallEvidence
from analysis.summary.support.figures import without_idioms
from analysis.summary.support.verdict import BY_CASE, WEIGHED, Case, Verdict, faults_of, weights
from analysis.summary.support.wording import wording_of
from bench.statements import FALSE_KINDS, STATEMENTS, Labelled, read_statements, verdicts
from pipeline.records import CallForAnalysis
from tests.analysis.calls import call
from tests.analysis.encoder.conftest import real_encoder

__all__ = ["real_encoder"]

HALVES = ("tuning", "kept_apart")
LATER = {"kept_apart_later": 0.80, "strangers_apart": 0.70}
"""Sets written before the checker was changed on their account: the least share caught."""
LEAST_CAUGHT = {"tuning": 0.85, "kept_apart": 0.75}
MOST_DROPPED = {"tuning": 0.05, "kept_apart": 0.10}

CARD = call(
    ("agent", "Good morning, City Bank. How may I help you?"),
    ("client", "I lost my card on the train. I would like to block it and order a new card."),
    ("agent", "The card is blocked now. The new card will be at your home within five days."),
    ("client", "Do I have to pay for the new card?"),
    ("agent", "No, it is free. Is there anything else?"),
    ("client", "No, that is all."),
)
MONEY = call(
    ("client", "You charged me twice, this is terrible."),
    ("agent", "I am sorry, our mistake. I have moved forty dollars from your savings to your checking account."),
    ("client", "I want a discount of ten percent."),
    ("agent", "I can add five users, but I cannot give you a discount."),
)


def judged(about: CallForAnalysis, text: str) -> Verdict:
    return StatementChecker(about, "en", None).check(text).verdict


@pytest.mark.parametrize(
    ("about", "text"),
    [
        (CARD, "The client lost a card on the train."),
        (CARD, "The agent blocked the card."),
        (CARD, "The client asked if the new card costs anything."),
        (CARD, "The new card arrives within five days."),
        (CARD, "The client had no further requests."),
        (MONEY, "The client was charged twice."),
        (MONEY, "The agent apologised for the mistake."),
        (MONEY, "The agent moved $40 from savings to checking."),
        (MONEY, "The agent refused to give a discount."),
    ],
)
def test_what_the_call_says_is_no_fault(about: CallForAnalysis, text: str) -> None:
    assert judged(about, text) is not Verdict.CONTRADICTED


@pytest.mark.parametrize(
    ("about", "text", "fault"),
    [
        (CARD, "The agent lost his card on the train.", "the other side did it"),
        (CARD, "The client apologised for the delay.", "nobody said such a thing"),
        (CARD, "The agent could not block the card.", "nobody denied it"),
        (CARD, "The agent's card is blocked.", "it is the other side's"),
        (MONEY, "The agent was charged twice.", "the other side did it"),
        (MONEY, "The client apologised for the mistake.", "nobody said such a thing"),
        (MONEY, "The money went from checking to savings.", "it went the other way round"),
        (MONEY, "The agent added ten users.", "the number belongs to something else"),
        (MONEY, "The agent paid 900 dollars.", "a number that is not in the transcript"),
    ],
)
def test_what_the_call_does_not_say_is_told_by_its_fault(about: CallForAnalysis, text: str, fault: str) -> None:
    checked = StatementChecker(about, "en", None).check(text)
    assert checked.verdict is not Verdict.SUPPORTED
    assert fault in checked.reasons


@pytest.mark.parametrize("text", ["A third party was named.", "It was said at first hand."])
def test_words_of_number_that_count_nothing_are_no_numbers(text: str) -> None:
    assert not any(fault.kind == "number" for fault in StatementChecker(CARD, "en", None).unsupported(text))
    assert len(without_idioms(text)) < len(text)


def test_she_is_whom_the_statement_before_was_about() -> None:
    checker = StatementChecker(CARD, "en", None)
    checker.check("The client lost a card.")
    assert checker.check("She blocked the card.").verdict is not Verdict.SUPPORTED
    checker.check("The agent helped the client.")
    assert checker.check("She blocked the card.").verdict is Verdict.SUPPORTED


def test_in_other_languages_only_facts_are_compared_and_nothing_counts_as_verified() -> None:
    checker = StatementChecker(CARD, "fr", None)
    assert not checker.reads
    assert checker.check("Le client a perdu sa carte.").verdict is Verdict.NOT_VERIFIED
    assert checker.check("La carte coûte 900 dollars.").verdict is Verdict.CONTRADICTED


def test_a_call_without_words_supports_nothing() -> None:
    silent = call(("agent", "[noise]"))
    assert not speaks(silent)
    assert judged(silent, "The client lost a card.") is Verdict.NOT_VERIFIED


def test_weights_name_every_field_that_is_weighed() -> None:
    for one in weights().values():
        assert {case: len(one.coefficients[case]) for case in Case} == dict.fromkeys(Case, len(WEIGHED))
        assert 0 < one.contradicted_below < one.verified_from < 1
    assert set(BY_CASE) < set(WEIGHED)


def _shares(statements: list[Labelled], found: list[Verdict]) -> tuple[float, float]:
    """Of the false, caught; of the true, dropped."""
    false = [verdict for one, verdict in zip(statements, found, strict=True) if not one.true]
    true = [verdict for one, verdict in zip(statements, found, strict=True) if one.true]
    caught = sum(verdict is not Verdict.SUPPORTED for verdict in false) / len(false)
    return caught, sum(verdict is Verdict.CONTRADICTED for verdict in true) / len(true)


@pytest.mark.parametrize("half", HALVES)
def test_false_statements_are_caught_and_true_ones_stay(
    half: str, real_encoder: SentenceEncoder, reference_data: Path
) -> None:
    """Of every other call; the bench judges all. Most of the time is the encoder's, over the lines of each call."""
    statements = read_statements(STATEMENTS / f"{half}.yaml", reference_data)
    about = sorted({one.call.call_id for one in statements})[::2]
    statements = [one for one in statements if one.call.call_id in about]
    assert len(statements) > 100
    assert {one.kind for one in statements} == {"supported", *FALSE_KINDS}
    caught, dropped = _shares(statements, verdicts(statements, real_encoder))
    assert caught >= LEAST_CAUGHT[half]
    assert dropped <= MOST_DROPPED[half]


def test_statements_a_real_model_wrote(real_encoder: SentenceEncoder) -> None:
    statements = read_statements(STATEMENTS / "model.yaml", None)
    assert len(statements) > 50
    caught, dropped = _shares(statements, verdicts(statements, real_encoder))
    assert caught >= 0.75
    assert dropped <= 0.05


@pytest.mark.parametrize(("name", "least"), LATER.items())
def test_statements_written_after_the_misses_of_a_real_model(
    name: str, least: float, real_encoder: SentenceEncoder
) -> None:
    statements = read_statements(STATEMENTS / f"{name}.yaml", None)
    assert len(statements) > 100
    caught, dropped = _shares(statements, verdicts(statements, real_encoder))
    assert caught >= least
    assert dropped <= 0.05


@pytest.mark.parametrize(
    ("name", "least", "most_lost"), [("strangers_4", 0.75, 0.45), ("strangers_5_apart", 0.80, 0.65)]
)
def test_statements_of_strangers_in_other_words_than_the_calls(
    name: str, least: float, most_lost: float, real_encoder: SentenceEncoder
) -> None:
    """The second set is not fitted on. Without likeness 20 and 46 of the true ones were not supported."""
    statements = read_statements(STATEMENTS / f"{name}.yaml", None)
    assert len(statements) >= 60
    found = verdicts(statements, real_encoder)
    caught, dropped = _shares(statements, found)
    assert caught >= least
    assert dropped <= 0.06
    true = [verdict for one, verdict in zip(statements, found, strict=True) if one.true]
    assert sum(verdict is not Verdict.SUPPORTED for verdict in true) <= most_lost * len(true)


def test_the_halves_share_no_call(reference_data: Path) -> None:
    read = [read_statements(STATEMENTS / f"{half}.yaml", reference_data) for half in HALVES]
    about = [{one.call.call_id for one in statements} for statements in read]
    assert all(about)
    assert not about[0] & about[1]


CAKE = call(
    ("agent", "Sweet Corner bakery, what can I do for you?"),
    ("client", "I need a cake for Saturday. Would chocolate be possible?"),
    ("agent", "Of course. If you take it for two days, I can give you a box for free. What name is it?"),
    ("client", "Tom. I will pick it up before noon."),
    ("agent", "I will send you a reminder on Friday. I will note it down now. I noted your name."),
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("The client picked up the cake before noon.", "it was only announced"),
        ("The agent sent a reminder on Friday.", "it was only announced"),
        ("The agent noted it down.", None),
        ("The agent will send a reminder on Friday.", None),
        ("The client asked for a free box for two days.", "the other side said it"),
        ("The client asked whether chocolate is possible.", None),
        ("The agent asked whether chocolate is possible.", "the other side said it"),
        ("The client asked whether they need a cake for Saturday.", "the other side said it"),
        ("The agent called to get a cake.", "the other side did it"),
        ("The client called to get a cake.", None),
    ],
)
def test_who_asked_who_called_and_what_is_still_to_come(text: str, fault: str | None) -> None:
    """Each stood unmarked in a real model's summaries: told as done, asked by the wrong side, called by the agent."""
    checked = StatementChecker(CAKE, "en", None).check(text)
    told = ("it was only announced", "the other side said it", "the other side did it")
    found = [reason for reason in checked.reasons if reason in told]
    assert (fault in found) if fault else not found


HOTEL = call(
    ("agent", "Old Mill Inn, this is Nora. To leave a message press one. How can I help you?"),
    ("client", "I left a necklace in my room. The line is bad. It drops every minute."),
    ("agent", "Housekeeping looked already, they found it on the shelf. Please write down the address and we send it."),
    ("client", "Thank you, Nora."),
    ("agent", "You will have the key within three days."),
    ("agent", "You'll get the receipt by Friday. That's noted now. Would you keep the phone on and call the driver?"),
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("The agent found it on the shelf.", "the other side did it"),
        ("The client dropped every minute.", "the other side did it"),
        ("The agent noted that.", None),
        ("The agent pressed one.", "the other side did it"),
        ("The client should write down the address and send it.", "the other side did it"),
        ("The agent provided the receipt by Friday.", "it was only announced"),
        ("The agent arranged the receipt by Friday.", None),
        ("The client received the key.", "it was only announced"),
        ("The client called Nora.", None),
        ("The client called because they had a necklace in the room.", None),
        ("The agent called Nora.", "the other side did it"),
    ],
)
def test_third_parties_instructions_terms_and_who_called(text: str, fault: str | None) -> None:
    """Of a real model's falsehoods these stood unmarked, and the truth about who called was dropped."""
    checked = StatementChecker(HOTEL, "en", None).check(text)
    assert (
        (fault in checked.reasons)
        if fault
        else not {"the other side did it", "it was only announced"} & {*checked.reasons}
    )


def test_doubts_about_two_things_are_one_doubt_about_each() -> None:
    """The truth was dropped for two doubts, of which either alone would have marked it."""
    statement = "The agent found it on the shelf, and the agent provided the receipt by Friday."
    evidence = CallEvidence(HOTEL.transcript.believed, wording_of("en"), None)
    assert [len(faults_of(clause)) for clause in evidence.of_clauses(statement)] == [1, 1]
    assert judged(HOTEL, statement) is Verdict.NOT_VERIFIED


def test_what_is_not_found_is_marked_and_not_dropped() -> None:
    assert judged(HOTEL, "The weather was wonderful.") is Verdict.NOT_VERIFIED


def test_what_follows_but_is_read_by_itself() -> None:
    """The content of both halves together was said by nobody, and of the first alone by the other side."""
    text = "The client asked for a free box for two days, but the name is Tom."
    assert StatementChecker(CAKE, "en", None).check(text).verdict is not Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("statement", "misdated"),
    [
        ("The client will receive the corrected bill by email within three working days.", True),
        ("The client will receive the corrected bill by email today.", False),
        ("The client will have the forty dollars within three working days.", False),
        ("The refund takes three working days.", False),
        ("The client was charged twice within three working days.", False),
    ],
)
def test_a_moment_belongs_to_what_it_was_said_of(statement: str, misdated: bool) -> None:
    """Two promises in one sentence, run together by a model."""
    refund, bill = (
        "You will have the forty dollars within three working days",
        "I will send you the corrected bill by email",
    )
    about = call(("client", "I was charged twice."), ("agent", f"{refund}, and {bill} today."))
    checked = StatementChecker(about, "en", None).check(statement)
    assert ("the time belongs to something else" in checked.reasons) == misdated
