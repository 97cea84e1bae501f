"""The dictionary as a page: complete, with where each column comes from, and no markup out of calls."""

from __future__ import annotations

from db.connection import Database
from db.dictionary import SHOWN, described
from db.ledger.store import PostgresStore
from db.origins import origins_of_calls
from pages.rendering import page
from tests.db.samples import chunk, found, outcome, prepared, transcript
from tests.pinned import assert_pinned


def test_every_relation_has_columns_with_an_origin_and_values(
    store: PostgresStore, database: Database, run_id: str
) -> None:
    words = transcript(chunks=(chunk(0, 0, 0.0, "<b>hello</b> & goodbye"), chunk(1, 0, 2.5, "I am sorry")))
    store.save_call(outcome(store.claim_call(found(), "aa", None), run_id, audio=prepared("aa"), words=words))
    with database.connection() as connection:
        relations = described(connection, samples=True)
        bare = described(connection, samples=False)
    assert [relation.name for relation in relations] == list(SHOWN)
    by_name = {relation.name: {column.name: column for column in relation.columns} for relation in relations}
    assert all(column.origin for columns in by_name.values() for column in columns.values())
    assert_pinned("origins.txt", "\n".join(
        f"{relation.name}.{column.name}: {column.origin}" for relation in relations for column in relation.columns
    ))  # fmt: skip
    assert by_name["calls"]["topic"].origin == "step topic"
    assert by_name["calls"]["attention_weight"].origin == "step rules"
    assert by_name["calls"]["duration_s"].origin == "decoding"
    assert by_name["calls"]["agent_id"].origin == "file name or sidecar"
    assert by_name["calls_done"]["topic"].origin == "calls.topic"
    assert by_name["daily"]["negative"].origin == "made by the view"
    assert by_name["chunk_sentiments"]["text_negative"].origin == "step text"
    assert by_name["calls"]["topic"].samples == ("Billing",)
    assert all(column.samples == () for relation in bare for column in relation.columns)
    made = page("dictionary", relations=relations, values=True)
    assert "<b>hello" not in made
    assert "&lt;b&gt;hello&lt;/b&gt; &amp; goodbye" in made
    assert "http" not in made.replace("http-equiv", "")


def test_origins_name_columns_that_are_there(database: Database) -> None:
    with database.connection() as connection:
        rows = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'calls'::regclass AND attnum > 0 AND NOT attisdropped"
        ).fetchall()
    assert set(origins_of_calls()) <= {name for (name,) in rows}
