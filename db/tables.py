"""Whose tables a database holds, and whether rows are missing from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import tuple_row

from db.ask import Patient, ask, question
from db.records import record_row
from pipeline.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from psycopg import Connection

MIGRATIONS = "earshot_migrations"
"""Table of the migrations applied; a schema that has it holds Earshot's tables."""

RELATIONS = (
    "runs",
    "calls",
    "chunks",
    "transcripts",
    "transcript_chunks",
    "call_steps",
    "chunk_sentiments",
    "attention",
    "rule_matches",
    "attention_notices",
    "scorecard_results",
    "scorecard_answers",
    "human_references",
    "human_reference_turns",
    "watch_samples",
    "watch_judgements",
    "watch_figures",
    "calls_done",
    "sides",
    "turns",
    "daily",
    "daily_agent",
    "topics_weekly",
    "repeat_calls",
    "calls_without_text",
    "chunks_without_text",
    "steps_without_text",
    "attention_without_text",
    "daily_without_text",
    "daily_agent_without_text",
    "topics_weekly_without_text",
    "runs_without_text",
)
"""Tables and views that readers may query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What the schema that Earshot works in holds, and where else its tables are."""

    schema: str | None
    search_path: str
    taken: tuple[str, ...]
    """Relations in the schema with a name Earshot uses."""
    ours: bool
    elsewhere: tuple[str, ...]
    """Other schemas with tables of Earshot."""
    visible: str | None
    """The schema whose Earshot tables an unqualified name finds."""


def tables_of(connection: Connection[Any], name: str) -> Tables:
    """What is in the schema that `connection` works in; `name` is the database's, for messages.

    Raises DatabaseUnavailable when Earshot can neither use nor make its tables there: they are somebody else's, or
    search_path leads past those that are there.
    """
    with connection.cursor(row_factory=record_row(Tables)) as cursor:
        cursor.execute(question("database/whose_tables"), {"relations": list(RELATIONS), "marker": MIGRATIONS})
        tables = cursor.fetchone()
    assert tables is not None
    where = f"database {name}"
    if tables.schema is None:
        raise DatabaseUnavailable(
            f"{where}: search_path is `{tables.search_path}`, which names no schema that exists and that this account "
            "may use; make the schema, grant USAGE on it, or change search_path (of the role, or in database.url)"
        )
    if tables.ours:
        return tables
    if tables.visible is not None:
        raise DatabaseUnavailable(
            f"{where}: Earshot's tables are in schema `{tables.visible}`, but search_path is `{tables.search_path}`, "
            f"so that new ones would be made in `{tables.schema}`; put `{tables.visible}` first in search_path "
            "(of the role, or in database.url)"
        )
    if tables.taken:
        raise DatabaseUnavailable(
            f"{where}: schema `{tables.schema}` holds {', '.join(tables.taken)}, which Earshot did not make; give "
            "database.url a database of Earshot's own, or a schema of its own "
            "(postgresql://…/database?options=-csearch_path%3Dearshot)"
        )
    return tables


def emptied_tables(database: Patient) -> list[str]:
    """A sentence for each table that is empty although other tables say it is not."""
    return [
        f"table {table} is empty, but {evidence}: its rows were deleted or lost. Restore a backup before the next run, "
        "or let the run make them again"
        for table, evidence in ask(database, "database/emptied_tables", tuple_row)
    ]


def broken_rules(database: Patient) -> list[str]:
    """A sentence for each constraint that rows of an earlier version break; new rows keep it."""
    found = ask(database, "database/broken_constraints", tuple_row)
    return [
        f"table {table}: rows of an earlier version break {name} ({rule}); new rows keep it. Process those calls again "
        f"(--reprocess analysis, or all), then: ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
        for table, name, rule in found
    ]
