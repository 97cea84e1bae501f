"""Questions that analysts ask, answered: docs/analytics.md is made of `queries/sql/analytics` and what they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db.ask import FOLDER

if TYPE_CHECKING:
    from psycopg import Connection

_CELL_CHARS = 90


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words and in SQL."""

    name: str
    asked: str
    sql: str


def questions() -> list[Question]:
    """In the order of their numbers."""
    found = []
    for path in sorted((FOLDER / "analytics").glob("*.sql")):
        head, _, sql = path.read_text(encoding="utf-8").partition("\n")
        found.append(Question(path.stem, head.removeprefix("-- "), sql.strip()))
    return found


def answered(connection: Connection[Any], zone: str = "UTC") -> str:
    """Every question with its SQL and its answer, as Markdown; days and hours are those of `zone`."""
    connection.execute("SELECT set_config('timezone', %s, false)", [zone])
    parts = []
    for number, question in enumerate(questions(), start=1):
        cursor = connection.execute(question.sql.encode())
        names = [column.name for column in cursor.description or ()]
        table = _table(names, cursor.fetchall())
        parts.append(f"## {number}. {question.asked}\n\n```sql\n{question.sql};\n```\n\n{table}")
    return "\n\n".join(parts) + "\n"


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return "No rows."
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines.extend(f"| {' | '.join(_cell(value) for value in row)} |" for row in rows)
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = " ".join(str(value).split()).replace("|", "\\|")
    return text if len(text) <= _CELL_CHARS else f"{text[: _CELL_CHARS - 1]}…"
