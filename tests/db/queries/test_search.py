"""Searching what was said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.connection import Database
from db.ledger.store import PostgresStore
from db.queries.chosen import CallFilter
from db.queries.listing import MARK_BEGIN, MARK_END
from db.queries.searching import search, second_guess
from pipeline.records import Role
from tests.db.samples import chunk, found, outcome, prepared, transcript


@pytest.mark.parametrize(
    ("query", "role", "places"),
    [
        ("card", None, {(0, 0), (1, 0)}),
        ("card", Role.AGENT, {(1, 0)}),
        ("card -twice", None, {(1, 0)}),
        ("card -charging", None, set()),
        ('"charged twice"', None, {(0, 0)}),
        ("twice OR merci", None, {(0, 0), (0, 1)}),
        ("refund", None, {(1, 0)}),
        ("refunding", None, {(1, 0)}),
        ("REFUNDS Charges", None, {(1, 0)}),
        ("arrivée", None, {(0, 1)}),
        ("the", None, {(1, 0)}),
        ("sorry", None, set()),
        ("'; DROP TABLE calls; --", None, set()),
        ("", None, set()),
        ("%", None, set()),
    ],
)
def test_what_a_search_finds(
    talk: str, database: Database, query: str, role: Role | None, places: set[tuple[int, int]]
) -> None:
    hits = search(database, query, role=role)
    assert {(hit.channel, hit.ordinal) for hit in hits} == places
    assert {hit.call_id for hit in hits} <= {talk}


LANGUAGES = [
    ("en", "they cancelled my contract", "cancel"),
    ("en", "I want to cancel", "cancelled"),
    ("fr", "nous avons annulé les factures", "facture"),
    ("de", "ich habe zwei Verträge gekündigt", "Vertrag"),
    ("es", "me cobraron dos veces las facturas", "factura"),
    (None, "numbers 4711", "4711"),
    ("xx", "unbekannt", "unbekannt"),
]


@pytest.fixture
def polyglot(store: PostgresStore, run_id: str) -> None:
    for number, (language, text, _) in enumerate(LANGUAGES):
        call = found(f"{number}.wav")
        words = replace(chunk(0, 0, 0.0, text), language=language)
        store.save_call(
            outcome(
                store.claim_call(call, str(number), None), run_id, call, audio=prepared(str(number)),
                words=transcript(f"f{number}", chunks=(words,), language=language), steps=(),
            )
        )  # fmt: skip


def test_stems_are_those_of_each_calls_language(polyglot: None, database: Database) -> None:
    for number, (_, text, query) in enumerate(LANGUAGES):
        assert f"{number}.wav" in {hit.file_name for hit in search(database, query)}, (text, query)
    names = {hit.file_name for hit in search(database, "cancel", chosen=CallFilter(language="en"))}
    assert names == {"0.wav", "1.wav"}
    assert not search(database, "cancel", chosen=CallFilter(language="fr"))
    assert not search(database, "annuler -factures"), "what is not wanted counts by its stem, too"


def test_a_hit_tells_the_words_and_their_second(talk: str, database: Database) -> None:
    hit = search(database, "twice")[0]
    assert hit.marked == f"My card was charged {MARK_BEGIN}twice{MARK_END}"
    assert hit.at_s == pytest.approx(1.6), "the fifth of five words in two seconds"
    assert hit.quote() == hit.marked
    short = replace(hit, marked="a " * 100 + hit.marked + " b" * 100).quote(around=10)
    assert MARK_BEGIN + "twice" + MARK_END in short
    assert short.startswith("… ")
    assert short.endswith(" …")
    assert len(short) < 60
    assert replace(hit, words=None).at_s == hit.start_s


def test_filters_and_a_limit(talk: str, database: Database) -> None:
    assert search(database, "card", chosen=CallFilter(agent="A7"))
    assert not search(database, "card", chosen=CallFilter(agent="A8"))
    (hit,) = search(database, "card", limit=1)
    assert hit.file_name == "a.wav"
    assert hit.rank > 0


@pytest.mark.parametrize(
    ("query", "guess"),
    [
        ("chared twice", "charged twice"),
        ('"chraged twice"', '"charged twice"'),
        ("refnded -twice", "refunded -twice"),
        ("factur", "facture"),
        ("twice", None),
        ("xylophone", None),
        ("", None),
        ("a OR b", None),
    ],
)
def test_a_mistyped_word_is_guessed(talk: str, database: Database, query: str, guess: str | None) -> None:
    assert second_guess(database, query) == guess


QUERIES = st.text(st.one_of(st.sampled_from("\"'-():*&|!<>\\%_ \x00\ud800\u2028 aOR"), st.characters()), max_size=80)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUERIES)
@example("x" * 5000)
@example('"' * 999)
@example("a:* & !!(b | c)")
@example("-a -b")
def test_no_query_breaks_a_search(talk: str, database: Database, query: str) -> None:
    for hit in search(database, query, limit=3):
        assert hit.marked.replace(MARK_BEGIN, "").replace(MARK_END, "") == hit.text
    second_guess(database, query)
