"""The data dictionary: complete and current."""

from __future__ import annotations

from pathlib import Path

from db.connection import Database
from db.dictionary import data_dictionary

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data-dictionary.md"


def test_the_page_is_current(database: Database) -> None:
    with database.connection() as connection:
        assert PAGE.read_text(encoding="utf-8") == data_dictionary(connection), (
            "write it anew: python -m db.dictionary > docs/data-dictionary.md"
        )


def test_every_table_and_column_is_described(database: Database) -> None:
    with database.connection() as connection:
        bare = connection.execute(
            """SELECT c.oid::regclass::text, a.attname
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v')
                   AND c.relname NOT LIKE 'earshot_%'
                   AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)"""
        ).fetchall()
    assert bare == []


def test_its_example_queries_run(database: Database) -> None:
    queries = PAGE.read_text(encoding="utf-8").split("```sql\n")[1].split("```")[0].split(";\n")
    with database.connection() as connection:
        for query in queries:
            if query.strip():
                connection.execute(query.encode())
