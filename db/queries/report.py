"""What the report asks about one run. No answer holds anybody's words: labels, counts, seconds, reasons."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row, tuple_row

from db.ask import ask

if TYPE_CHECKING:
    from db.connection import Database


class Questions:
    """Answers about one run."""

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self._id = uuid.UUID(run_id)

    def quality(self) -> dict[str, Any]:
        """What drift is measured by: words per minute, calls without a word, labels of sentiment and topic."""
        (row,) = self._ask("quality")
        return {
            "calls": row["calls"],
            "empty": row["empty"],
            "words_per_minute": {"calls": row["spoken"], "mean": row["mean"], "variance": row["variance"]},
            "sentiment": self._counted("sentiments"),
            "topics": self._counted("topics"),
        }

    def parts(self) -> list[dict[str, Any]]:
        """Seconds of the parts of each stage."""
        return self._ask("parts", digits=3)

    def services(self) -> list[dict[str, Any]]:
        """Calls, tokens and cost by analysis step, provider and model."""
        return self._ask("services", digits=6)

    def _ask(self, name: str, digits: int | None = None) -> list[dict[str, Any]]:
        rows = ask(self._database, f"report/{name}", dict_row, run_id=self._id)
        return rows if digits is None else [_rounded(row, digits) for row in rows]

    def _counted(self, name: str) -> dict[str, int]:
        return dict(ask(self._database, f"report/{name}", tuple_row, run_id=self._id))


def _rounded(row: dict[str, Any], digits: int) -> dict[str, Any]:
    return {key: round(value, digits) if isinstance(value, float) else value for key, value in row.items()}
