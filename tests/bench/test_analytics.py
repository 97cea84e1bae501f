"""docs/analytics.md holds what the questions give today."""

from __future__ import annotations

from bench.analytics import page, store_samples
from db.analytics import questions
from db.connection import Database
from tests.house import PROJECT


def test_twenty_questions_are_answered_as_the_page_says(database: Database) -> None:
    assert len(questions()) == 20
    store_samples(database)
    made = page(database)
    kept = (PROJECT / "docs" / "analytics.md").read_text(encoding="utf-8")
    assert kept == made, "write it anew: python -m bench.analytics > docs/analytics.md"
