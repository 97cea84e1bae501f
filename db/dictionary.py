"""docs/data-dictionary.md, written from the comments in the database: `python -m db.dictionary` prints it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from db.export.result_rows import FIRST_COLUMNS, FURTHER_COLUMNS
from db.export.tables import RESULTS, TABLES
from db.origins import columns_behind, origin
from db.roles import READABLE

if TYPE_CHECKING:
    from psycopg import Connection

SAMPLES = 3
SAMPLED_ROWS = 100
SAMPLE_CHARS = 40
SHOWN = (
    "calls",
    "chunks",
    "runs",
    "attention",
    "calls_done",
    "sides",
    "turns",
    "daily",
    "daily_agent",
    "topics_weekly",
    "repeat_calls",
    "call_steps",
    "transcripts",
    "transcript_chunks",
    "finished_segments",
    "chunk_sentiments",
    "rule_matches",
    "attention_notices",
    "scorecard_results",
    "scorecard_answers",
    "human_references",
    "human_reference_turns",
    "watch_samples",
    "watch_judgements",
    "watch_figures",
    "indexed_transcripts",
    "passages",
    "live_calls",
    "live_turns",
    "listings",
    "tombstones",
    "tombstone_key",
    "access_tokens",
    "access_sessions",
    "call_reads",
)
"""First the relations readers rely on, then the tables beneath them."""

INTRODUCTION = """# Data dictionary

Written from the comments in the database (`python -m db.dictionary`); a test keeps it current. In psql the same text
is shown by `\\d+ calls`.

Readers rely on `calls`, `chunks` and `runs`. The tables after them lie beneath: they keep transcripts of several models
side by side and let a single step be redone. Times of day have a time zone; times within a call are seconds from the
first sample of the recording, on one clock for all channels. A missing value is NULL, with the reason in
`calls.missing_reasons` or in a `*_reason` column, never a default.

Some questions:

```sql
-- unhappy clients of last week, with what the call was about and where it turned
SELECT file_name, topic, subtopic, client_fusion_confidence, mood_turned_at_s, summary
FROM calls WHERE client_fusion_sentiment = 'negative' AND started_at > now() - interval '7 days'
ORDER BY client_fusion_confidence DESC;

-- the sentences behind a sentiment
SELECT start_s, role, text_sentiment, text FROM chunks
WHERE call_id = (SELECT call_id FROM calls WHERE file_name = 'a.wav') ORDER BY start_s;

-- why values are missing
SELECT key, value, count(*) FROM calls, jsonb_each_text(missing_reasons) GROUP BY key, value ORDER BY 3 DESC;

-- two models on the same recordings
SELECT c.file_name, t.model, string_agg(k.text, ' ' ORDER BY k.start_s)
FROM calls c JOIN transcripts t USING (audio_sha256)
    JOIN transcript_chunks k ON k.transcript_fingerprint = t.fingerprint
GROUP BY c.file_name, t.model, t.fingerprint;

-- what the language models cost, by month
SELECT date_trunc('month', updated_at), provider, model, sum(cost_usd), sum(tokens_in + tokens_out)
FROM call_steps WHERE provider IS NOT NULL GROUP BY 1, 2, 3;
```
"""


@dataclass(frozen=True, slots=True)
class DescribedColumn:
    """A column, for the page that people browse."""

    name: str
    kind: str
    about: str
    origin: str
    samples: tuple[str, ...]
    """Some of its values, shortened; empty where there are none or none were asked for."""


@dataclass(frozen=True, slots=True)
class DescribedRelation:
    """A table or view."""

    name: str
    about: str
    columns: tuple[DescribedColumn, ...]
    is_view: bool


def described(connection: Connection[Any], *, samples: bool) -> list[DescribedRelation]:
    """Every relation that readers rely on, and the tables beneath, as they are in this database.

    Args:
        samples: with values from the first rows; they hold what was said.
    """
    return [_relation(connection, name, samples=samples) for name in SHOWN]


def _relation(connection: Connection[Any], name: str, *, samples: bool) -> DescribedRelation:
    about, columns = _described(connection, name)
    is_view = connection.execute("SELECT relkind = 'v' FROM pg_class WHERE oid = %s::regclass", [name]).fetchone()
    behind = columns_behind(connection, name)
    values = _samples(connection, name) if samples else {}
    made = tuple(
        DescribedColumn(column, kind, said, origin(name, column, behind), values.get(column, ()))
        for column, kind, said in columns
    )
    return DescribedRelation(name, about, made, bool(is_view and is_view[0]))


def _samples(connection: Connection[Any], relation: str) -> dict[str, tuple[str, ...]]:
    """Up to SAMPLES different values of each column, from the first rows."""
    query = sql.SQL("SELECT to_jsonb(row) FROM (SELECT * FROM {} LIMIT {}) row")
    rows = connection.execute(query.format(sql.Identifier(relation), sql.Literal(SAMPLED_ROWS))).fetchall()
    found: dict[str, dict[str, None]] = {}
    for (row,) in rows:
        for column, value in row.items():
            if value not in (None, "", [], {}):
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                shown = " ".join(text.split())
                short = shown if len(shown) <= SAMPLE_CHARS else f"{shown[: SAMPLE_CHARS - 1]}…"
                found.setdefault(column, {}).setdefault(short)
    return {column: tuple(values)[:SAMPLES] for column, values in found.items()}


def data_dictionary(connection: Connection[Any]) -> str:
    """The page as Markdown."""
    parts = [INTRODUCTION]
    for relation in SHOWN:
        comment, columns = _described(connection, relation)
        parts.append(f"## {relation}\n\n{comment}\n\n| column | type | |\n|---|---|---|")
        parts.extend(f"| `{name}` | {kind} | {said.replace('|', '/')} |" for name, kind, said in columns)
        parts.append("")
    parts.append("## Results as a table\n")
    parts.append("`results_*.csv` of a run, and `run.py export results.csv` (or .xlsx, .parquet, .jsonl).\n")
    parts.append(f"First, fixed in name and order: {_listed(FIRST_COLUMNS)}.\n")
    parts.append(f"Then: {_listed(FURTHER_COLUMNS)}.\n")
    parts.append(
        "`error` is the last failure's type and message, `topics` is `topic > subtopic`; the others are columns of\n"
        "`calls`. In CSV and XLSX structured values are JSON and flags are separated by `; `. In CSV, text that a\n"
        "spreadsheet could take for a formula stands behind an apostrophe, also where it would begin a field if the\n"
        "file were split at another separator. XLSX stores text as text, whatever it looks like: `007`, `1E5` and\n"
        "`=1+1` are read back as they are. It knows no time zones: its times are those of `input.timezone`.\n"
    )
    parts.append("## Further tables\n")
    parts.append(
        "`run.py export FILE --table NAME`, as .csv, .xlsx, .parquet or .jsonl, all columns or some (`--column`).\n"
        "`run.py export calls.xlsx` writes the first ones as sheets of one workbook.\n"
    )
    parts.extend(
        f"- `{table.name}`: {_listed(tuple(column.name for column in table.columns))}"
        for table in TABLES.values()
        if table is not RESULTS
    )
    parts.append(
        "\n`client_mood` and `agent_mood` are from the words and the voice, or else from the words alone.\n"
        "`manifest` is for training recognisers (names as in NeMo): chunks without doubts and without placeholders of\n"
        "redaction. `--format bigquery` writes calls in the columns of Google's Customer\n"
        "Experience Insights, with the schema for `bq load` beside it.\n"
    )
    parts.append("## Roles for analysts\n")
    parts.extend(f"- `{role}` reads {_listed(relations)}." for role, relations in READABLE.items())
    return "\n".join(parts) + "\n"


def _described(connection: Connection[Any], relation: str) -> tuple[str, list[tuple[str, str, str]]]:
    row = connection.execute("SELECT coalesce(obj_description(%s::regclass), '')", [relation]).fetchone()
    columns = connection.execute(
        """SELECT attname, format_type(atttypid, atttypmod), coalesce(col_description(attrelid, attnum), '')
           FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        [relation],
    ).fetchall()
    return str(row[0]) if row else "", [(name, kind, said) for name, kind, said in columns]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    import sys
    import tempfile
    from pathlib import Path

    from db.connection import connect
    from pipeline.config.areas.database import DatabaseSettings

    with tempfile.TemporaryDirectory(prefix="earshot-dictionary-") as folder:
        Path(folder).chmod(0o755)  # the server's account has to pass
        settings = DatabaseSettings(data_dir=Path(folder) / "postgres")
        with connect(settings) as database, database.connection() as connection:
            sys.stdout.write(data_dictionary(connection))


if __name__ == "__main__":
    main()
